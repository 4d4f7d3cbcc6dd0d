#ifndef CLINUX_SANITIZER_H
#define CLINUX_SANITIZER_H

/// Tells a thread sanitizer of a lock that it does not see; `lock` is any address that stands for it. Nothing otherwise.
void clinux_sanitizer_locked(const void *_Nonnull lock);

/// Before the lock is let go.
void clinux_sanitizer_unlocks(const void *_Nonnull lock);

#endif
