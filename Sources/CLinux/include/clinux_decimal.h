#ifndef CLINUX_DECIMAL_H
#define CLINUX_DECIMAL_H

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

/// The double nearest to `significand` times ten to the `exponent`; infinite or zero beyond the range. Asks for no memory.
static inline double clinux_decimal(uint64_t significand, int32_t exponent) {
    // Without a point, so that no locale's matters.
    char text[40];
    snprintf(text, sizeof text, "%llue%d", (unsigned long long)significand, (int)exponent);
    return strtod(text, NULL);
}

#endif
