// A worker's work: invocations one after the other, on a second thread; the first is the main queue's, because a handler
// that awaits the main actor hangs if nobody serves it.
#define _GNU_SOURCE
#include <dlfcn.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include "wire.h"

#define STACK_SIZE (16u << 20)
#define GUARD_SIZE (1u << 20)

static struct {
    struct wire wire;
    const struct module *module;
    const char *manifest;
    /// Held by the one thread that has asked the host something and waits.
    pthread_mutex_t calling;
    /// The attempt under way; written by the serving thread between invocations alone.
    uint64_t attempt;
    uint32_t sequence;
    /// Invocations that arrived while a call waited for its reply.
    struct message *waiting;
} worker;

static uint64_t monotonic_ns(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

// MARK: Services

static void keep_waiting(const struct message *message) {
    struct message **last = &worker.waiting;
    while (*last) last = &(*last)->next;
    *last = malloc(sizeof **last);
    if (!*last) crash_end("memory");
    **last = *message;
    (*last)->next = NULL;
}

static int32_t service_call(
    void *context, uint32_t operation, const uint8_t *request, size_t request_count, int32_t request_fd,
    uint8_t **reply, size_t *reply_count, int32_t *reply_fd) {
    (void)context;
    *reply = NULL;
    *reply_count = 0;
    *reply_fd = -1;
    if (request_count > SLUICE_WIRE_MAX_BODY) {
        *reply = (uint8_t *)json_error("RequestTooLarge", "a request to the host may have at most 64 MB");
        *reply_count = strlen((const char *)*reply);
        return 1;
    }
    pthread_mutex_lock(&worker.calling);
    sluice_frame frame = {
        .length = (uint32_t)request_count,
        .type = SLUICE_FRAME_CALL,
        .flags = request_fd >= 0 ? SLUICE_FRAME_HAS_FD : 0,
        .id = worker.attempt,
        .code = operation,
        .sequence = ++worker.sequence,
    };
    int32_t result = -1;
    if (wire_send(&worker.wire, &frame, request, request_fd) == 0) {
        struct message message;
        while (wire_receive(&worker.wire, &message)) {
            if (message.header.type == SLUICE_FRAME_INVOKE) {
                keep_waiting(&message);
                continue;
            }
            if (message.header.type != SLUICE_FRAME_REPLY) crash_end("protocol");
            if (message.header.id != frame.id || message.header.sequence != frame.sequence) {
                // The answer to a call of an attempt that has ended since.
                if (message.fds[0] >= 0) close(message.fds[0]);
                free(message.body);
                continue;
            }
            *reply = message.body;
            *reply_count = message.header.length;
            *reply_fd = message.fds[0];
            result = message.header.code == 0 ? 0 : 1;
            break;
        }
    }
    pthread_mutex_unlock(&worker.calling);
    return result;
}

static void service_release(void *context, uint8_t *reply) {
    (void)context;
    free(reply);
}

static void service_log(void *context, uint32_t level, const uint8_t *line, size_t count) {
    (void)context;
    if (count > 256u << 10) count = 256u << 10;
    sluice_frame frame = {.length = (uint32_t)count, .type = SLUICE_FRAME_LOG, .id = worker.attempt, .code = level};
    wire_send(&worker.wire, &frame, line, -1);
}

static const sluice_worker_services services = {
    .abi_version = SLUICE_ABI_VERSION,
    .call = service_call,
    .release = service_release,
    .log = service_log,
};

// MARK: Invocations

/// The end without a crash: the host closed the socket, or is gone.
_Noreturn static void stop_cleanly(void) {
    worker.module->functions->stop();
    fflush(NULL);
    _exit(0);
}

static void invoke(const struct message *message) {
    sluice_wire_invoke header;
    if (message->header.length < sizeof header) crash_end("protocol");
    memcpy(&header, message->body, sizeof header);
    uint64_t total = sizeof header + (uint64_t)header.request_id_count + header.invocation_id_count +
                     header.payload_count;
    if (total != message->header.length) crash_end("protocol");

    worker.attempt = message->header.id;
    worker.sequence = 0;
    allocation_failed = 0;
    sluice_frame started = {.type = SLUICE_FRAME_STARTED, .id = worker.attempt};
    if (wire_send(&worker.wire, &started, NULL, -1) != 0) stop_cleanly();

    const uint8_t *at = message->body + sizeof header;
    sluice_invocation invocation = {
        .deadline_ns = monotonic_ns() + header.timeout_ns,
        .attempt = header.attempt,
        .flags = message->header.code,
        .request_id = {at, header.request_id_count},
        .invocation_id = {at + header.request_id_count, header.invocation_id_count},
        .payload = {at + header.request_id_count + header.invocation_id_count, header.payload_count},
    };
    sluice_outcome outcome = {0};
    worker.module->functions->invoke(&invocation, &outcome);
    if (outcome.body_count > SLUICE_WIRE_MAX_BODY) {
        free(outcome.body);
        outcome.status = SLUICE_OUTCOME_ERROR;
        outcome.body = (uint8_t *)json_error(
            "OutputTooLarge", "the handler returned more than 64 MB: put large results into an object");
        outcome.body_count = strlen((const char *)outcome.body);
    }
    // What was printed belongs to this attempt: the host reads both pipes empty when the result arrives.
    fflush(stdout);
    fflush(stderr);
    struct rusage usage;
    getrusage(RUSAGE_SELF, &usage);
    sluice_frame result = {
        .length = (uint32_t)outcome.body_count,
        .type = SLUICE_FRAME_RESULT,
        .id = worker.attempt,
        .code = outcome.status,
        .sequence = (uint32_t)usage.ru_maxrss,
    };
    int sent = wire_send(&worker.wire, &result, outcome.body, -1);
    free(outcome.body);
    if (sent != 0) stop_cleanly();
}

static void report_ready(void) {
    sluice_outcome error = {0};
    bool failed = worker.module->functions->start(&services, &error) != 0;
    const char *body = worker.manifest;
    size_t count = strlen(body);
    if (failed) {
        body = error.body ? (const char *)error.body : json_error("InitFailed", "start() failed without a reason");
        count = error.body ? error.body_count : strlen(body);
    }
    sluice_frame ready = {.length = (uint32_t)count, .type = SLUICE_FRAME_READY, .code = failed};
    fflush(stdout);
    if (wire_send(&worker.wire, &ready, body, -1) != 0 || failed) _exit(0);
}

static void *serve_thread(void *context) {
    (void)context;
    crash_prepare_thread();
    report_ready();
    for (;;) {
        struct message message;
        struct message *kept = worker.waiting;
        if (kept) {
            message = *kept;
            worker.waiting = kept->next;
            free(kept);
        } else if (!wire_receive(&worker.wire, &message)) {
            stop_cleanly();
        }
        if (message.header.type == SLUICE_FRAME_INVOKE)
            invoke(&message);
        else if (message.header.type != SLUICE_FRAME_REPLY)
            crash_end("protocol");
        if (message.fds[0] >= 0) close(message.fds[0]);
        free(message.body);
    }
    return NULL;
}

void serve(const struct load_request *request, const struct module *module, const char *manifest) {
    wire_open(&worker.wire, SLUICE_CONTROL_FD);
    worker.module = module;
    worker.manifest = manifest;
    pthread_mutex_init(&worker.calling, NULL);
    crash_note_modules();

    uint8_t *region = mmap(
        NULL, STACK_SIZE + GUARD_SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_STACK,
        -1, 0);
    if (region == MAP_FAILED || mprotect(region, GUARD_SIZE, PROT_NONE) != 0) crash_end("memory");
    crash_note_guard(region, GUARD_SIZE);
    limits_apply(&request->limits);

    pthread_attr_t attributes;
    pthread_attr_init(&attributes);
    pthread_attr_setstack(&attributes, region + GUARD_SIZE, STACK_SIZE);
    pthread_t thread;
    if (pthread_create(&thread, &attributes, serve_thread, NULL) != 0) crash_end("memory");

    void (*main_queue)(void) = (void (*)(void))dlsym(module->handle, "dispatch_main");
    if (main_queue) main_queue();
    for (;;) pause();
}
