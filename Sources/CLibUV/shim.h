// As CLinux defines it: modules that disagree on it disagree on the C library's structs.
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include <uv.h>
