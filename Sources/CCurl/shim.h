#ifndef CCURL_SHIM_H
#define CCURL_SHIM_H
// libcurl's variadic calls, one for each type of argument: Swift cannot call C's variadic functions.

#define CURL_DISABLE_TYPECHECK
#include <curl/curl.h>

static inline CURLcode ccurl_set_number(CURL *_Nonnull handle, CURLoption option, long value) {
    return curl_easy_setopt(handle, option, value);
}

/// Copied by libcurl, but for CURLOPT_POSTFIELDS.
static inline CURLcode ccurl_set_text(CURL *_Nonnull handle, CURLoption option, const char *_Nullable value) {
    return curl_easy_setopt(handle, option, value);
}

static inline CURLcode ccurl_set_pointer(CURL *_Nonnull handle, CURLoption option, void *_Nullable value) {
    return curl_easy_setopt(handle, option, value);
}

static inline CURLcode ccurl_set_size(CURL *_Nonnull handle, CURLoption option, curl_off_t value) {
    return curl_easy_setopt(handle, option, value);
}

typedef size_t (*ccurl_receiver)(char *_Nullable, size_t, size_t, void *_Nullable);

static inline CURLcode ccurl_set_receiver(CURL *_Nonnull handle, CURLoption option, ccurl_receiver _Nonnull receiver) {
    return curl_easy_setopt(handle, option, receiver);
}

static inline long ccurl_status(CURL *_Nonnull handle) {
    long status = 0;
    curl_easy_getinfo(handle, CURLINFO_RESPONSE_CODE, &status);
    return status;
}

/// How a finished transfer ended.
static inline CURLcode ccurl_result(const CURLMsg *_Nonnull message) { return message->data.result; }

#endif
