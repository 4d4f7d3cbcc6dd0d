// Landlock (Linux 5.13): a worker may read what the host's user may read, but create, write, truncate and remove only
// below its own folder. Descriptors that the host hands over stay usable: Landlock looks at opening alone.
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "worker.h"

// linux/landlock.h is missing on older systems; these are the kernel's numbers.
#ifndef SYS_landlock_create_ruleset
#define SYS_landlock_create_ruleset 444
#define SYS_landlock_add_rule 445
#define SYS_landlock_restrict_self 446
#endif
#define CREATE_RULESET_VERSION 1u
#define RULE_PATH_BENEATH 1
#define ACCESS_WRITE_FILE (1ull << 1)
#define ACCESS_REMOVE_AND_MAKE (0x1ffull << 4)
#define ACCESS_REFER (1ull << 13)
#define ACCESS_TRUNCATE (1ull << 14)

struct ruleset_attributes {
    uint64_t handled_access_fs;
};

struct path_beneath {
    uint64_t allowed_access;
    int32_t parent_fd;
} __attribute__((packed));

static char description[160];

static int landlock_version(void) {
    return (int)syscall(SYS_landlock_create_ruleset, NULL, 0, CREATE_RULESET_VERSION);
}

const char *confine_describe(void) {
    int version = landlock_version();
    if (version > 0)
        snprintf(description, sizeof description, "landlock %d", version);
    else
        snprintf(description, sizeof description, "none: this kernel offers no Landlock (%s)", strerror(errno));
    return description;
}

static int allow(int ruleset, const char *path, uint64_t access) {
    struct path_beneath rule = {.allowed_access = access, .parent_fd = open(path, O_PATH | O_CLOEXEC)};
    if (rule.parent_fd < 0) return -1;
    int result = (int)syscall(SYS_landlock_add_rule, ruleset, RULE_PATH_BENEATH, &rule, 0);
    close(rule.parent_fd);
    return result;
}

const char *confine(const char *scratch) {
    char own[4096];
    snprintf(own, sizeof own, "%s/worker-%d", scratch, (int)getpid());
    if ((mkdir(own, 0700) != 0 && errno != EEXIST) || chdir(own) != 0) {
        snprintf(description, sizeof description, "no scratch folder: %s", strerror(errno));
        return description;
    }
    setenv("TMPDIR", own, 1);
    setenv("HOME", own, 1);

    int version = landlock_version();
    if (version <= 0) return confine_describe();
    uint64_t access = ACCESS_WRITE_FILE | ACCESS_REMOVE_AND_MAKE;
    if (version >= 2) access |= ACCESS_REFER;
    if (version >= 3) access |= ACCESS_TRUNCATE;
    struct ruleset_attributes attributes = {.handled_access_fs = access};
    int ruleset = (int)syscall(SYS_landlock_create_ruleset, &attributes, sizeof attributes, 0);
    int failed = ruleset < 0 || allow(ruleset, own, access) != 0;
    // Writing into these leaves nothing behind. TRUNCATE: open(2) with O_TRUNC, as a shell's `>` does.
    uint64_t devices = access & (ACCESS_WRITE_FILE | ACCESS_TRUNCATE);
    if (!failed) {
        allow(ruleset, "/dev/null", devices);
        allow(ruleset, "/dev/zero", devices);
        allow(ruleset, "/dev/full", devices);
    }
    failed = failed || prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0 ||
             syscall(SYS_landlock_restrict_self, ruleset, 0) != 0;
    int error = errno;
    if (ruleset >= 0) close(ruleset);
    if (!failed) return NULL;
    snprintf(description, sizeof description, "none: Landlock refused (%s)", strerror(error));
    return description;
}
