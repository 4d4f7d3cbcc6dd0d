#define _GNU_SOURCE
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "worker.h"

/// Bytes mapped in all, and as data (what RLIMIT_DATA counts, and stacks), now.
static void mapped_now(uint64_t *all, uint64_t *data) {
    *all = *data = 256u << 20;
    int fd = open("/proc/self/statm", O_RDONLY | O_CLOEXEC);
    if (fd < 0) return;
    char line[256];
    ssize_t count = read(fd, line, sizeof line - 1);
    close(fd);
    if (count <= 0) return;
    line[count] = 0;
    unsigned long long pages_all, pages_data;
    if (sscanf(line, "%llu %*u %*u %*u %*u %llu", &pages_all, &pages_data) != 2) return;
    uint64_t page = (uint64_t)sysconf(_SC_PAGESIZE);
    *all = pages_all * page;
    *data = pages_data * page;
}

static void set(int resource, uint64_t value, bool hard) {
    struct rlimit limit;
    if (getrlimit(resource, &limit) != 0) return;
    if (limit.rlim_max != RLIM_INFINITY && value > limit.rlim_max) value = limit.rlim_max;
    limit.rlim_cur = value;
    if (hard) limit.rlim_max = value;
    setrlimit(resource, &limit);
}

void limits_apply_memory(const sluice_wire_load *limits) {
    uint64_t all, data;
    mapped_now(&all, &data);
    // 64 MB for what loading the module and its libraries takes.
    set(RLIMIT_DATA, data + limits->memory_bytes + (64u << 20), false);
}

void limits_apply(const sluice_wire_load *limits) {
    uint64_t all, data;
    mapped_now(&all, &data);
    set(RLIMIT_DATA, data + limits->memory_bytes, true);
    // Address space is reserved generously by allocators and mapped files; this bound only ends what runs away.
    set(RLIMIT_AS, all + 2 * limits->memory_bytes + (16ull << 30), true);
    set(RLIMIT_CORE, 0, true);
    if (limits->file_bytes) set(RLIMIT_FSIZE, limits->file_bytes, true);
    if (limits->descriptors) set(RLIMIT_NOFILE, limits->descriptors, true);
    // A file that grows too long is an error of `write` (EFBIG), not a death.
    signal(SIGXFSZ, SIG_IGN);
}

void limits_offer_to_oom_killer(void) {
    int fd = open("/proc/self/oom_score_adj", O_WRONLY | O_CLOEXEC);
    if (fd >= 0) {
        ssize_t ignored = write(fd, "500", 3);
        (void)ignored;
        close(fd);
    }
}
