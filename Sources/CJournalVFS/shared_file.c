// `O_DIRECT`.
#define _GNU_SOURCE

#include <fcntl.h>
#include <linux/magic.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "files.h"

struct shared_file {
    dev_t device;
    ino_t inode;
    int references;
    char *path;
    /// -1: not opened yet, or refused.
    int direct;
    bool is_refused;
    _Atomic bool is_broken;
    struct shared_file *next;
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct shared_file *all;

struct shared_file *shared_file_find(const char *path) {
    struct stat status;
    if (path == NULL || stat(path, &status) != 0) return NULL;
    pthread_mutex_lock(&lock);
    struct shared_file *found = all;
    while (found != NULL && (found->device != status.st_dev || found->inode != status.st_ino)) found = found->next;
    if (found == NULL && (found = calloc(1, sizeof *found)) != NULL) {
        found->device = status.st_dev;
        found->inode = status.st_ino;
        found->path = strdup(path);
        found->direct = -1;
        found->next = all;
        all = found;
    }
    if (found != NULL) found->references++;
    pthread_mutex_unlock(&lock);
    return found;
}

void shared_file_release(struct shared_file *shared) {
    if (shared == NULL) return;
    pthread_mutex_lock(&lock);
    if (--shared->references == 0) {
        struct shared_file **link = &all;
        while (*link != shared) link = &(*link)->next;
        *link = shared->next;
        if (shared->direct >= 0) close(shared->direct);
        free(shared->path);
        free(shared);
    }
    pthread_mutex_unlock(&lock);
}

/// Whether what is written over stays where it is. Others copy on write, or may (btrfs, zfs, xfs with reflinks), and
/// that takes room, which a full disk has not; overlayfs tells nothing of what lies below it.
static bool writes_in_place(int descriptor) {
    struct statfs status;
    return fstatfs(descriptor, &status) == 0 && status.f_type == EXT4_SUPER_MAGIC;
}

int shared_file_direct(struct shared_file *shared) {
    if (shared == NULL) return -1;
    pthread_mutex_lock(&lock);
    if (shared->direct < 0 && !shared->is_refused) {
        struct stat status;
        int opened = shared->path == NULL ? -1 : open(shared->path, O_RDWR | O_DIRECT | O_CLOEXEC);
        bool is_same = opened >= 0 && fstat(opened, &status) == 0 && status.st_dev == shared->device &&
                       status.st_ino == shared->inode;
        // Another file by now, which nobody here has locked.
        if (opened >= 0 && !is_same) close(opened);
        shared->direct = is_same ? opened : -1;
        shared->is_refused = !is_same || !writes_in_place(opened);
    }
    int direct = shared->is_refused ? -1 : shared->direct;
    pthread_mutex_unlock(&lock);
    return direct;
}

void shared_file_refuse_direct(struct shared_file *shared) {
    pthread_mutex_lock(&lock);
    // Not closed before the last connection is.
    shared->is_refused = true;
    pthread_mutex_unlock(&lock);
}

bool shared_file_has_no_holes(struct shared_file *shared) {
    struct stat status;
    int direct = shared_file_direct(shared);
    return direct >= 0 && fstat(direct, &status) == 0 && (off_t)status.st_blocks * 512 >= status.st_size;
}

bool shared_file_is_broken(struct shared_file *shared) { return shared != NULL && atomic_load(&shared->is_broken); }

void shared_file_break(struct shared_file *shared) {
    if (shared != NULL) atomic_store(&shared->is_broken, true);
}
