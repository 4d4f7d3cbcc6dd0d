#ifndef CLINUX_BYTES_H
#define CLINUX_BYTES_H
// Comparing 64 bytes at once with the vector instructions that every processor of an architecture has (SSE2, NEON).
// Swift has no way to a bit mask of a vector comparison; word arithmetic takes three times as long, and this is the
// innermost loop of Columnar's CSV reader (measured: 22 % of a whole conversion).
// The same holds for the ends of JSON strings.

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#if defined(__SSE2__)
#include <emmintrin.h>
#elif defined(__ARM_NEON)
#include <arm_neon.h>
#endif

/// Whether a word occurs in the bytes: memmem, which glibc declares for _GNU_SOURCE only.
bool clinux_contains(const void *bytes, size_t count, const void *word, size_t word_count);

/// Asks for the cache line of an address that is going to be read; any address will do.
static inline void clinux_prefetch(const void *address) { __builtin_prefetch(address); }

/// For each of 64 bytes a bit, the first byte's bit lowest.
typedef struct {
    uint64_t quotes;
    uint64_t delimiters;
    uint64_t lines;
    /// Bytes above 0x7F.
    uint64_t high;
} clinux_byte_masks;

/// Tells which of 64 readable bytes are a quote, a delimiter, a line end or no ASCII.
static inline clinux_byte_masks clinux_classify(const uint8_t *bytes, uint8_t quote, uint8_t delimiter, uint8_t line) {
    clinux_byte_masks masks = {0, 0, 0, 0};
#if defined(__SSE2__)
    const __m128i quotes = _mm_set1_epi8((char)quote);
    const __m128i delimiters = _mm_set1_epi8((char)delimiter);
    const __m128i lines = _mm_set1_epi8((char)line);
    for (int i = 0; i < 64; i += 16) {
        const __m128i part = _mm_loadu_si128((const __m128i *)(bytes + i));
        masks.quotes |= (uint64_t)(uint32_t)_mm_movemask_epi8(_mm_cmpeq_epi8(part, quotes)) << i;
        masks.delimiters |= (uint64_t)(uint32_t)_mm_movemask_epi8(_mm_cmpeq_epi8(part, delimiters)) << i;
        masks.lines |= (uint64_t)(uint32_t)_mm_movemask_epi8(_mm_cmpeq_epi8(part, lines)) << i;
        masks.high |= (uint64_t)(uint32_t)_mm_movemask_epi8(part) << i;
    }
#elif defined(__ARM_NEON)
    const uint8x16_t weights = {1, 2, 4, 8, 16, 32, 64, 128, 1, 2, 4, 8, 16, 32, 64, 128};
    uint8x16_t part[4];
    for (int i = 0; i < 4; i++) part[i] = vld1q_u8(bytes + 16 * i);
// Pairwise sums gather the weighted lanes of four vectors into 64 bits.
#define CLINUX_MASK(TEST)                                                                                             \
    vgetq_lane_u64(                                                                                                   \
        vreinterpretq_u64_u8(vpaddq_u8(                                                                               \
            vpaddq_u8(                                                                                                \
                vpaddq_u8(vandq_u8(TEST(part[0]), weights), vandq_u8(TEST(part[1]), weights)),                        \
                vpaddq_u8(vandq_u8(TEST(part[2]), weights), vandq_u8(TEST(part[3]), weights))),                       \
            vdupq_n_u8(0))),                                                                                          \
        0)
#define CLINUX_IS_QUOTE(x) vceqq_u8(x, vdupq_n_u8(quote))
#define CLINUX_IS_DELIMITER(x) vceqq_u8(x, vdupq_n_u8(delimiter))
#define CLINUX_IS_LINE(x) vceqq_u8(x, vdupq_n_u8(line))
#define CLINUX_IS_HIGH(x) vcgeq_u8(x, vdupq_n_u8(128))
    masks.quotes = CLINUX_MASK(CLINUX_IS_QUOTE);
    masks.delimiters = CLINUX_MASK(CLINUX_IS_DELIMITER);
    masks.lines = CLINUX_MASK(CLINUX_IS_LINE);
    masks.high = CLINUX_MASK(CLINUX_IS_HIGH);
#undef CLINUX_IS_HIGH
#undef CLINUX_IS_LINE
#undef CLINUX_IS_DELIMITER
#undef CLINUX_IS_QUOTE
#undef CLINUX_MASK
#else
    for (int i = 0; i < 64; i++) {
        masks.quotes |= (uint64_t)(bytes[i] == quote) << i;
        masks.delimiters |= (uint64_t)(bytes[i] == delimiter) << i;
        masks.lines |= (uint64_t)(bytes[i] == line) << i;
        masks.high |= (uint64_t)(bytes[i] >> 7) << i;
    }
#endif
    return masks;
}

/// Bytes before the first `"`, `\` or control character (below 0x20). One of them must come; 16 bytes after it are read.
static inline uint64_t clinux_plain_text(const uint8_t *bytes) {
#if defined(__SSE2__)
    const __m128i quotes = _mm_set1_epi8('"');
    const __m128i escapes = _mm_set1_epi8('\\');
    const __m128i controls = _mm_set1_epi8(0x1F);
    for (uint64_t count = 0;; count += 16) {
        const __m128i part = _mm_loadu_si128((const __m128i *)(bytes + count));
        const __m128i found = _mm_or_si128(
            _mm_or_si128(_mm_cmpeq_epi8(part, quotes), _mm_cmpeq_epi8(part, escapes)),
            _mm_cmpeq_epi8(_mm_min_epu8(part, controls), part));
        const unsigned mask = (unsigned)_mm_movemask_epi8(found);
        if (mask) return count + (uint64_t)__builtin_ctz(mask);
    }
#elif defined(__ARM_NEON)
    for (uint64_t count = 0;; count += 16) {
        const uint8x16_t part = vld1q_u8(bytes + count);
        const uint8x16_t found = vorrq_u8(
            vorrq_u8(vceqq_u8(part, vdupq_n_u8('"')), vceqq_u8(part, vdupq_n_u8('\\'))),
            vcltq_u8(part, vdupq_n_u8(0x20)));
        // Four bits for each byte.
        const uint64_t mask =
            vget_lane_u64(vreinterpret_u64_u8(vshrn_n_u16(vreinterpretq_u16_u8(found), 4)), 0);
        if (mask) return count + ((uint64_t)__builtin_ctzll(mask) >> 2);
    }
#else
    uint64_t count = 0;
    while (bytes[count] >= 0x20 && bytes[count] != '"' && bytes[count] != '\\') count++;
    return count;
#endif
}

/// Of `count` bytes those before the first `"`, `\`, control character (below 0x20) or byte above 0x7F, in whole steps of
/// 16 bytes: who asks looks at what follows byte by byte.
static inline uint64_t clinux_plain_ascii(const uint8_t *bytes, uint64_t count) {
    uint64_t position = 0;
#if defined(__SSE2__)
    const __m128i quotes = _mm_set1_epi8('"');
    const __m128i escapes = _mm_set1_epi8('\\');
    const __m128i spaces = _mm_set1_epi8(0x20);
    for (; position + 16 <= count; position += 16) {
        const __m128i part = _mm_loadu_si128((const __m128i *)(bytes + position));
        // As signed numbers, control characters and bytes above 0x7F are all below a space.
        const __m128i found = _mm_or_si128(
            _mm_or_si128(_mm_cmpeq_epi8(part, quotes), _mm_cmpeq_epi8(part, escapes)), _mm_cmplt_epi8(part, spaces));
        if (_mm_movemask_epi8(found)) return position;
    }
#elif defined(__ARM_NEON)
    for (; position + 16 <= count; position += 16) {
        const uint8x16_t part = vld1q_u8(bytes + position);
        const uint8x16_t found = vorrq_u8(
            vorrq_u8(vceqq_u8(part, vdupq_n_u8('"')), vceqq_u8(part, vdupq_n_u8('\\'))),
            vcltq_s8(vreinterpretq_s8_u8(part), vdupq_n_s8(0x20)));
        if (vmaxvq_u8(found)) return position;
    }
#endif
    return position;
}

/// Whether any of `count` bytes is above 0x7F; 63 bytes after them must be readable and do not count.
static inline int clinux_has_high(const uint8_t *bytes, uint64_t count) {
    uint64_t position = 0;
#if defined(__SSE2__)
    for (; position + 64 <= count; position += 64) {
        const __m128i *part = (const __m128i *)(bytes + position);
        const __m128i all = _mm_or_si128(
            _mm_or_si128(_mm_loadu_si128(part), _mm_loadu_si128(part + 1)),
            _mm_or_si128(_mm_loadu_si128(part + 2), _mm_loadu_si128(part + 3)));
        if (_mm_movemask_epi8(all)) return 1;
    }
#endif
    for (; position < count; position++) {
        if (bytes[position] & 0x80) return 1;
    }
    return 0;
}

#endif
