// Linux calls that Swift cannot reach by itself: variadic functions, raw system calls, control messages.
// One header a topic; every shim is `static inline` and returns what the kernel returns (-1 and errno on failure).
#ifndef CLINUX_H
#define CLINUX_H

#include "clinux_files.h"
#include "clinux_process.h"
#include "clinux_bytes.h"
#include "clinux_search.h"
#include "clinux_marks.h"
#include "clinux_decimal.h"
#include "clinux_hash.h"
#include "clinux_sanitizer.h"

#endif
