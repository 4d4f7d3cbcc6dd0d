#define _GNU_SOURCE
#include <dirent.h>
#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "wire.h"
#include "worker.h"

static char *copy(const uint8_t *bytes, size_t count) {
    char *string = malloc(count + 1);
    if (!string) crash_end("memory");
    memcpy(string, bytes, count);
    string[count] = 0;
    return string;
}

struct load_request load_receive(void) {
    struct load_request request = {0};
    struct wire wire;
    struct message message;
    wire_open(&wire, SLUICE_CONTROL_FD);
    if (!wire_receive(&wire, &message)) crash_end("parent");
    const sluice_wire_load *limits = &request.limits;
    if (message.header.type != SLUICE_FRAME_LOAD || message.header.length < sizeof *limits) crash_end("protocol");
    memcpy(&request.limits, message.body, sizeof request.limits);
    uint64_t total = sizeof *limits + (uint64_t)limits->module_count + limits->scratch_count +
                     limits->configuration_count;
    if (total != message.header.length) crash_end("protocol");
    const uint8_t *at = message.body + sizeof *limits;
    request.module_path = copy(at, limits->module_count);
    request.scratch = copy(at += limits->module_count, limits->scratch_count);
    request.configuration = copy(at + limits->scratch_count, limits->configuration_count);
    // The host sends nothing more before it has an answer to LOAD, so nothing is lost with this buffer; but a forked
    // worker's first invocation may be under way already, on a socket of its own.
    free(message.body);
    free(wire.buffer);
    return request;
}

static char *say(const char *format, ...) __attribute__((format(printf, 1, 2)));
static char *say(const char *format, ...) {
    char *text = NULL;
    __builtin_va_list arguments;
    __builtin_va_start(arguments, format);
    if (vasprintf(&text, format, arguments) < 0) crash_end("memory");
    __builtin_va_end(arguments);
    return text;
}

char *load_module(const struct load_request *request, struct module *module) {
    module->handle = dlopen(request->module_path, RTLD_NOW | RTLD_LOCAL);
    if (!module->handle) {
        const char *error = dlerror();
        const char *hint = error && strstr(error, "undefined symbol: $s")
                               ? " (a Swift symbol is missing: was the function built with another compiler than the "
                                 "Swift libraries installed here? Build it again with this one.)"
                               : "";
        return say("the module cannot be loaded: %s%s", error ? error : "no reason given", hint);
    }
    sluice_function_entry_point entry = (sluice_function_entry_point)dlsym(module->handle, SLUICE_ENTRY_SYMBOL);
    if (!entry)
        return say(
            "%s has no symbol %s: it is not a function, or its entry target was not linked", request->module_path,
            SLUICE_ENTRY_SYMBOL);
    module->functions = entry(SLUICE_ABI_VERSION);
    if (!module->functions)
        return say(
            "the function's FunctionKit does not speak ABI version %u, which this Sluice does: build the function "
            "with the FunctionKit of this Sluice",
            SLUICE_ABI_VERSION);
    if (module->functions->abi_version != SLUICE_ABI_VERSION)
        return say(
            "the function speaks ABI version %u and this Sluice version %u: build the function with the FunctionKit "
            "of this Sluice",
            module->functions->abi_version, SLUICE_ABI_VERSION);
    return NULL;
}

/// The numbers in a folder of /proc/self as a set of bits (up to 1,024), without the descriptor that reads them.
struct numbers {
    uint64_t bits[16];
    size_t count;
};

static struct numbers numbers_in(const char *path) {
    struct numbers numbers = {0};
    DIR *directory = opendir(path);
    if (!directory) return numbers;
    struct dirent *entry;
    while ((entry = readdir(directory))) {
        if (entry->d_name[0] < '0' || entry->d_name[0] > '9') continue;
        unsigned long number = strtoul(entry->d_name, NULL, 10);
        if ((int)number == dirfd(directory) && strcmp(path, "/proc/self/fd") == 0) continue;
        numbers.count++;
        if (number < 1024) numbers.bits[number / 64] |= 1ull << (number % 64);
    }
    closedir(directory);
    return numbers;
}

/// Why workers cannot be forked from here, or NULL.
static char *fork_refusal(const struct module *module, const struct numbers *before) {
    if (module->functions->flags & SLUICE_MODULE_NO_FORK) return say("the module asks for a process of its own");
    size_t threads = numbers_in("/proc/self/task").count;
    if (threads != 1) return say("prepare() left %zu threads running beside the first", threads - 1);
    struct numbers after = numbers_in("/proc/self/fd");
    for (unsigned fd = 0; fd < 1024; fd++) {
        uint64_t bit = 1ull << (fd % 64);
        if (!(after.bits[fd / 64] & bit) || (before->bits[fd / 64] & bit)) continue;
        char link[64], target[256];
        snprintf(link, sizeof link, "/proc/self/fd/%u", fd);
        ssize_t count = readlink(link, target, sizeof target - 1);
        target[count < 0 ? 0 : count] = 0;
        return say("prepare() left descriptor %u open (%s)", fd, target);
    }
    return NULL;
}

static char *manifest(const struct module *module, const char *refusal) {
    struct text text = {0};
    char number[32];
    snprintf(number, sizeof number, "%u", module->functions->abi_version);
    text_append(&text, "{\"abiVersion\":");
    text_append(&text, number);
    text_append(&text, ",\"kitVersion\":");
    text_append_json(&text, module->functions->kit_version);
    text_append(&text, ",\"compiler\":");
    text_append_json(&text, module->functions->compiler);
    text_append(&text, ",\"batch\":");
    text_append(&text, module->functions->flags & SLUICE_MODULE_BATCH ? "true" : "false");
    text_append(&text, refusal ? ",\"canFork\":false,\"forkRefusal\":" : ",\"canFork\":true");
    if (refusal) text_append_json(&text, refusal);
    text_append(&text, ",\"confinement\":");
    text_append_json(&text, confine_describe());
    text_append(&text, "}");
    return text.text;
}

uint32_t load_prepare(const struct load_request *request, struct module *module, char **body, bool *can_fork) {
    struct numbers before = numbers_in("/proc/self/fd");
    *can_fork = false;
    char *refused = load_module(request, module);
    if (refused) {
        *body = json_error("ModuleRejected", refused);
        free(refused);
        return 2;
    }
    crash_note_modules();
    sluice_bytes configuration = {
        .data = (const uint8_t *)request->configuration, .count = request->limits.configuration_count};
    sluice_outcome error = {0};
    if (module->functions->prepare(configuration, &error) != 0) {
        *body = error.body ? copy(error.body, error.body_count)
                           : json_error("InitFailed", "prepare() failed without a reason");
        return 1;
    }
    crash_note_modules();
    char *refusal = fork_refusal(module, &before);
    *can_fork = refusal == NULL;
    *body = manifest(module, refusal);
    free(refusal);
    return 0;
}
