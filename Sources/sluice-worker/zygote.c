// The zygote: loads one function version once, then forks a worker whenever the host asks.
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "worker.h"

typedef struct child {
    pid_t pid;
    int pidfd;
    uint64_t id;
} child;

static child *children;
static size_t child_count, child_capacity;

/// Entries of a folder of /proc, not counting the dots.
static int count_entries(const char *path) {
    DIR *folder = opendir(path);
    if (!folder) return -1;
    int count = 0;
    for (struct dirent *entry; (entry = readdir(folder));)
        if (entry->d_name[0] != '.') count++;
    closedir(folder);
    return count;
}

/// Why this process must not fork: a parent with more than one thread gives children that hang. NULL if it may.
static const char *fork_refusal(const loaded_module *module, int descriptors_before) {
    if (module->functions->flags & SLUICE_MODULE_NO_FORK) return "the module asks for it";
    if (count_entries("/proc/self/task") != 1) return "prepare left threads running";
    if (count_entries("/proc/self/fd") > descriptors_before) return "prepare left descriptors open";
    return NULL;
}

static void answer_forked(channel *control, uint64_t id, pid_t pid, int error, int pidfd) {
    sluice_frame frame = {
        .type = SLUICE_FRAME_FORKED, .id = id, .code = (uint32_t)(pid > 0 ? pid : 0), .sequence = (uint32_t)error};
    channel_send(control, frame, NULL, 0, &pidfd, pidfd >= 0 ? 1 : 0);
}

static void fork_worker(
    channel *control, const message *message, const loaded_module *module, const load_request *request) {
    if (message->fd_count != 4) {
        for (size_t index = 0; index < message->fd_count; index++) close(message->fds[index]);
        answer_forked(control, message->frame.id, 0, EPROTO, -1);
        return;
    }
    pid_t parent = getpid();
    pid_t pid = fork();
    if (pid == 0) {
        process_detach(parent);
        close(control->fd);
        for (size_t index = 0; index < child_count; index++) close(children[index].pidfd);
        dup2(message->fds[1], STDOUT_FILENO);
        dup2(message->fds[2], STDERR_FILENO);
        close(message->fds[1]);
        close(message->fds[2]);
        worker_setup setup = {
            .socket = message->fds[0], .crash = message->fds[3], .module = module, .request = request};
        worker_serve(&setup);
    }
    int error = errno;
    for (size_t index = 0; index < message->fd_count; index++) close(message->fds[index]);
    if (pid < 0) {
        answer_forked(control, message->frame.id, 0, error, -1);
        return;
    }
    int pidfd = (int)syscall(SYS_pidfd_open, pid, 0);
    answer_forked(control, message->frame.id, pid, 0, pidfd);
    if (child_count == child_capacity) {
        size_t capacity = child_capacity ? 2 * child_capacity : 16;
        child *more = realloc(children, capacity * sizeof *children);
        if (!more) _exit(1);
        children = more;
        child_capacity = capacity;
    }
    children[child_count++] = (child){.pid = pid, .pidfd = pidfd, .id = message->frame.id};
}

static void reap(channel *control, size_t index) {
    int status = 0;
    if (waitpid(children[index].pid, &status, WNOHANG) == 0) return;
    sluice_frame frame = {.type = SLUICE_FRAME_EXITED, .id = children[index].id, .code = (uint32_t)status};
    channel_send(control, frame, NULL, 0, NULL, 0);
    close(children[index].pidfd);
    children[index] = children[--child_count];
}

static bool load(channel *control, load_request *request, loaded_module *module) {
    message message;
    if (!channel_receive(control, &message) || message.frame.type != SLUICE_FRAME_LOAD) return false;
    int descriptors = count_entries("/proc/self/fd");
    sluice_frame frame = {.type = SLUICE_FRAME_LOADED};
    char *body = NULL;
    bool loaded = false;
    if (!load_request_read(&message, request)) {
        body = failure_json("ProtocolError", "the LOAD frame is malformed");
    } else if (module_load(request, module, &body)) {
        const char *refusal = fork_refusal(module, descriptors);
        body = module_manifest(module, refusal == NULL, refusal);
        loaded = true;
    }
    message_free(&message);
    frame.code = loaded ? 0 : 1;
    channel_send(control, frame, body, body ? strlen(body) : 0, NULL, 0);
    free(body);
    return loaded;
}

int zygote_run(int fd) {
    fcntl(fd, F_SETFD, FD_CLOEXEC);
    channel control;
    channel_open(&control, fd);
    load_request request = {0};
    loaded_module module = {0};
    if (!load(&control, &request, &module)) return 1;
    struct pollfd *polls = NULL;
    while (true) {
        struct pollfd *more = realloc(polls, (child_count + 1) * sizeof *polls);
        if (!more) return 1;
        polls = more;
        polls[0] = (struct pollfd){.fd = control.fd, .events = POLLIN};
        for (size_t index = 0; index < child_count; index++)
            polls[index + 1] = (struct pollfd){.fd = children[index].pidfd, .events = POLLIN};
        size_t watched = child_count;
        if (poll(polls, watched + 1, -1) < 0) continue;
        // From the last: reaping moves the last child into the gap.
        for (size_t index = watched; index > 0; index--)
            if (polls[index].revents) reap(&control, index - 1);
        if (!polls[0].revents) continue;
        message message;
        // The host is gone, or wants no more of this version. Its workers see the end of their own sockets.
        if (!channel_receive(&control, &message)) return 0;
        if (message.frame.type == SLUICE_FRAME_FORK) fork_worker(&control, &message, &module, &request);
        message_free(&message);
    }
}
