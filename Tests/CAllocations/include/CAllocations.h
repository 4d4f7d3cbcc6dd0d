#ifndef CALLOCATIONS_H
#define CALLOCATIONS_H

/// How many blocks of memory the calling thread has asked the C library for since it began: by malloc, calloc, realloc and
/// their aligned kin, Swift's objects and buffers among them. Always 0 where allocations cannot be counted
/// (`callocations_are_counted`).
long callocations_of_this_thread(void);

/// 1 where allocations are counted: with glibc, and without a sanitizer, which brings an allocator of its own.
int callocations_are_counted(void);

#endif
