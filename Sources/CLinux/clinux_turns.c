#include "CLinux.h"
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

/// `struct sched_attr` of sched_setattr(2) as its first version has it: C libraries declare it only lately.
struct turns {
    uint32_t size;
    uint32_t policy;
    uint64_t flags;
    int32_t nice;
    uint32_t priority;
    uint64_t runtime;
    uint64_t deadline;
    uint64_t period;
};

enum {
    /// SCHED_OTHER, and SCHED_FLAG_RESET_ON_FORK.
    usual_policy = 0,
    reset_on_fork = 1,
    /// The kernel's least.
    shortest = 100000,
};

static int read_turns(pid_t thread, struct turns *turns) {
    memset(turns, 0, sizeof *turns);
    return (int)syscall(SYS_sched_getattr, thread, turns, sizeof *turns, 0);
}

int clinux_ask_short_turns(void) {
    struct turns turns;
    if (read_turns(0, &turns) != 0) return -1;
    // Who runs the host with more than the usual priority means what it starts as well, which the flag would take back.
    if (turns.policy != usual_policy || turns.nice < 0) return -1;
    turns.size = sizeof turns;
    turns.flags |= reset_on_fork;
    turns.runtime = shortest;
    return (int)syscall(SYS_sched_setattr, 0, &turns, 0);
}

uint64_t clinux_turn(pid_t thread) {
    struct turns turns;
    return read_turns(thread, &turns) == 0 && turns.policy == usual_policy ? turns.runtime : 0;
}
