#ifndef CLINUX_PROCESS_H
#define CLINUX_PROCESS_H
// Threads, pidfds and descriptors beside messages: used by UVLoop and by the worker pool.

#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include <errno.h>
#include <stdint.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/types.h>
#include <sys/uio.h>
#include <unistd.h>

/// Names the calling thread; the kernel keeps 15 bytes.
static inline int clinux_name_thread(const char *_Nonnull name) {
    return prctl(PR_SET_NAME, (unsigned long)name, 0, 0, 0);
}

static inline int clinux_pidfd_open(pid_t pid) {
    return (int)syscall(SYS_pidfd_open, pid, 0);
}

static inline int clinux_pidfd_send_signal(int pidfd, int signal) {
    return (int)syscall(SYS_pidfd_send_signal, pidfd, signal, NULL, 0);
}

/// Most descriptors that one message carries here.
#define CLINUX_MAX_FDS 4

/// Sends bytes and up to CLINUX_MAX_FDS descriptors; never raises SIGPIPE. Returns the count sent, or -1.
static inline ssize_t clinux_send(
    int fd, const void *_Nullable data, size_t count, const int *_Nullable fds, size_t fd_count) {
    struct iovec vector = {.iov_base = (void *)data, .iov_len = count};
    struct msghdr message = {.msg_iov = &vector, .msg_iovlen = 1};
    union {
        struct cmsghdr align;
        char bytes[CMSG_SPACE(sizeof(int) * CLINUX_MAX_FDS)];
    } control;
    if (fd_count > CLINUX_MAX_FDS) {
        errno = EINVAL;
        return -1;
    }
    if (fd_count > 0) {
        memset(&control, 0, sizeof control);
        message.msg_control = control.bytes;
        message.msg_controllen = CMSG_SPACE(sizeof(int) * fd_count);
        struct cmsghdr *header = CMSG_FIRSTHDR(&message);
        header->cmsg_level = SOL_SOCKET;
        header->cmsg_type = SCM_RIGHTS;
        header->cmsg_len = CMSG_LEN(sizeof(int) * fd_count);
        memcpy(CMSG_DATA(header), fds, sizeof(int) * fd_count);
    }
    ssize_t sent;
    do {
        sent = sendmsg(fd, &message, MSG_NOSIGNAL);
    } while (sent < 0 && errno == EINTR);
    return sent;
}

/// Reads bytes and the descriptors that came with them (made close-on-exec): `fds` has room for CLINUX_MAX_FDS,
/// `*fd_count` tells how many came. Returns the count read, 0 at the end of file, -1 on failure.
static inline ssize_t clinux_receive(
    int fd, void *_Nonnull data, size_t count, int *_Nonnull fds, size_t *_Nonnull fd_count) {
    struct iovec vector = {.iov_base = data, .iov_len = count};
    union {
        struct cmsghdr align;
        char bytes[CMSG_SPACE(sizeof(int) * CLINUX_MAX_FDS)];
    } control;
    struct msghdr message = {
        .msg_iov = &vector, .msg_iovlen = 1, .msg_control = control.bytes, .msg_controllen = sizeof control.bytes};
    *fd_count = 0;
    ssize_t received;
    do {
        received = recvmsg(fd, &message, MSG_CMSG_CLOEXEC);
    } while (received < 0 && errno == EINTR);
    if (received < 0) return received;
    for (struct cmsghdr *header = CMSG_FIRSTHDR(&message); header; header = CMSG_NXTHDR(&message, header)) {
        if (header->cmsg_level != SOL_SOCKET || header->cmsg_type != SCM_RIGHTS) continue;
        size_t here = (header->cmsg_len - CMSG_LEN(0)) / sizeof(int);
        for (size_t index = 0; index < here && *fd_count < CLINUX_MAX_FDS; index++)
            memcpy(&fds[(*fd_count)++], CMSG_DATA(header) + index * sizeof(int), sizeof(int));
    }
    return received;
}

#endif
