// Notices allocations that fail. Swift traps when there is no memory, like for any other mistake; with the size that
// failed beside it, the crash report can say which it was. The allocator itself stays the C library's.
#include <errno.h>
#include <stddef.h>

#include "worker.h"

volatile size_t memory_failed_bytes;

extern void *__libc_malloc(size_t);
extern void *__libc_calloc(size_t, size_t);
extern void *__libc_realloc(void *, size_t);
extern void *__libc_memalign(size_t, size_t);

static inline void *noted(void *block, size_t size) {
    if (__builtin_expect(block == NULL && size > 0, 0)) memory_failed_bytes = size;
    return block;
}

void *malloc(size_t size) { return noted(__libc_malloc(size), size); }

void *calloc(size_t count, size_t size) { return noted(__libc_calloc(count, size), count * size); }

void *realloc(void *block, size_t size) { return noted(__libc_realloc(block, size), size); }

void *memalign(size_t alignment, size_t size) { return noted(__libc_memalign(alignment, size), size); }

void *aligned_alloc(size_t alignment, size_t size) { return noted(__libc_memalign(alignment, size), size); }

int posix_memalign(void **result, size_t alignment, size_t size) {
    if (alignment % sizeof(void *) != 0 || (alignment & (alignment - 1)) != 0 || alignment == 0) return EINVAL;
    void *block = noted(__libc_memalign(alignment, size), size);
    if (!block && size > 0) return ENOMEM;
    *result = block;
    return 0;
}
