// What the files of the worker share. One process, one function version; see zygote.c and serve.c for its two roles.
#ifndef SLUICE_WORKER_H
#define SLUICE_WORKER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "sluice_abi.h"
#include "sluice_wire.h"
#include "sluice_zygote.h"

/// What the host asked for in LOAD; strings end with a zero byte.
struct load_request {
    sluice_wire_load limits;
    char *module_path;
    char *scratch;
    char *configuration;
};

/// A loaded module.
struct module {
    void *handle;
    const sluice_function_module *functions;
};

// serve.c
/// Serves invocations from SLUICE_CONTROL_FD until the host closes it; does not return. The calling thread is the
/// process's first and becomes the main queue's. `manifest` is the body of READY.
_Noreturn void serve(const struct load_request *request, const struct module *module, const char *manifest);

// load.c
/// Reads LOAD from `SLUICE_CONTROL_FD`; ends the process when it does not come.
struct load_request load_receive(void);
/// dlopen, entry point, ABI. Returns NULL, or the text of the refusal (from malloc).
char *load_module(const struct load_request *request, struct module *module);
/// Runs `prepare` and looks for threads and descriptors that it left. Returns 0 and the manifest as JSON in `*body`; or
/// the code of LOADED (1 or 2) and the error as JSON. `*can_fork` tells whether workers may be forked from here.
uint32_t load_prepare(const struct load_request *request, struct module *module, char **body, bool *can_fork);

// zygote.c
_Noreturn void zygote_run(const struct load_request *request, const struct module *module);

// crash.c
/// Installs the handlers, and an alternate stack for the calling thread.
void crash_install(void);
/// Remembers which objects are loaded, for the report.
void crash_note_modules(void);
/// An alternate signal stack for the calling thread.
void crash_prepare_thread(void);
/// The guard region below a stack that overflows into it.
void crash_note_guard(const void *low, size_t size);
/// Tells the host why the worker gives up, and ends the process.
_Noreturn void crash_end(const char *reason);

// allocation.c
/// The size of the last allocation that failed since the last reset; 0 when none did.
extern volatile size_t allocation_failed;

/// How much freed memory a worker keeps for what comes next. Before the first allocation that matters.
void allocation_prepare(void);

// limits.c
/// The limit on memory alone, and only the soft one: for `prepare` in a zygote.
void limits_apply_memory(const sluice_wire_load *limits);
/// Every limit, hard ones included: from here on for good. Call it with the serving thread's stack mapped.
void limits_apply(const sluice_wire_load *limits);
/// When the machine runs out of memory a worker dies before the host does. Before `confine`, which forbids it.
void limits_offer_to_oom_killer(void);

// confine.c
/// What Landlock offers here, in words.
const char *confine_describe(void);
/// Makes the worker's own folder below `scratch`, goes there, and forbids writing anywhere else. Returns NULL, or what
/// is not confined and why.
const char *confine(const char *scratch);

// json.c
/// A text that grows; `text` is zero-terminated, or NULL after an allocation failed.
struct text {
    char *text;
    size_t count, capacity;
};
void text_append(struct text *text, const char *string);
/// Appends a JSON string with its quotes. Bytes that are not UTF-8 become question marks.
void text_append_json(struct text *text, const char *string);
/// `{"code":…,"message":…}` from malloc.
char *json_error(const char *code, const char *message);

#endif
