#ifndef CCURL_H
#define CCURL_H
// libcurl without linking to it: it is loaded when the first webhook is sent, and not at every start of a program that
// sends none. Types and constants come from its headers.

// Without this the calls below would be macros that check their arguments.
#define CURL_DISABLE_TYPECHECK
#include <curl/curl.h>
#include <stdint.h>

// The functions in use, without their `curl_`.
#define CCURL_FUNCTIONS(EACH)                                                                                          \
    EACH(global_init)                                                                                                  \
    EACH(version_info)                                                                                                 \
    EACH(easy_init)                                                                                                    \
    EACH(easy_setopt)                                                                                                  \
    EACH(easy_getinfo)                                                                                                 \
    EACH(easy_strerror)                                                                                                \
    EACH(easy_cleanup)                                                                                                 \
    EACH(multi_init)                                                                                                   \
    EACH(multi_add_handle)                                                                                             \
    EACH(multi_remove_handle)                                                                                          \
    EACH(multi_perform)                                                                                                \
    EACH(multi_info_read)                                                                                              \
    EACH(multi_poll)                                                                                                   \
    EACH(multi_wakeup)                                                                                                 \
    EACH(multi_cleanup)                                                                                                \
    EACH(slist_append)                                                                                                 \
    EACH(slist_free_all)

/// A pointer to each function, with the function's own type.
typedef struct ccurl_functions {
#define CCURL_POINTER(name) __typeof__(curl_##name) *_Nonnull name;
    CCURL_FUNCTIONS(CCURL_POINTER)
#undef CCURL_POINTER
} ccurl_functions;

/// Loads a library and finds the functions in it, which stays loaded from then on.
/// - Returns: NULL, or what is wrong; valid until the thread's next call of `dlopen` and the like.
const char *_Nullable ccurl_load(const char *_Nonnull library, ccurl_functions *_Nonnull functions);

// Swift cannot call C's variadic functions: one call for each type of argument.

static inline CURLcode ccurl_set_number(
    const ccurl_functions *_Nonnull curl, CURL *_Nonnull handle, CURLoption option, long value) {
    return curl->easy_setopt(handle, option, value);
}

/// Copied by libcurl, but for CURLOPT_POSTFIELDS.
static inline CURLcode ccurl_set_text(
    const ccurl_functions *_Nonnull curl, CURL *_Nonnull handle, CURLoption option, const char *_Nullable value) {
    return curl->easy_setopt(handle, option, value);
}

/// Copied by libcurl.
static inline CURLcode ccurl_set_bytes(
    const ccurl_functions *_Nonnull curl, CURL *_Nonnull handle, CURLoption option, const void *_Nullable bytes,
    size_t count) {
    // libcurl's struct has no const; it only reads.
    struct curl_blob blob = {(void *)(uintptr_t)bytes, count, CURL_BLOB_COPY};
    return curl->easy_setopt(handle, option, &blob);
}

static inline CURLcode ccurl_set_pointer(
    const ccurl_functions *_Nonnull curl, CURL *_Nonnull handle, CURLoption option, void *_Nullable value) {
    return curl->easy_setopt(handle, option, value);
}

static inline CURLcode ccurl_set_size(
    const ccurl_functions *_Nonnull curl, CURL *_Nonnull handle, CURLoption option, curl_off_t value) {
    return curl->easy_setopt(handle, option, value);
}

typedef size_t (*ccurl_receiver)(char *_Nullable, size_t, size_t, void *_Nullable);

static inline CURLcode ccurl_set_receiver(
    const ccurl_functions *_Nonnull curl, CURL *_Nonnull handle, CURLoption option, ccurl_receiver _Nonnull receiver) {
    return curl->easy_setopt(handle, option, receiver);
}

static inline long ccurl_status(const ccurl_functions *_Nonnull curl, CURL *_Nonnull handle) {
    long status = 0;
    curl->easy_getinfo(handle, CURLINFO_RESPONSE_CODE, &status);
    return status;
}

/// What an error code means.
static inline const char *_Nonnull ccurl_reason(const ccurl_functions *_Nonnull curl, CURLcode code) {
    return curl->easy_strerror(code);
}

/// How a finished transfer ended.
static inline CURLcode ccurl_result(const CURLMsg *_Nonnull message) { return message->data.result; }

#endif
