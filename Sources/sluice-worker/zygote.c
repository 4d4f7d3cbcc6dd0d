// A zygote: the module loaded and prepared once, one thread, a fork for each worker. Swift hides fork, and a fork of the
// host itself would copy its page tables; a child of this small process answers in half a millisecond.
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "wire.h"

struct child {
    uint64_t id;
    pid_t pid;
    int pidfd;
};

static struct child *children;
static struct pollfd *polled;
static size_t child_count, child_capacity;

static void add_child(struct child child) {
    if (child_count == child_capacity) {
        child_capacity = child_capacity ? 2 * child_capacity : 16;
        children = realloc(children, child_capacity * sizeof *children);
        polled = realloc(polled, (child_capacity + 1) * sizeof *polled);
        if (!children || !polled) crash_end("memory");
    }
    children[child_count++] = child;
}

/// In the child: takes the descriptors' places, forgets the zygote's, serves.
_Noreturn static void become_worker(
    const struct load_request *request, const struct module *module, const int *fds, pid_t zygote) {
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() != zygote) _exit(0);
    setsid();
    for (size_t index = 0; index < child_count; index++) close(children[index].pidfd);
    dup2(fds[1], 1);
    dup2(fds[2], 2);
    dup2(fds[0], SLUICE_CONTROL_FD);
    dup2(fds[3], SLUICE_CRASH_FD);
    for (int index = 0; index < SLUICE_FORK_FDS; index++) close(fds[index]);
    // A program that the handler starts inherits neither.
    fcntl(SLUICE_CONTROL_FD, F_SETFD, FD_CLOEXEC);
    fcntl(SLUICE_CRASH_FD, F_SETFD, FD_CLOEXEC);
    limits_offer_to_oom_killer();
    const char *unconfined = confine(request->scratch);
    struct text ready = {0};
    text_append(&ready, "{");
    if (unconfined) {
        text_append(&ready, "\"confinement\":");
        text_append_json(&ready, unconfined);
    }
    text_append(&ready, "}");
    serve(request, module, ready.text);
}

static void fork_worker(
    struct wire *wire, const struct load_request *request, const struct module *module, struct message *message) {
    if (!(message->header.flags & SLUICE_FRAME_HAS_FD)) crash_end("protocol");
    pid_t zygote = getpid();
    fflush(NULL);
    pid_t pid = fork();
    if (pid == 0) become_worker(request, module, message->fds, zygote);
    int error = errno;
    for (int index = 0; index < SLUICE_FORK_FDS; index++) close(message->fds[index]);
    sluice_frame answer = {.type = SLUICE_FRAME_FORKED, .id = message->header.id};
    int pidfd = -1;
    if (pid > 0) {
        pidfd = (int)syscall(SYS_pidfd_open, pid, 0);
        error = errno;
        if (pidfd < 0) {
            kill(pid, SIGKILL);
            waitpid(pid, NULL, 0);
        }
    }
    if (pidfd < 0) {
        answer.code = (uint32_t)error;
    } else {
        answer.flags = SLUICE_FRAME_HAS_FD;
        answer.sequence = (uint32_t)pid;
        add_child((struct child){.id = message->header.id, .pid = pid, .pidfd = pidfd});
    }
    if (wire_send(wire, &answer, NULL, pidfd) != 0) _exit(0);
}

static void reap(struct wire *wire, size_t index) {
    int status = 0;
    siginfo_t ended = {0};
    sluice_frame exited = {.type = SLUICE_FRAME_EXITED, .id = children[index].id};
    if (waitid(P_PID, (id_t)children[index].pid, &ended, WEXITED | WNOHANG | WNOWAIT) == 0) {
        if (ended.si_pid != children[index].pid) return;
        // What the handler left running goes with it: before the reaping, while the number is still the worker's.
        kill(-children[index].pid, SIGKILL);
        if (waitpid(children[index].pid, &status, WNOHANG) != children[index].pid) return;
        exited.code = (uint32_t)status;
    } else {
        if (errno != ECHILD) return;
        // Somebody else has reaped it, and the number may be another's: the host must hear of its end all the same.
        exited.code = SLUICE_STATUS_UNKNOWN;
    }
    close(children[index].pidfd);
    children[index] = children[--child_count];
    if (wire_send(wire, &exited, NULL, -1) != 0) _exit(0);
}

void zygote_run(const struct load_request *request, const struct module *module) {
    struct wire wire;
    wire_open(&wire, SLUICE_CONTROL_FD);
    // The module may ignore it, and then nobody could reap.
    signal(SIGCHLD, SIG_DFL);
    polled = malloc(sizeof *polled);
    if (!polled) crash_end("memory");
    for (;;) {
        polled[0] = (struct pollfd){.fd = SLUICE_CONTROL_FD, .events = POLLIN};
        for (size_t index = 0; index < child_count; index++)
            polled[index + 1] = (struct pollfd){.fd = children[index].pidfd, .events = POLLIN};
        if (poll(polled, child_count + 1, wire_has_buffered(&wire) ? 0 : -1) < 0 && errno != EINTR) _exit(71);
        // From the end: reaping moves the last child into the gap, and that one was looked at.
        for (size_t index = child_count; index > 0; index--)
            if (polled[index].revents) reap(&wire, index - 1);
        if (!polled[0].revents && !wire_has_buffered(&wire)) continue;
        struct message message;
        if (!wire_receive(&wire, &message)) _exit(0);
        if (message.header.type != SLUICE_FRAME_FORK) crash_end("protocol");
        fork_worker(&wire, request, module, &message);
        free(message.body);
    }
}
