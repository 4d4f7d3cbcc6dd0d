#define _GNU_SOURCE
#include "CLinux.h"
#include <string.h>

bool clinux_contains(const void *bytes, size_t count, const void *word, size_t word_count) {
    return memmem(bytes, count, word, word_count) != NULL;
}
