// Notes allocations that fail. A handler out of memory ends in many ways (Swift traps, C++ throws, C dereferences NULL):
// the mark tells the host that memory was the reason. The executable's definitions come first in symbol resolution, so
// the function's and the runtime's calls pass through here; they forward to the C library's own.
#define _GNU_SOURCE
#include <errno.h>
#include <stdlib.h>

#include "worker.h"

volatile size_t allocation_failed = 0;

#ifdef __GLIBC__
#include <malloc.h>

// Left to itself the C library gives a batch's memory back to the kernel as soon as it is freed, and the next batch pays
// for every page again: a quarter of a busy worker's time. So a worker keeps what a batch of some megabytes needs; larger
// pieces are mapped each by itself and are given back at once.
#define LARGEST_KEPT (4 << 20)
#define MOST_KEPT (8 << 20)

void allocation_prepare(void) {
    mallopt(M_MMAP_THRESHOLD, LARGEST_KEPT);
    mallopt(M_TRIM_THRESHOLD, MOST_KEPT);
}

extern void *__libc_malloc(size_t);
extern void *__libc_calloc(size_t, size_t);
extern void *__libc_realloc(void *, size_t);
extern void *__libc_memalign(size_t, size_t);

static inline void *note(void *pointer, size_t size) {
    if (__builtin_expect(pointer == NULL && size > 0, 0)) allocation_failed = size;
    return pointer;
}

void *malloc(size_t size) {
    return note(__libc_malloc(size), size);
}

void *calloc(size_t count, size_t size) {
    size_t total;
    if (__builtin_mul_overflow(count, size, &total)) total = SIZE_MAX;
    return note(__libc_calloc(count, size), total);
}

void *realloc(void *pointer, size_t size) {
    return note(__libc_realloc(pointer, size), size);
}

void *memalign(size_t alignment, size_t size) {
    return note(__libc_memalign(alignment, size), size);
}

void *aligned_alloc(size_t alignment, size_t size) {
    return note(__libc_memalign(alignment, size), size);
}

int posix_memalign(void **pointer, size_t alignment, size_t size) {
    if (alignment < sizeof(void *) || (alignment & (alignment - 1)) != 0) return EINVAL;
    void *memory = note(__libc_memalign(alignment, size), size);
    if (!memory && size > 0) return ENOMEM;
    *pointer = memory;
    return 0;
}
#else
void allocation_prepare(void) {}
#endif
