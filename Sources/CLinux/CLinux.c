#define _GNU_SOURCE
#include "CLinux.h"
#include <sched.h>
#include <string.h>
#include <sys/resource.h>

bool clinux_contains(const void *bytes, size_t count, const void *word, size_t word_count) {
    return memmem(bytes, count, word, word_count) != NULL;
}

// Written once, before there are threads that could start processes.
static struct rlimit clinux_limit_before;
static bool clinux_is_raised = false;

void clinux_raise_descriptor_limit(void) {
    struct rlimit limit;
    if (clinux_is_raised || getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur >= limit.rlim_max) return;
    clinux_limit_before = limit;
    limit.rlim_cur = limit.rlim_max;
    clinux_is_raised = setrlimit(RLIMIT_NOFILE, &limit) == 0;
}

uint64_t clinux_descriptor_limit(void) {
    struct rlimit limit;
    return getrlimit(RLIMIT_NOFILE, &limit) == 0 ? (uint64_t)limit.rlim_cur : 1024;
}

void clinux_limit_child(pid_t pid, uint64_t memory, uint64_t seconds) {
    struct rlimit space = {memory, memory}, time = {seconds, seconds + 1};
    prlimit(pid, RLIMIT_AS, &space, NULL);
    prlimit(pid, RLIMIT_CPU, &time, NULL);
}

void clinux_restore_descriptor_limit(pid_t pid) {
    if (clinux_is_raised) prlimit(pid, RLIMIT_NOFILE, &clinux_limit_before, NULL);
}

static _Thread_local cpu_set_t clinux_cores_before;
static _Thread_local int clinux_is_kept = 0;

int clinux_stay_on_one_core(void) {
    if (sched_getaffinity(0, sizeof clinux_cores_before, &clinux_cores_before) != 0) return 0;
    int core = 0;
    while (core < CPU_SETSIZE && !CPU_ISSET(core, &clinux_cores_before)) core++;
    if (core == CPU_SETSIZE) return 0;
    cpu_set_t one;
    CPU_ZERO(&one);
    CPU_SET(core, &one);
    return clinux_is_kept = sched_setaffinity(0, sizeof one, &one) == 0;
}

void clinux_use_all_cores(void) {
    if (clinux_is_kept) sched_setaffinity(0, sizeof clinux_cores_before, &clinux_cores_before);
    clinux_is_kept = 0;
}
