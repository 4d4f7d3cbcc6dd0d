#define _GNU_SOURCE
#include "CLinux.h"
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

void clinux_restore_descriptor_limit(pid_t pid) {
    if (clinux_is_raised) prlimit(pid, RLIMIT_NOFILE, &clinux_limit_before, NULL);
}
