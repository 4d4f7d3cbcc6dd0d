#include "clinux_hash.h"

#include "clinux_search.h"

static inline void clinux_see_length(clinux_texts_seen *seen, uint32_t length) {
    seen->least = length < seen->least ? length : seen->least;
    seen->greatest = length > seen->greatest ? length : seen->greatest;
}

const uint8_t *clinux_sketch_texts_plainly(
    const uint8_t *texts, const uint32_t *lengths, size_t count, uint8_t *registers, clinux_texts_seen *seen) {
    // Registers are bytes, which may lie anywhere as far as the compiler knows.
    clinux_texts_seen all = *seen;
    uint64_t bits = 0;
    for (size_t i = 0; i < count; i++) {
        const clinux_text_hash text = clinux_hash_text(texts, lengths[i]);
        all.hash = text.hash;
        bits |= text.bits;
        clinux_sketch(text.hash, registers);
        clinux_see_length(&all, lengths[i]);
        texts += lengths[i];
    }
    all.are_ascii = all.are_ascii && (bits & 0x8080808080808080ULL) == 0;
    *seen = all;
    return texts;
}

void clinux_sketch_numbers_plainly(const int64_t *numbers, size_t count, bool are_doubles, uint8_t *registers) {
    for (size_t i = 0; i < count; i++) {
        const uint64_t number = (uint64_t)numbers[i];
        clinux_sketch(clinux_hash_number(are_doubles ? clinux_canonical_double(number) : number), registers);
    }
}

#if defined(__x86_64__)
#include <immintrin.h>

#define WIDE __attribute__((target("avx512f,avx512bw,avx512vl,avx512dq,avx512cd,bmi,bmi2")))
#define WIDE_INLINE WIDE static inline __attribute__((always_inline))

/// `clinux_mix_lanes` of eight pairs, by the products of their halves.
WIDE_INLINE __m512i clinux_mix_eight(__m512i a, __m512i b) {
    const __m512i lower = _mm512_set1_epi64(0xFFFFFFFF);
    const __m512i a_high = _mm512_srli_epi64(a, 32);
    const __m512i b_high = _mm512_srli_epi64(b, 32);
    const __m512i low = _mm512_mul_epu32(a, b);
    const __m512i first = _mm512_add_epi64(_mm512_mul_epu32(a_high, b), _mm512_srli_epi64(low, 32));
    const __m512i second = _mm512_add_epi64(_mm512_mul_epu32(a, b_high), _mm512_and_si512(first, lower));
    const __m512i high = _mm512_add_epi64(
        _mm512_mul_epu32(a_high, b_high), _mm512_add_epi64(_mm512_srli_epi64(first, 32), _mm512_srli_epi64(second, 32)));
    return _mm512_xor_si512(high, _mm512_or_si512(_mm512_slli_epi64(second, 32), _mm512_and_si512(low, lower)));
}

/// `clinux_sketch` of eight hashes.
WIDE_INLINE void clinux_sketch_eight(__m512i hashes, uint8_t *registers) {
    const __m512i turned = _mm512_set_epi8(
        8, 9, 10, 11, 12, 13, 14, 15, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10,
        11, 12, 13, 14, 15, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 0, 1, 2, 3, 4, 5, 6, 7);
    const __m512i rest = _mm512_or_si512(
        _mm512_shuffle_epi8(_mm512_slli_epi64(hashes, CLINUX_SKETCH_BITS), turned),
        _mm512_set1_epi64(1LL << CLINUX_RANK_BITS));
    const __m512i lowest = _mm512_and_si512(rest, _mm512_sub_epi64(_mm512_setzero_si512(), rest));
    uint64_t ranks[8], places[8];
    _mm512_storeu_si512(ranks, _mm512_sub_epi64(_mm512_set1_epi64(64), _mm512_lzcnt_epi64(lowest)));
    _mm512_storeu_si512(places, _mm512_srli_epi64(hashes, 64 - CLINUX_SKETCH_BITS));
#pragma GCC unroll 8
    for (int i = 0; i < 8; i++) {
        uint8_t *const place = registers + places[i];
        const uint8_t rank = (uint8_t)ranks[i];
        *place = *place > rank ? *place : rank;
    }
}

WIDE static void clinux_sketch_numbers_wide(const int64_t *numbers, size_t count, bool are_doubles, uint8_t *registers) {
    const __m512i sign = _mm512_set1_epi64((long long)(1ULL << 63));
    const __m512i infinity = _mm512_set1_epi64(0x7FF0000000000000LL);
    const __m512i not_a_number = _mm512_set1_epi64(0x7FF8000000000000LL);
    const __m512i key = _mm512_set1_epi64((long long)CLINUX_HASH_KEY);
    const __m512i factor = _mm512_set1_epi64((long long)CLINUX_HASH_FACTOR);
    const __m512i last = _mm512_set1_epi64((long long)CLINUX_HASH_LAST);
    size_t i = 0;
    for (; i + 8 <= count; i += 8) {
        __m512i eight = _mm512_loadu_si512(numbers + i);
        if (are_doubles) {
            const __mmask8 odd = _mm512_cmpgt_epu64_mask(_mm512_andnot_si512(sign, eight), infinity);
            eight = _mm512_mask_mov_epi64(eight, odd, not_a_number);
            eight = _mm512_maskz_mov_epi64(_mm512_cmpneq_epi64_mask(eight, sign), eight);
        }
        const __m512i mixed = clinux_mix_eight(_mm512_xor_si512(eight, key), factor);
        clinux_sketch_eight(_mm512_mullo_epi64(mixed, last), registers);
    }
    clinux_sketch_numbers_plainly(numbers + i, count - i, are_doubles, registers);
}

/// Sums of products of neighbouring words of a text of at most 64 bytes, two for each sixteen bytes.
WIDE_INLINE __m512i clinux_products(__m512i text) {
    const __m512i keyed = _mm512_add_epi32(text, _mm512_loadu_si512(clinux_hash_places));
    return _mm512_mul_epu32(keyed, _mm512_srli_epi64(keyed, 32));
}

/// The sums of four texts, each in sixteen bytes, of their products.
WIDE_INLINE __m512i clinux_sums(const __m512i *products) {
    const __m512i two = _mm512_add_epi64(
        _mm512_shuffle_i64x2(products[0], products[1], 0x44), _mm512_shuffle_i64x2(products[0], products[1], 0xEE));
    const __m512i others = _mm512_add_epi64(
        _mm512_shuffle_i64x2(products[2], products[3], 0x44), _mm512_shuffle_i64x2(products[2], products[3], 0xEE));
    return _mm512_add_epi64(_mm512_shuffle_i64x2(two, others, 0x88), _mm512_shuffle_i64x2(two, others, 0xDD));
}

/// The hash of one text of any length.
WIDE_INLINE uint64_t clinux_hash_wide(const uint8_t *text, uint64_t length, __m512i *bits) {
    uint64_t hash = clinux_begin_hash(length);
    __m128i sums = _mm_setzero_si128();
    for (;;) {
        // What the mask leaves out is not read.
        const __m512i part = _mm512_maskz_loadu_epi8(_bzhi_u64(~0ULL, length < 64 ? (unsigned)length : 64), text);
        *bits = _mm512_or_si512(*bits, part);
        const __m512i products = clinux_products(part);
        const __m256i half =
            _mm256_add_epi64(_mm512_castsi512_si256(products), _mm512_extracti64x4_epi64(products, 1));
        sums = _mm_add_epi64(sums, _mm_add_epi64(_mm256_castsi256_si128(half), _mm256_extracti128_si256(half, 1)));
        const uint64_t first = (uint64_t)_mm_cvtsi128_si64(sums);
        const uint64_t second = (uint64_t)_mm_extract_epi64(sums, 1);
        if (length <= 64) return clinux_end_hash(hash, first, second);
        hash = clinux_continue_hash(hash, first, second);
        text += 64;
        length -= 64;
    }
}

// 64 bytes at once, and where no text is longer eight texts together.
WIDE static const uint8_t *clinux_sketch_texts_wide(
    const uint8_t *texts, const uint32_t *lengths, size_t count, uint8_t *registers, clinux_texts_seen *seen) {
    clinux_texts_seen all = *seen;
    __m512i bits = _mm512_setzero_si512();
    __m256i least = _mm256_set1_epi32((int)seen->least);
    __m256i greatest = _mm256_set1_epi32((int)seen->greatest);
    size_t i = 0;
    while (i < count) {
        const size_t part = count - i < 8 ? count - i : 8;
        const __mmask8 there = (__mmask8)_bzhi_u32(0xFF, (unsigned)part);
        const __m256i eight = _mm256_maskz_loadu_epi32(there, lengths + i);
        const bool are_short = _mm256_cmpgt_epu32_mask(eight, _mm256_set1_epi32(64)) == 0;
        least = _mm256_mask_min_epu32(least, there, least, eight);
        greatest = _mm256_max_epu32(greatest, eight);
        if (part < 8 || !are_short) {
            for (size_t k = 0; k < part; k++) {
                all.hash = clinux_hash_wide(texts, lengths[i + k], &bits);
                clinux_sketch(all.hash, registers);
                texts += lengths[i + k];
            }
        } else {
            __m512i products[8];
#pragma GCC unroll 8
            for (size_t k = 0; k < 8; k++) {
                const __m512i text = _mm512_maskz_loadu_epi8(_bzhi_u64(~0ULL, lengths[i + k]), texts);
                bits = _mm512_or_si512(bits, text);
                products[k] = clinux_products(text);
                texts += lengths[i + k];
            }
            const __m512i four = clinux_sums(products);
            const __m512i others = clinux_sums(products + 4);
            // Which of the eight is where: the order does not matter but for the last.
            const __m512i order = _mm512_set_epi64(7, 3, 6, 2, 5, 1, 4, 0);
            const __m512i length = _mm512_permutexvar_epi64(order, _mm512_cvtepu32_epi64(eight));
            const __m512i first = _mm512_xor_si512(
                _mm512_unpacklo_epi64(four, others),
                _mm512_mullo_epi64(length, _mm512_set1_epi64((long long)CLINUX_HASH_KEY)));
            const __m512i second = _mm512_xor_si512(
                _mm512_unpackhi_epi64(four, others), _mm512_set1_epi64((long long)CLINUX_HASH_END));
            const __m512i hashes = _mm512_mullo_epi64(
                clinux_mix_eight(first, second), _mm512_set1_epi64((long long)CLINUX_HASH_LAST));
            all.hash = (uint64_t)_mm_extract_epi64(_mm512_extracti64x2_epi64(hashes, 3), 1);
            clinux_sketch_eight(hashes, registers);
        }
        i += part;
    }
    all.least = _mm512_reduce_min_epu32(_mm512_inserti64x4(_mm512_set1_epi32(-1), least, 0));
    all.greatest = _mm512_reduce_max_epu32(_mm512_zextsi256_si512(greatest));
    all.are_ascii = all.are_ascii && _mm512_movepi8_mask(bits) == 0;
    *seen = all;
    return texts;
}

const uint8_t *clinux_sketch_texts(
    const uint8_t *texts, const uint32_t *lengths, size_t count, uint8_t *registers, clinux_texts_seen *seen) {
    return clinux_is_wide ? clinux_sketch_texts_wide(texts, lengths, count, registers, seen)
                          : clinux_sketch_texts_plainly(texts, lengths, count, registers, seen);
}

void clinux_sketch_numbers(const int64_t *numbers, size_t count, bool are_doubles, uint8_t *registers) {
    if (clinux_is_wide) {
        clinux_sketch_numbers_wide(numbers, count, are_doubles, registers);
    } else {
        clinux_sketch_numbers_plainly(numbers, count, are_doubles, registers);
    }
}

#else

const uint8_t *clinux_sketch_texts(
    const uint8_t *texts, const uint32_t *lengths, size_t count, uint8_t *registers, clinux_texts_seen *seen) {
    return clinux_sketch_texts_plainly(texts, lengths, count, registers, seen);
}

void clinux_sketch_numbers(const int64_t *numbers, size_t count, bool are_doubles, uint8_t *registers) {
    clinux_sketch_numbers_plainly(numbers, count, are_doubles, registers);
}

#endif
