// Loading a function's shared object, and saying what is wrong with it.
#include <dlfcn.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "worker.h"

bool load_request_read(const message *message, load_request *request) {
    if (message->frame.length < sizeof request->sizes) return false;
    memcpy(&request->sizes, message->body, sizeof request->sizes);
    const sluice_wire_load *sizes = &request->sizes;
    uint64_t whole = (uint64_t)sizeof *sizes + sizes->module_count + sizes->configuration_count + sizes->writable_count;
    if (whole != message->frame.length) return false;
    const char *at = (const char *)message->body + sizeof *sizes;
    request->module = strndup(at, sizes->module_count);
    at += sizes->module_count;
    request->configuration = strndup(at, sizes->configuration_count);
    at += sizes->configuration_count;
    request->writable = malloc((size_t)sizes->writable_count + 1);
    if (!request->module || !request->configuration || !request->writable) return false;
    memcpy(request->writable, at, sizes->writable_count);
    request->writable[sizes->writable_count] = 0;
    return true;
}

/// Appends `text` as the inside of a JSON string.
static void append_json(char *target, size_t capacity, const char *text) {
    size_t at = strlen(target);
    for (const unsigned char *byte = (const unsigned char *)text; *byte && at + 8 < capacity; byte++) {
        if (*byte == '"' || *byte == '\\') {
            target[at++] = '\\';
            target[at++] = (char)*byte;
        } else if (*byte < 0x20) {
            at += (size_t)snprintf(target + at, capacity - at, "\\u%04x", *byte);
        } else {
            target[at++] = (char)*byte;
        }
    }
    target[at] = 0;
}

char *failure_json(const char *code, const char *format, ...) {
    char text[4096];
    va_list values;
    va_start(values, format);
    vsnprintf(text, sizeof text, format, values);
    va_end(values);
    size_t capacity = 2 * sizeof text + 256;
    char *json = calloc(1, capacity);
    if (!json) return NULL;
    snprintf(json, capacity, "{\"code\":\"%s\",\"message\":\"", code);
    append_json(json, capacity - 4, text);
    strcat(json, "\"}");
    return json;
}

char *outcome_failure(sluice_outcome *outcome, const char *otherwise) {
    if (!outcome->body) return failure_json("InitFailed", "%s", otherwise);
    char *text = strndup((const char *)outcome->body, outcome->body_count);
    free(outcome->body);
    outcome->body = NULL;
    return text;
}

char *module_manifest(const loaded_module *module, bool can_fork, const char *refusal) {
    const size_t capacity = 8192;
    char *json = calloc(1, capacity);
    if (!json) return NULL;
    const sluice_function_module *functions = module->functions;
    snprintf(json, capacity, "{\"abiVersion\":%u,\"kitVersion\":\"", functions->abi_version);
    append_json(json, capacity - 64, functions->kit_version);
    strcat(json, "\",\"compiler\":\"");
    append_json(json, capacity - 64, functions->compiler);
    strcat(json, "\",\"batch\":");
    strcat(json, functions->flags & SLUICE_MODULE_BATCH ? "true" : "false");
    strcat(json, can_fork ? ",\"canFork\":true" : ",\"canFork\":false");
    if (refusal) {
        strcat(json, ",\"forkRefusal\":\"");
        append_json(json, capacity - 4, refusal);
        strcat(json, "\"");
    }
    strcat(json, "}");
    return json;
}

bool module_load(const load_request *request, loaded_module *module, char **failure) {
    module->handle = dlopen(request->module, RTLD_NOW | RTLD_LOCAL);
    if (!module->handle) {
        const char *reason = dlerror();
        *failure = failure_json(
            "ModuleRejected", "the module %s cannot be loaded: %s", request->module, reason ? reason : "no reason given");
        return false;
    }
    sluice_function_entry_point entry = (sluice_function_entry_point)dlsym(module->handle, SLUICE_ENTRY_SYMBOL);
    if (!entry) {
        *failure = failure_json(
            "ModuleRejected",
            "the module %s has no symbol %s: its entry target must be a dynamic library product with "
            "@c(%s) public func entry(…)",
            request->module, SLUICE_ENTRY_SYMBOL, SLUICE_ENTRY_SYMBOL);
        return false;
    }
    module->functions = entry(SLUICE_ABI_VERSION);
    if (!module->functions) {
        *failure = failure_json(
            "ModuleRejected",
            "the module %s was built for another version of the function ABI than this host's %u; build it again with "
            "the FunctionKit of this version",
            request->module, SLUICE_ABI_VERSION);
        return false;
    }
    if (module->functions->abi_version != SLUICE_ABI_VERSION) {
        *failure = failure_json(
            "ModuleRejected", "the module %s speaks function ABI %u, this host %u; build it again", request->module,
            module->functions->abi_version, SLUICE_ABI_VERSION);
        return false;
    }
    sluice_bytes configuration = {
        .data = (const uint8_t *)request->configuration, .count = strlen(request->configuration)};
    sluice_outcome outcome = {0};
    if (module->functions->prepare(configuration, &outcome) != 0) {
        *failure = outcome_failure(&outcome, "prepare failed and gave no reason");
        return false;
    }
    return true;
}
