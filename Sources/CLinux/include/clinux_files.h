#ifndef CLINUX_FILES_H
#define CLINUX_FILES_H
// openat2, renameat2, leases, reflinks, inotify: used by ObjectStore.
#endif
