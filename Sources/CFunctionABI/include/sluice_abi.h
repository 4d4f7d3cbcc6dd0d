// The C ABI between the worker (a C executable) and a function (a shared object).
//
// Only this border is crossed by C declarations alone: FunctionKit is linked statically into the function, never into
// the worker, so two functions may carry two FunctionKits. A struct here never changes its layout: a change raises
// SLUICE_ABI_VERSION, and the worker refuses a module of another version by name.
#ifndef SLUICE_ABI_H
#define SLUICE_ABI_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define SLUICE_ABI_VERSION 1u
/// The one symbol that the worker looks up, of type `sluice_function_entry_point`.
#define SLUICE_ENTRY_SYMBOL "sluice_function_entry"

typedef struct sluice_bytes {
    const uint8_t *_Nullable data;
    size_t count;
} sluice_bytes;

/// What the worker offers to the function. Lives as long as the process.
typedef struct sluice_worker_services {
    uint32_t abi_version;
    uint32_t reserved;
    void *_Nullable context;

    /// Sends one request (an operation of sluice_wire.h with a JSON body) to the host and blocks until the reply.
    /// Safe from any thread; calls are serialised. `request_fd` is -1 or a descriptor to send (borrowed).
    /// Returns 0: done, `*reply` holds the reply's JSON and `*reply_fd` a descriptor (now the caller's) or -1;
    /// 1: the host refused, `*reply` holds `{"code":…,"message":…}`; -1: the host is gone (the worker is about to end).
    /// `*reply` is released with `release`.
    int32_t (*_Nonnull call)(
        void *_Nullable context, uint32_t operation, const uint8_t *_Nullable request, size_t request_count,
        int32_t request_fd, uint8_t *_Nullable *_Nonnull reply, size_t *_Nonnull reply_count,
        int32_t *_Nonnull reply_fd);
    void (*_Nonnull release)(void *_Nullable context, uint8_t *_Nullable reply);

    /// One line of the function's logger (without a line feed). Levels as in swift-log: 0 trace … 6 critical.
    void (*_Nonnull log)(void *_Nullable context, uint32_t level, const uint8_t *_Nullable line, size_t count);
} sluice_worker_services;

/// The payload is a JSON array of events, and the answer may be partial.
#define SLUICE_INVOCATION_BATCH 1u
/// A warm-up: decode the payload if the handler is typed, never run the handler.
#define SLUICE_INVOCATION_WARM_UP 2u

typedef struct sluice_invocation {
    /// CLOCK_MONOTONIC nanoseconds at which the host kills the worker.
    uint64_t deadline_ns;
    /// 1 for the first try of a delivery.
    uint32_t attempt;
    uint32_t flags;
    /// Unique to this attempt: "<boot>-<n>".
    sluice_bytes request_id;
    /// The same for every attempt of a delivery: the idempotency key. For a batch of several events: a key that stands for
    /// just these, then one for each of them in the payload's order, each on a line of its own.
    sluice_bytes invocation_id;
    sluice_bytes payload;
} sluice_invocation;

typedef struct sluice_outcome {
    /// One of SLUICE_OUTCOME_*.
    uint32_t status;
    uint32_t reserved;
    /// From malloc; the worker frees it. May be NULL with count 0.
    uint8_t *_Nullable body;
    size_t body_count;
} sluice_outcome;

/// The body is the handler's output (any bytes, JSON by custom), kept with the invocation.
#define SLUICE_OUTCOME_SUCCESS 0u
/// The body is `{"code":…,"message":…,"retry":true|false}`.
#define SLUICE_OUTCOME_ERROR 1u
/// Only for a batch: the body is FunctionProtocol's `BatchAnswer`.
#define SLUICE_OUTCOME_BATCH 2u

/// The handler takes batches (its payload is a JSON array).
#define SLUICE_MODULE_BATCH 1u
/// `prepare` starts threads or keeps descriptors by design: do not fork, spawn each worker.
#define SLUICE_MODULE_NO_FORK 2u

typedef struct sluice_function_module {
    uint32_t abi_version;
    uint32_t flags;
    /// FunctionKit's version and the compiler's, for error messages and the manifest.
    const char *_Nonnull kit_version;
    const char *_Nonnull compiler;

    /// Once per zygote, before any fork, under the init timeout. `configuration` is FunctionProtocol's
    /// `FunctionConfiguration` as JSON. Fills `error` (status SLUICE_OUTCOME_ERROR) and returns non-zero on failure.
    int32_t (*_Nonnull prepare)(sluice_bytes configuration, sluice_outcome *_Nonnull error);
    /// Once per worker, after the fork; from here `services` may be used.
    int32_t (*_Nonnull start)(const sluice_worker_services *_Nonnull services, sluice_outcome *_Nonnull error);
    /// One invocation, on the calling thread. Never returns early: the outcome is final.
    void (*_Nonnull invoke)(const sluice_invocation *_Nonnull invocation, sluice_outcome *_Nonnull outcome);
    /// Before a clean end of the worker; may be skipped by a kill at any time.
    void (*_Nonnull stop)(void);
} sluice_function_module;

/// Returns the module, or NULL if `abi_version` is not one it can serve. The pointer is valid for ever.
typedef const sluice_function_module *_Nullable (*sluice_function_entry_point)(uint32_t abi_version);

#ifdef __cplusplus
}
#endif
#endif
