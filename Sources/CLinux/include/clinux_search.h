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

/// How literals are compared: as they are; with the text's ASCII capitals in lower case; or each byte in either of two forms.
enum { CLINUX_EXACT = 0, CLINUX_FOLDED = 1, CLINUX_EITHER = 2 };

/// A literal to look for; its stretch follows: for each of its first bytes, at most CLINUX_STRETCH, a lane of 16 copies. If it is
/// longer, all its bytes follow. With CLINUX_EITHER there are two lanes for each, and all bytes in both forms.
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

/// Eight bytes with ASCII capitals in lower case.
static inline uint64_t clinux_folded(uint64_t word) {
    const uint64_t low7 = word & 0x7F7F7F7F7F7F7F7F;
    const uint64_t above_z = low7 + 0x2525252525252525;
    const uint64_t from_a = low7 + 0x3F3F3F3F3F3F3F3F;
    return word | (~word & (from_a ^ above_z) & 0x8080808080808080) >> 2;
}

static inline __attribute__((always_inline)) clinux_lane clinux_fold(clinux_lane lane) {
    typedef int8_t signed_lane __attribute__((vector_size(16)));
    const signed_lane bytes = (signed_lane)lane;
    return lane | (clinux_lane)((bytes > 0x40) & (bytes < 0x5B) & 0x20);
}

static inline __attribute__((always_inline)) clinux_window clinux_open(
    const uint8_t *text, size_t length, const int lanes, const int forms) {
    clinux_window window;
    window.bytes = length < 64 ? ((uint64_t)1 << length) - 1 : ~(uint64_t)0;
    if (lanes == 1 && length < 16) {
        const uint64_t words[2] = {
            clinux_partial(text, length < 8 ? length : 8), length > 8 ? clinux_partial(text + 8, length - 8) : 0};
        memcpy(&window.lane[0], words, 16);
        window.last = 0;
    } else {
        window.lane[0] = clinux_load(text);
        if (lanes > 2) window.lane[1] = clinux_load(text + 16);
        if (lanes > 3) window.lane[2] = clinux_load(text + 32);
        window.last = (unsigned)(length - 16);
        window.lane[lanes - 1] = clinux_load(text + window.last);
    }
    if (forms == CLINUX_FOLDED) {
        window.lane[0] = clinux_fold(window.lane[0]);
        if (lanes > 2) window.lane[1] = clinux_fold(window.lane[1]);
        if (lanes > 3) window.lane[2] = clinux_fold(window.lane[2]);
        if (lanes > 1) window.lane[lanes - 1] = clinux_fold(window.lane[lanes - 1]);
    }
    return window;
}

static inline __attribute__((always_inline)) uint64_t clinux_equal_bits(
    clinux_lane text, clinux_lane byte, clinux_lane other, const bool two) {
    return clinux_bits(
        two ? (clinux_lane)(text == byte) | (clinux_lane)(text == other) : (clinux_lane)(text == byte));
}

/// Where a byte is, in any of its forms. Written out, for a loop over the lanes is not unrolled.
static inline __attribute__((always_inline)) uint64_t clinux_byte_places(
    const clinux_window *window, const uint8_t *lanes_of_byte, const int lanes, const int forms) {
    const bool two = forms == CLINUX_EITHER;
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
    const clinux_window *window, const uint8_t *stretch, uint32_t count, const int lanes, const int forms) {
    uint64_t places = clinux_byte_places(window, stretch, lanes, forms);
    for (uint32_t j = 1; j < count; j++) {
        stretch += forms == CLINUX_EITHER ? 32 : 16;
        places &= clinux_byte_places(window, stretch, lanes, forms) >> j;
        // Most literals are not there, and after two bytes that shows.
        if (j == 1 && count > 2 && !places) return 0;
    }
    return places;
}

/// Whether a text has the bytes from `from` to `size` of a literal, which lie in one form or in both behind one another.
static inline bool clinux_continues(const uint8_t *text, const uint8_t *literal, size_t from, size_t size, int forms) {
    size_t at = from;
    if (forms == CLINUX_EITHER) {
        while (at < size && (text[at] == literal[at] || text[at] == literal[size + at])) at++;
        return at == size;
    }
    if (forms == CLINUX_FOLDED) {
        for (; at + 8 <= size; at += 8) {
            if (clinux_folded(clinux_partial(text + at, 8)) != clinux_partial(literal + at, 8)) return false;
        }
        return clinux_folded(clinux_partial(text + at, size - at)) == clinux_partial(literal + at, size - at);
    }
    for (; at + 8 <= size; at += 8) {
        if (clinux_partial(text + at, 8) != clinux_partial(literal + at, 8)) return false;
    }
    return clinux_partial(text + at, size - at) == clinux_partial(literal + at, size - at);
}

/// The best of the places where the stretch of a literal is: the lowest at which the rest of it follows, as a bit; 0 if none.
static inline __attribute__((always_inline)) uint64_t clinux_best(
    uint64_t places, clinux_literal literal, const uint8_t *whole, const uint8_t *text, size_t length, int forms) {
    if (literal.size > literal.stretch) {
        while (places) {
            const size_t place = (size_t)__builtin_ctzll(places);
            if (place + literal.size > length) return 0;
            if (clinux_continues(text + place, whole, literal.stretch, literal.size, forms)) break;
            places &= places - 1;
        }
    }
    return places & (0 - places);
}

/// The places behind a literal that was found; none if it was not, or is as long as a window.
static inline __attribute__((always_inline)) uint64_t clinux_behind(uint64_t found, uint32_t size) {
    return size > 63 ? 0 : ~((found << size) - 1);
}

/// The number of bytes of a literal after its stretch.
static inline __attribute__((always_inline)) size_t clinux_rest(clinux_literal literal, int forms) {
    return literal.size > literal.stretch ? (forms == CLINUX_EITHER ? 2 : 1) * (size_t)literal.size : 0;
}

static inline __attribute__((always_inline)) bool clinux_follow(
    const clinux_window *window, const uint8_t *text, size_t length, const uint8_t *literals, size_t count,
    const int lanes, const int forms) {
    uint64_t open = ~(uint64_t)0;
    uint64_t found = 1;
    for (size_t i = 0; i < count; i++) {
        clinux_literal literal;
        memcpy(&literal, literals, sizeof literal);
        literals += sizeof literal;
        const uint64_t places = clinux_places(window, literals, literal.stretch, lanes, forms) & open;
        literals += (forms == CLINUX_EITHER ? 32 : 16) * (size_t)literal.stretch;
        if (literal.size > 2 && !places) return false;
        found = clinux_best(places, literal, literals, text, length, forms);
        open &= clinux_behind(found, literal.size);
        literals += clinux_rest(literal, forms);
    }
    return found != 0;
}

/// Several sequences of literals: each begins with the number of its bytes and that of its literals.
typedef struct {
    uint32_t bytes;
    uint32_t literals;
} clinux_sequence;

static inline __attribute__((always_inline)) bool clinux_any(
    const uint8_t *text, size_t length, const uint8_t *sequences, size_t count, const int lanes, const int forms) {
    const clinux_window window = clinux_open(text, length, lanes, forms);
    bool any = false;
    for (size_t i = 0; i < count; i++) {
        clinux_sequence sequence;
        memcpy(&sequence, sequences, sizeof sequence);
        sequences += sizeof sequence;
        // All are looked for: which of them is found first cannot be foretold.
        any |= clinux_follow(&window, text, length, sequences, sequence.literals, lanes, forms);
        sequences += sequence.bytes;
    }
    return any;
}

static inline __attribute__((always_inline)) bool clinux_any_of(
    const uint8_t *text, size_t length, const uint8_t *sequences, size_t count, const int forms) {
    if (length <= 16) return clinux_any(text, length, sequences, count, 1, forms);
    if (length <= 32) return clinux_any(text, length, sequences, count, 2, forms);
    return length <= 48 ? clinux_any(text, length, sequences, count, 3, forms)
                        : clinux_any(text, length, sequences, count, 4, forms);
}

/// Whether `clinux_any_wide` can be used; found out when the program starts.
extern bool clinux_is_wide;
static inline bool clinux_has_wide(void) { return clinux_is_wide; }

/// As `clinux_any_follows` for texts of less than 64 bytes, which are in one register and give a mask by one comparison: a third
/// of the instructions, and no branch depends on the text's length. For processors that have AVX-512 and keep their speed when it is used.
bool clinux_any_wide(const uint8_t *text, size_t length, const uint8_t *sequences, size_t count, int forms);

/// For each of some texts that lie one after the other a bit for each byte that is one of three, or no ASCII; 0 for texts
/// of more than 64 bytes. Only the texts themselves are read. Where `clinux_has_wide` says so.
void clinux_mark_texts(
    const uint8_t *texts, const uint32_t *lengths, size_t count, const uint8_t wanted[3], uint64_t *marks);

/// The same for texts of up to 64 bytes and every processor. Not inline: it is thousands of instructions, which would stand
/// wherever something is looked for, and push out of the cache what does the work.
bool clinux_any_narrow(const uint8_t *text, size_t length, const uint8_t *sequences, size_t count, int forms);

/// Whether the literals of some sequence follow one another in a text of at most 64 bytes, each leftmost after the one before.
static inline bool clinux_any_follows(
    const uint8_t *text, size_t length, const uint8_t *sequences, size_t count, int forms) {
    return clinux_is_wide && length < 64 ? clinux_any_wide(text, length, sequences, count, forms)
                                         : clinux_any_narrow(text, length, sequences, count, forms);
}

/// For each of 64 readable bytes a bit: whether a literal's stretch begins there and ends within them.
static inline uint64_t clinux_starts(const uint8_t *text, const uint8_t *stretch, uint32_t count, int forms) {
    const clinux_window window = clinux_open(text, 64, 4, forms == CLINUX_FOLDED ? CLINUX_FOLDED : CLINUX_EXACT);
    return forms == CLINUX_EITHER ? clinux_places(&window, stretch, count, 4, CLINUX_EITHER)
                                  : clinux_places(&window, stretch, count, 4, CLINUX_EXACT);
}

#endif
