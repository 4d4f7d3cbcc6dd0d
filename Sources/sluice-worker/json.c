#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "worker.h"

static void append_bytes(struct text *text, const char *bytes, size_t count) {
    if (text->count + count + 1 > text->capacity) {
        size_t capacity = (text->count + count + 1) * 2;
        char *grown = realloc(text->text, capacity);
        if (!grown) crash_end("memory");
        text->text = grown;
        text->capacity = capacity;
    }
    memcpy(text->text + text->count, bytes, count);
    text->count += count;
    text->text[text->count] = 0;
}

void text_append(struct text *text, const char *string) {
    append_bytes(text, string, strlen(string));
}

/// The length of the UTF-8 sequence at `bytes`, 0 when it is none (overlong forms are let through).
static size_t utf8_length(const unsigned char *bytes) {
    size_t length = bytes[0] < 0x80 ? 1 : (bytes[0] & 0xe0) == 0xc0 ? 2 : (bytes[0] & 0xf0) == 0xe0 ? 3
                                                                     : (bytes[0] & 0xf8) == 0xf0 ? 4 : 0;
    for (size_t index = 1; index < length; index++)
        if ((bytes[index] & 0xc0) != 0x80) return 0;
    return length;
}

void text_append_json(struct text *text, const char *string) {
    text_append(text, "\"");
    const unsigned char *at = (const unsigned char *)string;
    while (*at) {
        size_t length = utf8_length(at);
        if (length == 0) {
            text_append(text, "?");
            at++;
        } else if (*at == '"' || *at == '\\') {
            char escaped[2] = {'\\', (char)*at++};
            append_bytes(text, escaped, 2);
        } else if (*at < 0x20) {
            char escaped[8];
            snprintf(escaped, sizeof escaped, "\\u%04x", *at++);
            text_append(text, escaped);
        } else {
            append_bytes(text, (const char *)at, length);
            at += length;
        }
    }
    text_append(text, "\"");
}

char *json_error(const char *code, const char *message) {
    struct text text = {0};
    text_append(&text, "{\"code\":");
    text_append_json(&text, code);
    text_append(&text, ",\"message\":");
    text_append_json(&text, message);
    text_append(&text, "}");
    return text.text;
}
