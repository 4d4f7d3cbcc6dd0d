#ifndef CLINUX_HASH_H
#define CLINUX_HASH_H
// A hash of texts for estimates of how many differ. Four times sixteen bytes with masks instead of a loop over the words
// of a text: how long the next text is cannot be foreseen, and a loop that ends elsewhere than the processor believed
// costs more than all of this (measured: half of what a profile of unlike texts took).

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

typedef uint32_t clinux_words __attribute__((vector_size(16)));
typedef uint64_t clinux_longs __attribute__((vector_size(16)));

/// A hash, and which bits the bytes of the text have, each byte somewhere in the word.
typedef struct {
    uint64_t hash;
    uint64_t bits;
} clinux_text_hash;

#define CLINUX_HASH_KEY 0xA0761D6478BD642FULL
#define CLINUX_HASH_FACTOR 0xE7037ED1A0B428DBULL
#define CLINUX_HASH_END 0x8EBC6AF09C88C6E3ULL
#define CLINUX_HASH_LAST 0x94D049BB133111EBULL

/// Sixteen bytes that count, sixteen that do not.
static const uint8_t clinux_counting[32] = {255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255,
                                            255, 255, 255, 255, 255, 0,   0,   0,   0,   0,   0,
                                            0,   0,   0,   0,   0,   0,   0,   0,   0,   0};

static inline uint64_t clinux_mix_lanes(uint64_t a, uint64_t b) {
    const unsigned __int128 product = (unsigned __int128)a * b;
    return (uint64_t)product ^ (uint64_t)(product >> 64);
}

/// A number for each of sixteen words.
static const uint32_t clinux_hash_places[4][4] = {
    {0xA0761D64, 0x78BD642F, 0xE7037ED1, 0xA0B428DB},
    {0x8EBC6AF0, 0x9C88C6E3, 0x58946A96, 0x5D4BE2E7},
    {0x2D358DCC, 0xAA6C78A5, 0x8BB84B93, 0x962EACC9},
    {0x4B33A62E, 0xD433D4A3, 0x4D5A2DA5, 0x1DE1AA47},
};

static inline uint64_t clinux_begin_hash(uint64_t length) { return length * CLINUX_HASH_KEY; }

/// Takes the sums of 64 bytes that others follow: the places of those are the same, so that what came before must count
/// for more than its sum.
static inline uint64_t clinux_continue_hash(uint64_t hash, uint64_t first, uint64_t second) {
    return clinux_mix_lanes(hash ^ first, second ^ CLINUX_HASH_FACTOR);
}

static inline uint64_t clinux_end_hash(uint64_t hash, uint64_t first, uint64_t second) {
    return clinux_mix_lanes(hash ^ first, second ^ CLINUX_HASH_END) * CLINUX_HASH_LAST;
}

/// Sums of products of neighbouring words, each with a number of its place added: NH, as in UMAC (RFC 4418).
/// Sixteen bytes from `text`, and fifteen behind its end, must be readable. Every process has the same hashes.
static inline clinux_text_hash clinux_hash_text(const uint8_t *text, uint64_t length) {
    uint64_t hash = clinux_begin_hash(length);
    clinux_longs sums = {0, 0};
    clinux_longs seen = {0, 0};
    for (;;) {
        for (int i = 0; i < 4; i++) {
            const uint64_t begin = 16 * (uint64_t)i;
            const bool is_there = length > begin;
            const uint64_t rest = is_there ? length - begin : 0;
            clinux_longs part, counting;
            clinux_words place;
            memcpy(&part, text + (is_there ? begin : 0), sizeof part);
            memcpy(&counting, clinux_counting + 16 - (rest < 16 ? rest : 16), sizeof counting);
            memcpy(&place, clinux_hash_places[i], sizeof place);
            part &= counting;
            seen |= part;
            const clinux_longs keyed = (clinux_longs)((clinux_words)part + place);
            sums += (keyed & 0xFFFFFFFF) * (keyed >> 32);
        }
        if (length <= 64) break;
        hash = clinux_continue_hash(hash, sums[0], sums[1]);
        text += 64;
        length -= 64;
    }
    const clinux_text_hash result = {clinux_end_hash(hash, sums[0], sums[1]), seen[0] | seen[1]};
    return result;
}

/// The registers of HyperLogLog: 2^CLINUX_SKETCH_BITS bytes. The rank is looked for in the CLINUX_RANK_BITS bits of a hash
/// behind those of its register.
enum { CLINUX_SKETCH_BITS = 14, CLINUX_RANK_BITS = 48 };

/// Adds a hash, all of whose bits must be as good as random.
static inline void clinux_sketch(uint64_t hash, uint8_t *registers) {
    // The rank is the place of the first bit that is set, in whatever order they are looked at. With its bytes turned
    // round the word has its best bits at the low end, where all processors count zeros at once; from the high end the
    // baseline of x86-64 takes several steps. The bit behind the last bounds the rank.
    const uint64_t rest = __builtin_bswap64(hash << CLINUX_SKETCH_BITS) | 1ULL << CLINUX_RANK_BITS;
    const uint8_t rank = (uint8_t)(__builtin_ctzll(rest) + 1);
    uint8_t *const place = registers + (hash >> (64 - CLINUX_SKETCH_BITS));
    // Without a branch: which values are news is not to be foreseen.
    *place = *place > rank ? *place : rank;
}

/// The hash of a number.
static inline uint64_t clinux_hash_number(uint64_t number) {
    // A folded multiplication, as in wyhash: a product without its upper half would keep the order of numbers that end in
    // many zero bits, as small doubles do, and fill the registers too evenly.
    return clinux_mix_lanes(number ^ CLINUX_HASH_KEY, CLINUX_HASH_FACTOR) * CLINUX_HASH_LAST;
}

/// The bits of a double of which zeros of both signs are one value, and so is every NaN.
static inline uint64_t clinux_canonical_double(uint64_t bits) {
    if (bits == 1ULL << 63) return 0;
    return (bits & ~(1ULL << 63)) > 0x7FF0000000000000ULL ? 0x7FF8000000000000ULL : bits;
}

/// Hashes numbers and adds them to the registers; doubles by their canonical bits.
void clinux_sketch_numbers(const int64_t *numbers, size_t count, bool are_doubles, uint8_t *registers);

/// The same with what every processor has.
void clinux_sketch_numbers_plainly(const int64_t *numbers, size_t count, bool are_doubles, uint8_t *registers);

/// What is known of some texts.
typedef struct {
    /// Bytes of the shortest and of the longest.
    uint32_t least;
    uint32_t greatest;
    /// Whether all are ASCII.
    bool are_ascii;
    /// Of the last text.
    uint64_t hash;
} clinux_texts_seen;

/// Hashes texts that lie one after the other, adds them to the registers and to what is known of those before.
/// Sixteen bytes from each, and fifteen behind its end, must be readable.
/// Returns where the next would begin.
const uint8_t *clinux_sketch_texts(
    const uint8_t *texts, const uint32_t *lengths, size_t count, uint8_t *registers, clinux_texts_seen *seen);

/// The same with what every processor has.
const uint8_t *clinux_sketch_texts_plainly(
    const uint8_t *texts, const uint32_t *lengths, size_t count, uint8_t *registers, clinux_texts_seen *seen);

#endif
