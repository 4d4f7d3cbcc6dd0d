// Frames between the host and a zygote (or a worker that is spawned without one), beside those of sluice_wire.h.
//
// The host starts `sluice-worker --zygote HOST_PID` or `--worker HOST_PID` in a session of its own, with these
// descriptors: 0 /dev/null, 1 and 2 pipes, SLUICE_CONTROL_FD a Unix stream socket, SLUICE_CRASH_FD a pipe. First frame:
// LOAD. A zygote answers LOADED and then forks on request; a `--worker` answers READY and serves.
#ifndef SLUICE_ZYGOTE_H
#define SLUICE_ZYGOTE_H

#include <stdint.h>

#define SLUICE_CONTROL_FD 3
#define SLUICE_CRASH_FD 4

// Host to zygote
/// Body: sluice_wire_load, then module path, scratch folder, configuration (JSON), without padding.
#define SLUICE_FRAME_LOAD 32u
/// Make a worker. `id` is the host's number of it. Comes with four descriptors, in this order: the worker's socket, its
/// stdout, its stderr, its crash pipe.
#define SLUICE_FRAME_FORK 33u
#define SLUICE_FORK_FDS 4

// Zygote to host
/// `code` 0: body is `ModuleManifest` as JSON. 1: `prepare` failed, body is its error. 2: the module cannot be loaded,
/// body `{"code":"ModuleRejected","message":…}`.
#define SLUICE_FRAME_LOADED 48u
/// `id` as in FORK. `code` 0: `sequence` is the pid, and a pidfd comes with the frame. Else `code` is the errno of fork.
#define SLUICE_FRAME_FORKED 49u
/// `id` as in FORK; the worker has ended and was reaped. `code` is its status as waitpid gives it.
#define SLUICE_FRAME_EXITED 50u
/// In EXITED: nobody knows the status.
#define SLUICE_STATUS_UNKNOWN 0xffffffffu

typedef struct sluice_wire_load {
    /// What a worker may allocate beyond what it has when it starts.
    uint64_t memory_bytes;
    /// The longest file that a worker may write.
    uint64_t file_bytes;
    /// The most descriptors a worker may have open.
    uint32_t descriptors;
    uint32_t module_count;
    uint32_t scratch_count;
    uint32_t configuration_count;
} sluice_wire_load;

// The crash pipe carries one report as lines of text, numbers in hexadecimal without a prefix, then ends:
//   signal NUMBER code NUMBER address NUMBER
//   stack            the fault is beyond the end of a stack
//   allocation SIZE  the last allocation that failed during the attempt
//   pc ADDRESS       innermost first; return addresses after the first
//   module BASE LOW HIGH PATH     load bias, lowest and highest mapped address of a loaded object
// or, where the worker gave up by itself:
//   end REASON       protocol, memory, parent
#define SLUICE_CRASH_MAX_REPORT (48u << 10)

#endif
