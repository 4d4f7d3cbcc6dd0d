#include "clinux_marks.h"
#include "clinux_search.h"

#include <string.h>

#if defined(__x86_64__)
#include <immintrin.h>

#define MARKS __attribute__((target("avx512f,avx512bw,avx512vl,avx512vbmi,bmi,bmi2,adx")))

static const uint8_t clinux_marks_steps[64] = {
    0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30, 31,
    32, 33, 34, 35, 36, 37, 38, 39, 40, 41, 42, 43, 44, 45, 46, 47, 48, 49, 50, 51, 52, 53, 54, 55, 56, 57, 58, 59, 60, 61,
    62, 63,
};

/// A text's bytes, and the first eight classes that each is in.
typedef struct {
    __m512i window, members;
    uint64_t bytes;
} clinux_marks_text;

/// The classes' places in up to 64 bytes; false if some byte is not ASCII.
MARKS static inline __attribute__((always_inline)) bool clinux_marks_classes(
    const uint8_t *program, const uint8_t *text, uint64_t bytes, uint64_t *places, clinux_marks_text *read) {
    // What the mask leaves out is not read.
    const __m512i window = _mm512_maskz_loadu_epi8(bytes, text);
    if (_mm512_movepi8_mask(window)) return false;
    read->window = window;
    read->bytes = bytes;
    const uint8_t *table = program + CLINUX_MARKS_HEAD;
    for (unsigned left = program[0], first = 1;; left -= 8, table += 128, places += 8, first = 0) {
        const __m512i classes = _mm512_maskz_permutex2var_epi8(
            bytes, _mm512_loadu_si512(table), window, _mm512_loadu_si512(table + 64));
        if (first) read->members = classes;
#define PLACE(i) places[i] = _mm512_movepi8_mask(_mm512_slli_epi16(classes, 7 - i))
        switch (left) {
        default: PLACE(7); __attribute__((fallthrough));
        case 7: PLACE(6); __attribute__((fallthrough));
        case 6: PLACE(5); __attribute__((fallthrough));
        case 5: PLACE(4); __attribute__((fallthrough));
        case 4: PLACE(3); __attribute__((fallthrough));
        case 3: PLACE(2); __attribute__((fallthrough));
        case 2: PLACE(1); __attribute__((fallthrough));
        case 1: PLACE(0);
        }
#undef PLACE
        if (left <= 8) return true;
    }
}

/// Where a byte of a fixed sequence stands.
MARKS static inline __attribute__((always_inline)) uint64_t clinux_marks_place(
    const clinux_fixed *fixed, const uint8_t *literal, unsigned i, uint64_t literals, const clinux_marks_text *text) {
    if (literals >> i & 1) {
        return _mm512_mask_cmpeq_epi8_mask(text->bytes, text->window, _mm512_set1_epi8((char)literal[i]));
    }
    return _mm512_mask_test_epi8_mask(
        text->bytes, text->members, _mm512_set1_epi8((char)literal[fixed->size + i]));
}

/// Which of some places a fixed sequence stands at, moved behind it; all of it is in the text at each.
MARKS static inline __attribute__((always_inline)) uint64_t clinux_marks_behind(
    const clinux_fixed *fixed, const uint8_t *literal, uint64_t places, const clinux_marks_text *text) {
    uint64_t literals, members;
    memcpy(&literals, fixed->literals, sizeof literals);
    memcpy(&members, fixed->members, sizeof members);
    const __m512i wanted = _mm512_maskz_loadu_epi8(literals, literal);
    const __m512i classes = _mm512_maskz_loadu_epi8(members, literal + fixed->size);
    const __m512i step = _mm512_loadu_si512(clinux_marks_steps);
    uint64_t behind = 0;
    for (; places; places &= places - 1) {
        const unsigned at = (unsigned)__builtin_ctzll(places);
        const __m512i moved = _mm512_add_epi8(step, _mm512_set1_epi8((char)at));
        const uint64_t other = _mm512_mask_cmpneq_epu8_mask(
            literals, _mm512_permutexvar_epi8(moved, text->window), wanted)
            | _mm512_mask_testn_epi8_mask(members, _mm512_permutexvar_epi8(moved, text->members), classes);
        behind |= (uint64_t)(other == 0) << at;
    }
    return behind << fixed->size;
}

/// Fixed sequences in a text of less than 64 bytes.
MARKS static __attribute__((noinline)) uint64_t clinux_marks_fixed(
    const uint8_t **step, unsigned count, unsigned where, uint64_t marks, size_t length, const clinux_marks_text *text) {
    const uint8_t *data = *step + 2;
    uint64_t out = 0;
    for (; count; count--) {
        clinux_fixed fixed;
        memcpy(&fixed, data, sizeof fixed);
        const uint8_t *const literal = data + sizeof fixed;
        data = literal + 2 * (size_t)fixed.size;
        if (fixed.size > length) continue;
        const size_t last = length - fixed.size;
        uint64_t places = marks & (where == CLINUX_MARKS_LAST ? (uint64_t)1 << last : ((uint64_t)2 << last) - 1);
        if (where == CLINUX_MARKS_ANYWHERE && places & (places - 1)) {
            for (unsigned i = 0; i < fixed.chosen; i++) {
                places &= _mm512_cmpeq_epi8_mask(text->window, _mm512_set1_epi8((char)fixed.byte[i])) >> fixed.at[i];
            }
            // Many are left only where a text repeats itself.
            if (__builtin_popcountll(places) > 4) {
                uint64_t literals;
                memcpy(&literals, fixed.literals, sizeof literals);
                for (unsigned i = 0; i < fixed.size; i++) {
                    places = (places & clinux_marks_place(&fixed, literal, i, literals, text)) << 1;
                }
                out |= places;
                continue;
            }
        }
        out |= clinux_marks_behind(&fixed, literal, places, text);
    }
    *step = data - 2;
    return out;
}

/// Where an expression has come to behind 64 bytes. With `single` nothing is carried to the next.
MARKS static inline __attribute__((always_inline)) uint64_t clinux_marks_run(
    const uint8_t *step, unsigned count, const uint64_t *classes, uint64_t marks, uint64_t carried, uint64_t *carry,
    const bool single, size_t length, const clinux_marks_text *text) {
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
            while (--times) {
                const uint64_t first = marks & class;
                marks = first << 1;
                if (!single) {
                    marks |= carried >> bit & 1;
                    out |= first >> 63 << bit++;
                }
            }
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
            found[depth++] = step[0] >> 3 ? marks : 0;
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
            if (step[0] >> 3 == CLINUX_MARKS_GROUPS) {
                const uint64_t inner = classes[step[2]], behind = classes[step[5]];
                const unsigned least = step[3], most = least + step[4];
                for (; times; times--) {
                    for (unsigned i = 0; i <= most; i++) {
                        const uint64_t taken = marks & (i < most ? inner : behind);
                        marks = taken << 1 | (i >= least && i < most ? marks : 0);
                        if (!single) {
                            marks |= carried >> bit & 1;
                            out |= taken >> 63 << bit++;
                        }
                    }
                }
                step += 4;
                break;
            }
            if (step[0] >> 3 && single) {
                marks = clinux_marks_fixed(&step, times, step[0] >> 3, marks, length, text);
                break;
            }
            if (step[0] >> 3) {
                const uint64_t start = marks;
                const uint8_t *data = step + 2;
                marks = 0;
                for (; times; times--) {
                    clinux_fixed fixed;
                    memcpy(&fixed, data, sizeof fixed);
                    const uint8_t *const literal = data + sizeof fixed;
                    data = literal + 2 * (size_t)fixed.size;
                    uint64_t literals, places = start;
                    memcpy(&literals, fixed.literals, sizeof literals);
                    for (unsigned i = 0; i < fixed.size; i++) {
                        const uint64_t taken = places & clinux_marks_place(&fixed, literal, i, literals, text);
                        places = taken << 1 | (carried >> bit & 1);
                        out |= taken >> 63 << bit++;
                    }
                    marks |= places;
                }
                step = data - 2;
                break;
            }
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
    clinux_marks_text read;
    uint64_t carry = 0, marks = 1;
    // The place behind the text may be the first of a block without bytes.
    for (size_t at = 0;; at += 64) {
        const size_t left = length - at;
        const uint64_t bytes = left < 64 ? ((uint64_t)1 << left) - 1 : ~(uint64_t)0;
        if (!clinux_marks_classes(program, text + at, bytes, classes, &read)) return -1;
        marks = clinux_marks_run(step, count, classes, at == 0, carry, &carry, false, left, &read);
        if (left < 64) return marks >> left & 1;
    }
}

MARKS static int clinux_marks_wide(const uint8_t *program, const uint8_t *text, size_t length) {
    const uint8_t *const step = program + CLINUX_MARKS_HEAD + 128 * ((program[0] + 7u) / 8);
    const unsigned count = program[2] | (unsigned)program[3] << 8;
    if (length >= 64) return clinux_marks_long(program, step, count, text, length);
    uint64_t classes[CLINUX_MARKS_CLASSES];
    clinux_marks_text read;
    uint64_t carry;
    if (!clinux_marks_classes(program, text, ((uint64_t)1 << length) - 1, classes, &read)) return -1;
    return clinux_marks_run(step, count, classes, 1, 0, &carry, true, length, &read) >> length & 1;
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
