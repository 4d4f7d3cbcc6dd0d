// Serving: one invocation at a time, on a thread of its own, so that the first thread can be the main queue's.
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "worker.h"

#define SERVING_STACK_BYTES (8u << 20)

static channel host;
static const worker_setup *current;
/// Calls are serialised: whoever holds this may send a CALL and read its REPLY.
static pthread_mutex_t calling = PTHREAD_MUTEX_INITIALIZER;
static uint64_t attempt;
static uint32_t call_sequence;

static uint64_t monotonic_ns(void) {
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (uint64_t)time.tv_sec * 1000000000u + (uint64_t)time.tv_nsec;
}

static int32_t service_call(
    void *context, uint32_t operation, const uint8_t *request, size_t request_count, int32_t request_fd,
    uint8_t **reply, size_t *reply_count, int32_t *reply_fd) {
    (void)context;
    *reply = NULL;
    *reply_count = 0;
    *reply_fd = -1;
    pthread_mutex_lock(&calling);
    uint32_t sequence = ++call_sequence;
    sluice_frame frame = {.type = SLUICE_FRAME_CALL, .id = attempt, .code = operation, .sequence = sequence};
    int32_t status = -1;
    if (channel_send(&host, frame, request, request_count, &request_fd, request_fd >= 0 ? 1 : 0)) {
        message message;
        while (channel_receive(&host, &message)) {
            bool is_mine = message.frame.type == SLUICE_FRAME_REPLY && message.frame.sequence == sequence;
            for (size_t index = is_mine ? 1 : 0; index < message.fd_count; index++) close(message.fds[index]);
            if (!is_mine) {
                message_free(&message);
                continue;
            }
            *reply = message.body;
            *reply_count = message.frame.length;
            if (message.fd_count > 0) *reply_fd = message.fds[0];
            status = message.frame.code == 0 ? 0 : 1;
            break;
        }
    }
    pthread_mutex_unlock(&calling);
    return status;
}

static void service_release(void *context, uint8_t *reply) {
    (void)context;
    free(reply);
}

static void service_log(void *context, uint32_t level, const uint8_t *line, size_t count) {
    (void)context;
    sluice_frame frame = {.type = SLUICE_FRAME_LOG, .id = attempt, .code = level};
    channel_send(&host, frame, line, count, NULL, 0);
}

static const sluice_worker_services services = {
    .abi_version = SLUICE_ABI_VERSION, .call = service_call, .release = service_release, .log = service_log};

static void invoke(const message *message) {
    sluice_wire_invoke sizes;
    uint64_t whole = sizeof sizes;
    if (message->frame.length >= sizeof sizes) {
        memcpy(&sizes, message->body, sizeof sizes);
        whole += (uint64_t)sizes.request_id_count + sizes.invocation_id_count + sizes.payload_count;
    }
    if (whole != message->frame.length) _exit(70);
    const uint8_t *at = message->body + sizeof sizes;
    sluice_invocation invocation = {
        .deadline_ns = monotonic_ns() + sizes.timeout_ns, .attempt = sizes.attempt, .flags = message->frame.code};
    invocation.request_id = (sluice_bytes){.data = at, .count = sizes.request_id_count};
    at += sizes.request_id_count;
    invocation.invocation_id = (sluice_bytes){.data = at, .count = sizes.invocation_id_count};
    at += sizes.invocation_id_count;
    invocation.payload = (sluice_bytes){.data = at, .count = sizes.payload_count};
    attempt = message->frame.id;
    crash_begin_invocation();
    sluice_frame started = {.type = SLUICE_FRAME_STARTED, .id = attempt};
    if (!channel_send(&host, started, NULL, 0, NULL, 0)) _exit(0);
    sluice_outcome outcome = {0};
    current->module->functions->invoke(&invocation, &outcome);
    fflush(NULL);
    sluice_frame result = {.type = SLUICE_FRAME_RESULT, .id = attempt, .code = outcome.status};
    if (!channel_send(&host, result, outcome.body, outcome.body_count, NULL, 0)) _exit(0);
    free(outcome.body);
}

static void *serve(void *context) {
    (void)context;
    crash_thread_stack();
    sluice_outcome error = {0};
    sluice_frame ready = {.type = SLUICE_FRAME_READY};
    if (current->module->functions->start(&services, &error) != 0) {
        char *failure = outcome_failure(&error, "start failed and gave no reason");
        ready.code = 1;
        channel_send(&host, ready, failure, failure ? strlen(failure) : 0, NULL, 0);
        _exit(0);
    }
    char *manifest = module_manifest(current->module, true, NULL);
    if (!channel_send(&host, ready, manifest, manifest ? strlen(manifest) : 0, NULL, 0)) _exit(0);
    free(manifest);
    message message;
    while (channel_receive(&host, &message)) {
        for (size_t index = 0; index < message.fd_count; index++) close(message.fds[index]);
        if (message.frame.type == SLUICE_FRAME_INVOKE) invoke(&message);
        message_free(&message);
    }
    // The host wants this worker no more, or is gone.
    current->module->functions->stop();
    _exit(0);
}

_Noreturn void worker_serve(const worker_setup *setup) {
    current = setup;
    channel_open(&host, setup->socket);
    fcntl(setup->socket, F_SETFD, FD_CLOEXEC);
    fcntl(setup->crash, F_SETFD, FD_CLOEXEC);
    int nothing = open("/dev/null", O_RDONLY | O_CLOEXEC);
    if (nothing >= 0) {
        dup2(nothing, STDIN_FILENO);
        close(nothing);
    }
    // To a pipe both would be fully buffered, and lost by a kill.
    setvbuf(stdout, NULL, _IOLBF, 0);
    setvbuf(stderr, NULL, _IOLBF, 0);
    crash_install(setup->crash);
    crash_thread_stack();
    confine_writes(setup->request->writable, setup->request->sizes.writable_count);
    limits_apply(&setup->request->sizes);
    pthread_attr_t attributes;
    pthread_attr_init(&attributes);
    pthread_attr_setstacksize(&attributes, SERVING_STACK_BYTES);
    pthread_t thread;
    if (pthread_create(&thread, &attributes, serve, NULL) != 0) _exit(71);
    // `MainActor` runs on the main queue, which wants the first thread.
    void (*dispatch_main)(void) = (void (*)(void))dlsym(RTLD_DEFAULT, "dispatch_main");
    if (!dispatch_main) dispatch_main = (void (*)(void))dlsym(setup->module->handle, "dispatch_main");
    if (dispatch_main) dispatch_main();
    for (;;) pause();
}

int worker_run(int control, int crash) {
    fcntl(control, F_SETFD, FD_CLOEXEC);
    fcntl(crash, F_SETFD, FD_CLOEXEC);
    static load_request request;
    static loaded_module module;
    channel_open(&host, control);
    message message;
    if (!channel_receive(&host, &message) || message.frame.type != SLUICE_FRAME_LOAD) return 1;
    char *failure = NULL;
    if (!load_request_read(&message, &request) || !module_load(&request, &module, &failure)) {
        sluice_frame ready = {.type = SLUICE_FRAME_READY, .code = 1};
        channel_send(&host, ready, failure, failure ? strlen(failure) : 0, NULL, 0);
        return 1;
    }
    message_free(&message);
    static worker_setup setup;
    setup = (worker_setup){.socket = control, .crash = crash, .module = &module, .request = &request};
    worker_serve(&setup);
}
