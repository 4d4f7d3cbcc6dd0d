#include "clinux_search.h"

bool clinux_is_wide = false;

bool clinux_any_narrow(const uint8_t *text, size_t length, const uint8_t *sequences, size_t count, int forms) {
    if (forms == CLINUX_EITHER) return clinux_any_of(text, length, sequences, count, CLINUX_EITHER);
    if (forms == CLINUX_FOLDED) return clinux_any_of(text, length, sequences, count, CLINUX_FOLDED);
    return clinux_any_of(text, length, sequences, count, CLINUX_EXACT);
}

#if defined(__x86_64__)
#include <immintrin.h>

#define WIDE __attribute__((target("avx512f,avx512bw,avx512vl,bmi,bmi2")))

// The processors before AVX-512 VBMI2 lower their clock when registers of 512 bits are used.
__attribute__((constructor)) static void clinux_find_wide(void) {
    __builtin_cpu_init();
    clinux_is_wide = __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512vl")
        && __builtin_cpu_supports("avx512vbmi") && __builtin_cpu_supports("avx512vbmi2") && __builtin_cpu_supports("bmi2")
        && __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512cd");
}

WIDE static inline __attribute__((always_inline)) bool clinux_wide(
    const uint8_t *text, size_t length, const uint8_t *sequences, size_t count, const int forms) {
    const __mmask64 bytes = ((uint64_t)1 << length) - 1;
    // What the mask leaves out is not read.
    __m512i window = _mm512_maskz_loadu_epi8(bytes, text);
    if (forms == CLINUX_FOLDED) {
        const __mmask64 capitals = _mm512_cmplt_epu8_mask(
            _mm512_sub_epi8(window, _mm512_set1_epi8('A')), _mm512_set1_epi8(26));
        window = _mm512_mask_add_epi8(window, capitals, window, _mm512_set1_epi8(0x20));
    }
    bool any = false;
    for (size_t i = 0; i < count; i++) {
        clinux_sequence sequence;
        memcpy(&sequence, sequences, sizeof sequence);
        sequences += sizeof sequence;
        const uint8_t *literals = sequences;
        const uint8_t *const end = sequences + sequence.bytes;
        // Where the next byte may be; behind the literals found so far, each place up to the end.
        uint64_t places = ~(uint64_t)0;
        while (literals < end) {
            clinux_literal literal;
            memcpy(&literal, literals, sizeof literal);
            literals += sizeof literal;
            const uint8_t *const rest = literals + (forms == CLINUX_EITHER ? 32 : 16) * (size_t)literal.stretch;
#pragma clang loop unroll(disable)
            while (literals < rest) {
                uint64_t here = _mm512_mask_cmpeq_epi8_mask(bytes, window, _mm512_set1_epi8((char)literals[0]));
                if (forms == CLINUX_EITHER) {
                    here |= _mm512_mask_cmpeq_epi8_mask(bytes, window, _mm512_set1_epi8((char)literals[16]));
                }
                places = (places & here) << 1;
                literals += forms == CLINUX_EITHER ? 32 : 16;
            }
            if (literal.size > literal.stretch) {
                const uint64_t found = clinux_best(places >> literal.stretch, literal, rest, text, length, forms);
                // What was found ends within the text, which is shorter than the mask.
                places = literal.size < 64 ? found << literal.size : 0;
                literals += clinux_rest(literal, forms);
            }
            places |= 0 - places;
        }
        // Something is open behind the last literal, if it is only the end.
        any |= places != 0;
        sequences = end;
    }
    return any;
}

WIDE bool clinux_any_wide(const uint8_t *text, size_t length, const uint8_t *sequences, size_t count, int forms) {
    if (forms == CLINUX_EITHER) return clinux_wide(text, length, sequences, count, CLINUX_EITHER);
    if (forms == CLINUX_FOLDED) return clinux_wide(text, length, sequences, count, CLINUX_FOLDED);
    return clinux_wide(text, length, sequences, count, CLINUX_EXACT);
}

WIDE void clinux_mark_texts(
    const uint8_t *texts, const uint32_t *lengths, size_t count, const uint8_t wanted[3], uint64_t *marks) {
    const __m512i first = _mm512_set1_epi8((char)wanted[0]);
    const __m512i second = _mm512_set1_epi8((char)wanted[1]);
    const __m512i third = _mm512_set1_epi8((char)wanted[2]);
    for (size_t i = 0; i < count; i++) {
        const uint32_t length = lengths[i];
        const __mmask64 bytes = length > 64 ? 0 : _bzhi_u64(~0ULL, length);
        // What the mask leaves out is not read.
        const __m512i window = _mm512_maskz_loadu_epi8(bytes, texts);
        marks[i] = bytes
            & (_mm512_cmpeq_epi8_mask(window, first) | _mm512_cmpeq_epi8_mask(window, second)
               | _mm512_cmpeq_epi8_mask(window, third) | _mm512_movepi8_mask(window));
        texts += length;
    }
}

#else

void clinux_mark_texts(
    const uint8_t *texts, const uint32_t *lengths, size_t count, const uint8_t wanted[3], uint64_t *marks) {}

bool clinux_any_wide(const uint8_t *text, size_t length, const uint8_t *sequences, size_t count, int forms) {
    return clinux_any_narrow(text, length, sequences, count, forms);
}

#endif
