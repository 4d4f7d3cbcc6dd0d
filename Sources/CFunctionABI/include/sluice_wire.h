// Frames between host and worker: a Unix stream socket, little-endian, one header and `length` bytes of body.
// Either side may send one descriptor with a frame (SCM_RIGHTS, with the frame's first byte).
#ifndef SLUICE_WIRE_H
#define SLUICE_WIRE_H

#include <stdint.h>

#define SLUICE_WIRE_VERSION 1u
/// A longer body is a protocol error: bulk data goes by descriptor.
#define SLUICE_WIRE_MAX_BODY (64u << 20)

typedef struct sluice_frame {
    /// Of the body.
    uint32_t length;
    uint16_t type;
    /// Type-specific; SLUICE_FRAME_HAS_FD is common.
    uint16_t flags;
    /// The attempt's number (host's choice), echoed in every frame of that attempt.
    uint64_t id;
    /// CALL: the operation. RESULT, REPLY: the status. INVOKE: the invocation flags. LOG: the level.
    uint32_t code;
    /// CALL and REPLY: the call's number within its attempt.
    uint32_t sequence;
} sluice_frame;

#define SLUICE_FRAME_HAS_FD 1u

// Host to worker
/// Body: sluice_wire_invoke, then request id, invocation id, payload, without padding.
#define SLUICE_FRAME_INVOKE 1u
/// Body: JSON. `code` 0 done, 1 refused with `{"code":…,"message":…}`.
#define SLUICE_FRAME_REPLY 2u

// Worker to host
/// Loaded, prepared, started; body: JSON of FunctionProtocol's `ModuleManifest`. `code` 0, or 1 with an error body.
#define SLUICE_FRAME_READY 16u
/// The attempt began on the worker (the host's time limit starts); no body.
#define SLUICE_FRAME_STARTED 17u
/// `code` is SLUICE_OUTCOME_*, body the outcome's.
#define SLUICE_FRAME_RESULT 18u
/// `code` is SLUICE_CALL_*, body JSON. The worker waits for the REPLY of the same sequence.
#define SLUICE_FRAME_CALL 19u
/// `code` is the level, body one line of text.
#define SLUICE_FRAME_LOG 20u

// Frames 32 and above: between host and zygote, defined beside them in sluice_zygote.h.

typedef struct sluice_wire_invoke {
    /// The deadline is the worker's monotonic now + this.
    uint64_t timeout_ns;
    uint32_t attempt;
    uint32_t request_id_count;
    uint32_t invocation_id_count;
    uint32_t payload_count;
} sluice_wire_invoke;

// Operations of CALL: requests and replies are FunctionProtocol's structs of the same names.
#define SLUICE_CALL_OPEN_OBJECT 1u
#define SLUICE_CALL_HEAD_OBJECT 2u
#define SLUICE_CALL_LIST_OBJECTS 3u
#define SLUICE_CALL_CREATE_STAGE 4u
#define SLUICE_CALL_PUT_STAGED 5u
#define SLUICE_CALL_DISCARD_STAGE 6u
#define SLUICE_CALL_COPY_OBJECT 7u
#define SLUICE_CALL_MOVE_OBJECT 8u
#define SLUICE_CALL_DELETE_OBJECT 9u
#define SLUICE_CALL_PUT_EVENTS 10u
#define SLUICE_CALL_GET_TABLE 11u
#define SLUICE_CALL_REGISTER_FILE 12u
#define SLUICE_CALL_GENERATE_KEY 13u
#define SLUICE_CALL_PUT_RECORDS 14u

#endif
