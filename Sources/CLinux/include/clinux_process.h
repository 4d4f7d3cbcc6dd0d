#ifndef CLINUX_PROCESS_H
#define CLINUX_PROCESS_H
// pidfd, descriptor passing, spawn: used by the worker pool.
#endif
