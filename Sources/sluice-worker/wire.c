#define _GNU_SOURCE
#include "wire.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#define BUFFER_SIZE (64u << 10)

void wire_open(struct wire *wire, int fd) {
    memset(wire, 0, sizeof *wire);
    wire->fd = fd;
    wire->buffer = malloc(BUFFER_SIZE);
    if (!wire->buffer) crash_end("memory");
    pthread_mutex_init(&wire->sending, NULL);
}

void wire_reset(struct wire *wire, int fd) {
    for (size_t index = 0; index < wire->fd_count; index++) close(wire->fds[index]);
    wire->fd_count = 0;
    wire->start = wire->end = 0;
    wire->fd = fd;
}

int wire_has_buffered(const struct wire *wire) {
    return wire->end - wire->start >= sizeof(sluice_frame);
}

/// One recvmsg. Returns the count, 0 at the end.
static size_t receive_some(struct wire *wire, void *data, size_t count) {
    struct iovec vector = {.iov_base = data, .iov_len = count};
    union {
        struct cmsghdr align;
        char bytes[CMSG_SPACE(sizeof(int) * WIRE_MAX_FDS)];
    } control;
    struct msghdr message = {
        .msg_iov = &vector, .msg_iovlen = 1, .msg_control = control.bytes, .msg_controllen = sizeof control.bytes};
    ssize_t received;
    do {
        received = recvmsg(wire->fd, &message, MSG_CMSG_CLOEXEC);
    } while (received < 0 && errno == EINTR);
    if (received < 0) return 0;
    for (struct cmsghdr *header = CMSG_FIRSTHDR(&message); header; header = CMSG_NXTHDR(&message, header)) {
        if (header->cmsg_level != SOL_SOCKET || header->cmsg_type != SCM_RIGHTS) continue;
        size_t here = (header->cmsg_len - CMSG_LEN(0)) / sizeof(int);
        for (size_t index = 0; index < here; index++) {
            int fd;
            memcpy(&fd, CMSG_DATA(header) + index * sizeof(int), sizeof fd);
            if (wire->fd_count == WIRE_MAX_FDS) crash_end("protocol");
            wire->fds[wire->fd_count++] = fd;
        }
    }
    return (size_t)received;
}

/// Waits until there is something to receive. Who sleeps in recvmsg itself is waked also when the other end reads what
/// was sent to it, for the room that makes: to no avail, and at the cost of the other end; poll is told what it is for.
static void await(struct wire *wire) {
    struct pollfd descriptor = {.fd = wire->fd, .events = POLLIN};
    while (poll(&descriptor, 1, -1) < 0 && errno == EINTR) {}
}

/// Fills `data` from the buffer, then from the socket. 0 when the other end closed before.
static int receive_all(struct wire *wire, void *data, size_t count) {
    uint8_t *to = data;
    while (count > 0) {
        size_t buffered = wire->end - wire->start;
        if (buffered > 0) {
            size_t take = buffered < count ? buffered : count;
            memcpy(to, wire->buffer + wire->start, take);
            wire->start += take;
            to += take;
            count -= take;
        } else if (count >= BUFFER_SIZE) {
            size_t received = receive_some(wire, to, count);
            if (received == 0) return 0;
            to += received;
            count -= received;
        } else {
            wire->start = 0;
            await(wire);
            wire->end = receive_some(wire, wire->buffer, BUFFER_SIZE);
            if (wire->end == 0) return 0;
        }
    }
    return 1;
}

int wire_receive(struct wire *wire, struct message *message) {
    memset(message, 0, sizeof *message);
    for (int index = 0; index < SLUICE_FORK_FDS; index++) message->fds[index] = -1;
    if (!receive_all(wire, &message->header, sizeof message->header)) return 0;
    if (message->header.length > SLUICE_WIRE_MAX_BODY) crash_end("protocol");
    message->body = malloc((size_t)message->header.length + 1);
    if (!message->body) crash_end("memory");
    if (!receive_all(wire, message->body, message->header.length)) {
        free(message->body);
        return 0;
    }
    message->body[message->header.length] = 0;
    if (message->header.flags & SLUICE_FRAME_HAS_FD) {
        size_t wanted = message->header.type == SLUICE_FRAME_FORK ? SLUICE_FORK_FDS : 1;
        if (wire->fd_count < wanted) crash_end("protocol");
        memcpy(message->fds, wire->fds, wanted * sizeof(int));
        wire->fd_count -= wanted;
        memmove(wire->fds, wire->fds + wanted, wire->fd_count * sizeof(int));
    }
    return 1;
}

int wire_send(struct wire *wire, const sluice_frame *header, const void *body, int fd) {
    struct iovec vectors[2] = {
        {.iov_base = (void *)header, .iov_len = sizeof *header},
        {.iov_base = (void *)body, .iov_len = header->length},
    };
    union {
        struct cmsghdr align;
        char bytes[CMSG_SPACE(sizeof(int))];
    } control;
    struct msghdr message = {.msg_iov = vectors, .msg_iovlen = header->length > 0 ? 2 : 1};
    if (fd >= 0) {
        memset(&control, 0, sizeof control);
        message.msg_control = control.bytes;
        message.msg_controllen = sizeof control.bytes;
        struct cmsghdr *first = CMSG_FIRSTHDR(&message);
        first->cmsg_level = SOL_SOCKET;
        first->cmsg_type = SCM_RIGHTS;
        first->cmsg_len = CMSG_LEN(sizeof(int));
        memcpy(CMSG_DATA(first), &fd, sizeof(int));
    }
    int result = 0;
    pthread_mutex_lock(&wire->sending);
    while (message.msg_iovlen > 0) {
        ssize_t sent = sendmsg(wire->fd, &message, MSG_NOSIGNAL);
        if (sent < 0) {
            if (errno == EINTR) continue;
            result = -1;
            break;
        }
        message.msg_control = NULL;
        message.msg_controllen = 0;
        size_t rest = (size_t)sent;
        while (message.msg_iovlen > 0 && rest >= message.msg_iov->iov_len) {
            rest -= message.msg_iov->iov_len;
            message.msg_iov++;
            message.msg_iovlen--;
        }
        if (message.msg_iovlen > 0) {
            message.msg_iov->iov_base = (uint8_t *)message.msg_iov->iov_base + rest;
            message.msg_iov->iov_len -= rest;
        }
    }
    pthread_mutex_unlock(&wire->sending);
    return result;
}
