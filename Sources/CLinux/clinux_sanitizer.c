#include "clinux_sanitizer.h"

#if defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define CLINUX_THREAD_SANITIZER
#endif
#endif

#ifdef CLINUX_THREAD_SANITIZER
// compiler-rt's sanitizer/tsan_interface.h, which not every toolchain brings.
void __tsan_acquire(void *address);
void __tsan_release(void *address);

void clinux_sanitizer_locked(const void *lock) { __tsan_acquire((void *)lock); }
void clinux_sanitizer_unlocks(const void *lock) { __tsan_release((void *)lock); }
#else
void clinux_sanitizer_locked(const void *lock) {}
void clinux_sanitizer_unlocks(const void *lock) {}
#endif
