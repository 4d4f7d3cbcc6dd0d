#include "clinux_marks.h"
#include "clinux_search.h"

#if defined(__x86_64__)
#include <immintrin.h>

#define MARKS __attribute__((target("avx512f,avx512bw,avx512vl,avx512vbmi,bmi,bmi2,adx")))

/// The classes' places in up to 64 bytes; false if some byte is not ASCII.
MARKS static inline __attribute__((always_inline)) bool clinux_marks_classes(
    const uint8_t *program, const uint8_t *text, uint64_t bytes, uint64_t *places) {
    // What the mask leaves out is not read.
    const __m512i window = _mm512_maskz_loadu_epi8(bytes, text);
    if (_mm512_movepi8_mask(window)) return false;
    const uint8_t *table = program + CLINUX_MARKS_HEAD;
    for (unsigned left = program[0];; left -= 8, table += 128, places += 8) {
        const __m512i classes = _mm512_permutex2var_epi8(
            _mm512_loadu_si512(table), window, _mm512_loadu_si512(table + 64));
        const unsigned count = left < 8 ? left : 8;
#pragma clang loop unroll(disable)
        for (unsigned i = 0; i < count; i++) {
            places[i] = _mm512_mask_test_epi8_mask(bytes, classes, _mm512_set1_epi8((char)(1u << i)));
        }
        if (left <= 8) return true;
    }
}

/// Where an expression has come to behind 64 bytes. With `single` nothing is carried to the next.
MARKS static inline __attribute__((always_inline)) uint64_t clinux_marks_run(
    const uint8_t *step, unsigned count, const uint64_t *classes, uint64_t marks, uint64_t carried, uint64_t *carry,
    const bool single) {
    uint64_t before[CLINUX_MARKS_DEPTH], found[CLINUX_MARKS_DEPTH];
    unsigned depth = 0;
    uint64_t out = 0;
    unsigned bit = 0;
    for (const uint8_t *const end = step + 2 * count; step < end; step += 2) {
        // Most texts are soon known not to match.
        if (single && !marks && !depth) return 0;
        const uint64_t class = classes[step[0] >> 3];
        unsigned times = step[1];
        switch (step[0] & 7) {
        case CLINUX_MARKS_BYTE:
            do {
                const uint64_t taken = marks & class;
                marks = taken << 1;
                if (!single) {
                    marks |= carried >> bit & 1;
                    out |= taken >> 63 << bit++;
                }
            } while (--times);
            break;
        case CLINUX_MARKS_ANY: {
            const uint64_t taken = marks & class;
            if (single) {
                marks |= (taken + class) ^ class;
            } else {
                unsigned long long sum;
                unsigned char over = _addcarry_u64((unsigned char)(carried >> bit & 1), taken, class, &sum);
                marks |= sum ^ class;
                out |= (uint64_t)over << bit++;
            }
            break;
        }
        case CLINUX_MARKS_MAYBE:
            do {
                const uint64_t taken = marks & class;
                marks |= taken << 1;
                if (!single) {
                    marks |= carried >> bit & 1;
                    out |= taken >> 63 << bit++;
                }
            } while (--times);
            break;
        case CLINUX_MARKS_FORK:
            before[depth] = marks;
            found[depth++] = 0;
            break;
        case CLINUX_MARKS_NEXT:
            found[depth - 1] |= marks;
            marks = before[depth - 1];
            break;
        case CLINUX_MARKS_JOIN: marks |= found[--depth]; break;
        case CLINUX_MARKS_ITEMS: {
            const uint64_t other = classes[times & 31];
            const bool leads = times >> 5 & CLINUX_MARKS_LEADING, empty = times >> 5 & CLINUX_MARKS_EMPTY;
            uint64_t behind = other << 1;
            if (!single) {
                behind |= carried >> bit & 1;
                out |= other >> 63 << bit++;
            }
            // Where it may go on: over both classes, but where there must be something between two of the other.
            const uint64_t open = empty ? class | other : (class | other) & ~(other & behind);
            uint64_t taken = marks & (leads ? other : empty ? open : class);
            if (leads && !empty) {
                const uint64_t first = taken;
                taken <<= 1;
                if (!single) {
                    taken |= carried >> bit & 1;
                    out |= first >> 63 << bit++;
                }
                taken &= class;
            }
            uint64_t ran;
            if (single) {
                ran = (taken + open) ^ open;
            } else {
                unsigned long long sum;
                unsigned char over = _addcarry_u64((unsigned char)(carried >> bit & 1), taken, open, &sum);
                ran = sum ^ open;
                out |= (uint64_t)over << bit++;
            }
            // An item that ends with the other class ends behind one; one that begins with it behind the class, if it must have some.
            marks |= !leads ? ran & behind : empty ? ran : ran & ~behind;
            break;
        }
        default: {
            const uint8_t *index = step + 2;
            for (unsigned left = times; left; left--) {
                const uint64_t taken = marks & classes[*index++];
                marks = taken << 1;
                if (!single) {
                    marks |= carried >> bit & 1;
                    out |= taken >> 63 << bit++;
                }
            }
            step += times + (times & 1);
            break;
        }
        }
    }
    *carry = out;
    return marks;
}

MARKS static __attribute__((noinline)) int clinux_marks_long(
    const uint8_t *program, const uint8_t *step, unsigned count, const uint8_t *text, size_t length) {
    if (program[1] > 64) return -1;
    uint64_t classes[CLINUX_MARKS_CLASSES];
    uint64_t carry = 0, marks = 1;
    // The place behind the text may be the first of a block without bytes.
    for (size_t at = 0;; at += 64) {
        const size_t left = length - at;
        const uint64_t bytes = left < 64 ? ((uint64_t)1 << left) - 1 : ~(uint64_t)0;
        if (!clinux_marks_classes(program, text + at, bytes, classes)) return -1;
        marks = clinux_marks_run(step, count, classes, at == 0, carry, &carry, false);
        if (left < 64) return marks >> left & 1;
    }
}

MARKS static int clinux_marks_wide(const uint8_t *program, const uint8_t *text, size_t length) {
    const uint8_t *const step = program + CLINUX_MARKS_HEAD + 128 * ((program[0] + 7u) / 8);
    const unsigned count = program[2] | (unsigned)program[3] << 8;
    if (length >= 64) return clinux_marks_long(program, step, count, text, length);
    uint64_t classes[CLINUX_MARKS_CLASSES];
    uint64_t carry;
    if (!clinux_marks_classes(program, text, ((uint64_t)1 << length) - 1, classes)) return -1;
    return clinux_marks_run(step, count, classes, 1, 0, &carry, true) >> length & 1;
}

int clinux_marks_match(const uint8_t *program, const uint8_t *text, size_t length) {
    return clinux_is_wide ? clinux_marks_wide(program, text, length) : -1;
}

#else

int clinux_marks_match(const uint8_t *program, const uint8_t *text, size_t length) {
    (void)program, (void)text, (void)length;
    return -1;
}

#endif
