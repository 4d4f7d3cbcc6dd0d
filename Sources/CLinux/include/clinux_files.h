#ifndef CLINUX_FILES_H
#define CLINUX_FILES_H
// openat2, renameat2, leases, reflinks, inotify: used by ObjectStore.

// No _GNU_SOURCE here: it changes the layout names of C types (fd_set) against what Swift's Glibc module saw.
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <linux/openat2.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/eventfd.h>
#include <sys/inotify.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/types.h>
#include <sys/vfs.h>
#include <unistd.h>

// Behind _GNU_SOURCE in <fcntl.h>.
#ifndef F_SETLEASE
#define F_SETLEASE 1024
#endif

/// O_PATH: a descriptor that only stands for a place.
static const int clinux_o_path = __O_PATH;

/// Writes out what stdout still holds. -1 where that, or any output before, was refused; errno is that of the last call.
static inline int clinux_flush_output(void) {
    errno = 0;
    int flushed = fflush(stdout);
    return flushed != 0 || ferror(stdout) ? -1 : 0;
}

/// Opens `path` strictly beneath `directory`, through no symbolic link, close-on-exec.
static inline int clinux_open_beneath(int directory, const char *path, int flags, unsigned int mode) {
    struct open_how how = {0};
    how.flags = (uint64_t)(unsigned int)(flags | O_CLOEXEC);
    how.mode = (flags & (O_CREAT | __O_TMPFILE)) ? mode : 0;
    how.resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS;
    // RESOLVE_BENEATH answers EAGAIN when a rename anywhere raced with a ".." part; keys have none, but a few
    // tries cost nothing.
    for (int i = 0;; i++) {
        long fd = syscall(SYS_openat2, directory, path, &how, sizeof how);
        if (fd >= 0 || (errno != EINTR && (errno != EAGAIN || i >= 8))) return (int)fd;
    }
}

enum { CLINUX_RENAME_PLAIN = 0, CLINUX_RENAME_NOREPLACE = 1, CLINUX_RENAME_EXCHANGE = 2 };

static inline int clinux_renameat2(
    int from_directory, const char *from, int to_directory, const char *to, unsigned int flags) {
    return (int)syscall(SYS_renameat2, from_directory, from, to_directory, to, flags);
}

/// Asks for a read lease and gives it back: 0 when no descriptor anywhere has the file open for writing, -1 with
/// EAGAIN when one has, EACCES when the file belongs to another user, EINVAL where the file system has no leases.
static inline int clinux_take_read_lease(int fd) { return fcntl(fd, F_SETLEASE, F_RDLCK); }
static inline int clinux_drop_lease(int fd) { return fcntl(fd, F_SETLEASE, F_UNLCK); }

/// Shares the blocks of `source` with the empty file `destination` (btrfs, XFS, bcachefs …).
static inline int clinux_reflink(int destination, int source) { return ioctl(destination, FICLONE, source); }

static inline ssize_t clinux_copy_file_range(int source, int64_t *source_offset, int destination, size_t length) {
    return syscall(SYS_copy_file_range, source, source_offset, destination, NULL, length, 0);
}

/// Gives the file behind `fd` another name.
static inline int clinux_link_descriptor(int fd, int directory, const char *name) {
    char path[40];
    snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
    return linkat(AT_FDCWD, path, directory, name, AT_SYMLINK_FOLLOW);
}

static inline int clinux_inotify_create(void) { return inotify_init1(IN_NONBLOCK | IN_CLOEXEC); }

/// Watches the folder that `folder` has open, so that a name swapped meanwhile cannot redirect the watch.
static inline int clinux_inotify_watch_folder(int inotify, int folder) {
    char path[40];
    snprintf(path, sizeof path, "/proc/self/fd/%d", folder);
    return inotify_add_watch(
        inotify, path,
        IN_CLOSE_WRITE | IN_MOVED_TO | IN_MOVED_FROM | IN_DELETE | IN_CREATE | IN_ATTRIB | IN_MOVE_SELF | IN_DELETE_SELF
            | IN_ONLYDIR | IN_EXCL_UNLINK);
}

static inline int clinux_inotify_unwatch(int inotify, int watch) { return inotify_rm_watch(inotify, watch); }

static inline int clinux_eventfd(void) { return eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK); }

/// The file system's magic number (statfs f_type), or 0 when it cannot be asked.
static inline int64_t clinux_file_system_type(int fd) {
    struct statfs s;
    return fstatfs(fd, &s) == 0 ? (int64_t)(uint64_t)(unsigned long)s.f_type : 0;
}

static inline const char *clinux_entry_name(const struct dirent *entry) { return entry->d_name; }
static inline unsigned char clinux_entry_type(const struct dirent *entry) { return entry->d_type; }

/// Nanoseconds since 1970; anybody can give a file a time outside 1677 to 2262, which becomes the end of that range.
static inline int64_t clinux_nanoseconds(const struct timespec *time) {
    int64_t value;
    if (__builtin_mul_overflow((int64_t)time->tv_sec, (int64_t)1000000000, &value)
        || __builtin_add_overflow(value, (int64_t)time->tv_nsec, &value))
        return time->tv_sec < 0 ? INT64_MIN : INT64_MAX;
    return value;
}
static inline int64_t clinux_modified(const struct stat *s) { return clinux_nanoseconds(&s->st_mtim); }
static inline int64_t clinux_changed(const struct stat *s) { return clinux_nanoseconds(&s->st_ctim); }

#endif
