#ifndef CLINUX_SEARCH_H
#define CLINUX_SEARCH_H
// Finding short stretches of bytes in texts of up to 64 bytes with the vector instructions that every processor of an
// architecture has: a stretch's places become a mask of 64 bits, so that no branch depends on where they are.
// Swift has no way to a bit mask of a vector comparison; stepping an automaton over each byte takes twice as long.

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#if defined(__SSE2__)
#include <emmintrin.h>
#elif defined(__ARM_NEON)
#include <arm_neon.h>
#endif

typedef uint8_t clinux_lane __attribute__((vector_size(16)));

enum { CLINUX_STRETCH = 8 };

/// A literal to look for; its stretch follows: for each of its first bytes, at most CLINUX_STRETCH, a lane of 16 copies. If it is
/// longer, all its bytes follow. With `two` forms of each byte there are two lanes for each, and all bytes in both forms.
typedef struct {
    /// The bytes of the literal.
    uint32_t size;
    /// How many of them are in the stretch.
    uint32_t stretch;
} clinux_literal;

static inline clinux_lane clinux_load(const uint8_t *bytes) {
    clinux_lane lane;
    memcpy(&lane, bytes, sizeof lane);
    return lane;
}

/// A bit for each byte that is not zero; bytes are 0 or 0xFF.
static inline uint64_t clinux_bits(clinux_lane equal) {
#if defined(__SSE2__)
    return (uint64_t)(uint32_t)_mm_movemask_epi8((__m128i)equal);
#elif defined(__ARM_NEON) && defined(__aarch64__)
    const uint8x16_t weights = {1, 2, 4, 8, 16, 32, 64, 128, 1, 2, 4, 8, 16, 32, 64, 128};
    const uint8x16_t weighted = vandq_u8((uint8x16_t)equal, weights);
    return (uint64_t)vaddv_u8(vget_low_u8(weighted)) | (uint64_t)vaddv_u8(vget_high_u8(weighted)) << 8;
#else
    uint64_t bits = 0;
    for (int i = 0; i < 16; i++) bits |= (uint64_t)(equal[i] & 1) << i;
    return bits;
#endif
}

/// A text of at most 64 bytes in `count` lanes, the last of which may overlap the one before it.
typedef struct {
    clinux_lane lane[4];
    /// Where the last lane begins.
    unsigned last;
    /// A bit for each byte of the text.
    uint64_t bytes;
} clinux_window;

/// The first `count` bytes, 0...8, in the low end of a word, zeros above.
static inline uint64_t clinux_partial(const uint8_t *bytes, size_t count) {
    uint64_t word = 0;
    uint32_t low, high;
    if (count >= 8) {
        memcpy(&word, bytes, 8);
        return word;
    }
    if (count >= 4) {
        memcpy(&low, bytes, 4);
        memcpy(&high, bytes + (count - 4), 4);
        return (uint64_t)low | (uint64_t)high << (8 * (count - 4));
    }
    if (count == 0) return 0;
    return (uint64_t)bytes[0] | (uint64_t)bytes[count >> 1] << (8 * (count >> 1))
        | (uint64_t)bytes[count - 1] << (8 * (count - 1));
}

static inline __attribute__((always_inline)) clinux_window clinux_open(
    const uint8_t *text, size_t length, const int lanes) {
    clinux_window window;
    window.bytes = length < 64 ? ((uint64_t)1 << length) - 1 : ~(uint64_t)0;
    if (lanes == 1 && length < 16) {
        const uint64_t words[2] = {
            clinux_partial(text, length < 8 ? length : 8), length > 8 ? clinux_partial(text + 8, length - 8) : 0};
        memcpy(&window.lane[0], words, 16);
        window.last = 0;
        return window;
    }
    window.lane[0] = clinux_load(text);
    if (lanes > 2) window.lane[1] = clinux_load(text + 16);
    if (lanes > 3) window.lane[2] = clinux_load(text + 32);
    window.last = (unsigned)(length - 16);
    window.lane[lanes - 1] = clinux_load(text + window.last);
    return window;
}

static inline __attribute__((always_inline)) uint64_t clinux_equal_bits(
    clinux_lane text, clinux_lane byte, clinux_lane other, const bool two) {
    return clinux_bits(
        two ? (clinux_lane)(text == byte) | (clinux_lane)(text == other) : (clinux_lane)(text == byte));
}

/// Where a byte is, in either of its forms. Written out, for a loop over the lanes is not unrolled.
static inline __attribute__((always_inline)) uint64_t clinux_byte_places(
    const clinux_window *window, const uint8_t *lanes_of_byte, const int lanes, const bool two) {
    const clinux_lane byte = clinux_load(lanes_of_byte);
    const clinux_lane other = two ? clinux_load(lanes_of_byte + 16) : byte;
    // Behind a text of less than a lane there are zeros, which are none of its bytes.
    if (lanes == 1) return clinux_equal_bits(window->lane[0], byte, other, two) & window->bytes;
    uint64_t bits = clinux_equal_bits(window->lane[0], byte, other, two);
    if (lanes > 2) bits |= clinux_equal_bits(window->lane[1], byte, other, two) << 16;
    if (lanes > 3) bits |= clinux_equal_bits(window->lane[2], byte, other, two) << 32;
    return bits | clinux_equal_bits(window->lane[lanes - 1], byte, other, two) << window->last;
}

/// Where the bytes of a stretch follow one another: a bit for each place of the window.
static inline __attribute__((always_inline)) uint64_t clinux_places(
    const clinux_window *window, const uint8_t *stretch, uint32_t count, const int lanes, const bool two) {
    uint64_t places = clinux_byte_places(window, stretch, lanes, two);
    for (uint32_t j = 1; j < count; j++) {
        stretch += two ? 32 : 16;
        places &= clinux_byte_places(window, stretch, lanes, two) >> j;
        // Most literals are not there, and after two bytes that shows.
        if (j == 1 && count > 2 && !places) return 0;
    }
    return places;
}

/// Whether a text has the bytes from `from` to `size` of a literal, which lie in one form or in both behind one another.
static inline bool clinux_continues(const uint8_t *text, const uint8_t *literal, size_t from, size_t size, bool two) {
    size_t at = from;
    if (two) {
        while (at < size && (text[at] == literal[at] || text[at] == literal[size + at])) at++;
        return at == size;
    }
    for (; at + 8 <= size; at += 8) {
        if (clinux_partial(text + at, 8) != clinux_partial(literal + at, 8)) return false;
    }
    return clinux_partial(text + at, size - at) == clinux_partial(literal + at, size - at);
}

static inline __attribute__((always_inline)) bool clinux_follow(
    const clinux_window *window, const uint8_t *text, size_t length, const uint8_t *literals, size_t count,
    const int lanes, const bool two) {
    uint64_t open = ~(uint64_t)0;
    uint64_t found = 1;
    for (size_t i = 0; i < count; i++) {
        clinux_literal literal;
        memcpy(&literal, literals, sizeof literal);
        literals += sizeof literal;
        uint64_t places = clinux_places(window, literals, literal.stretch, lanes, two) & open;
        literals += (two ? 32 : 16) * (size_t)literal.stretch;
        const uint32_t size = literal.size;
        if (size > 2 && !places) return false;
        if (size > literal.stretch) {
            while (places) {
                const size_t place = (size_t)__builtin_ctzll(places);
                if (place + size > length) return false;
                if (clinux_continues(text + place, literals, literal.stretch, size, two)) break;
                places &= places - 1;
            }
            if (!places) return false;
            literals += (two ? 2 : 1) * (size_t)size;
            if (size > 63) return i + 1 == count;
        }
        // The lowest place is the best; what follows the literal there stays open. Without a place nothing does.
        found = places & (0 - places);
        open &= ~((found << size) - 1);
    }
    return found != 0;
}

/// Several sequences of literals: each begins with the number of its bytes and that of its literals.
typedef struct {
    uint32_t bytes;
    uint32_t literals;
} clinux_sequence;

static inline __attribute__((always_inline)) bool clinux_any(
    const uint8_t *text, size_t length, const uint8_t *sequences, size_t count, const int lanes, const bool two) {
    const clinux_window window = clinux_open(text, length, lanes);
    bool any = false;
    for (size_t i = 0; i < count; i++) {
        clinux_sequence sequence;
        memcpy(&sequence, sequences, sizeof sequence);
        sequences += sizeof sequence;
        // All are looked for: which of them is found first cannot be foretold.
        any |= clinux_follow(&window, text, length, sequences, sequence.literals, lanes, two);
        sequences += sequence.bytes;
    }
    return any;
}

/// Whether the literals of some sequence follow one another in a text of at most 64 bytes, each leftmost after the one before.
static inline bool clinux_any_follows(
    const uint8_t *text, size_t length, const uint8_t *sequences, size_t count, bool two) {
    if (two) {
        if (length <= 16) return clinux_any(text, length, sequences, count, 1, true);
        if (length <= 32) return clinux_any(text, length, sequences, count, 2, true);
        return length <= 48 ? clinux_any(text, length, sequences, count, 3, true)
                            : clinux_any(text, length, sequences, count, 4, true);
    }
    if (length <= 16) return clinux_any(text, length, sequences, count, 1, false);
    if (length <= 32) return clinux_any(text, length, sequences, count, 2, false);
    return length <= 48 ? clinux_any(text, length, sequences, count, 3, false)
                        : clinux_any(text, length, sequences, count, 4, false);
}

/// For each of 64 readable bytes a bit: whether a literal's stretch begins there and ends within them.
static inline uint64_t clinux_starts(const uint8_t *text, const uint8_t *stretch, uint32_t count, bool two) {
    const clinux_window window = clinux_open(text, 64, 4);
    return two ? clinux_places(&window, stretch, count, 4, true) : clinux_places(&window, stretch, count, 4, false);
}

#endif
