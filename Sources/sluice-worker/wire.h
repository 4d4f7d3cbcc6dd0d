// Frames on a blocking Unix stream socket.
#ifndef SLUICE_WORKER_WIRE_H
#define SLUICE_WORKER_WIRE_H

#include <pthread.h>

#include "worker.h"

#define WIRE_MAX_FDS 8

struct wire {
    int fd;
    uint8_t *buffer;
    size_t start, end;
    /// Descriptors that came and that no frame has claimed yet, in their order.
    int fds[WIRE_MAX_FDS];
    size_t fd_count;
    pthread_mutex_t sending;
};

struct message {
    sluice_frame header;
    uint8_t *body;
    int fds[SLUICE_FORK_FDS];
    struct message *next;
};

void wire_open(struct wire *wire, int fd);
/// Forgets what was buffered and takes another socket: for a forked worker.
void wire_reset(struct wire *wire, int fd);
/// Waits for one frame. 1: here it is, the body (from malloc, one zero byte after its end) and descriptors are the
/// caller's; 0: the other end has closed; ends the process on a malformed stream.
int wire_receive(struct wire *wire, struct message *message);
/// Whether a whole header is buffered already, so that waiting on the descriptor would be wrong.
int wire_has_buffered(const struct wire *wire);
/// Sends one frame, its descriptor (or -1) with the first byte. 0, or -1 when the other end is gone. From any thread.
int wire_send(struct wire *wire, const sluice_frame *header, const void *body, int fd);

#endif
