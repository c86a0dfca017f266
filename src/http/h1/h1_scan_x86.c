/* SPDX-License-Identifier: Apache-2.0 */
/* The scanners for x86-64: AVX2 and SSE4.2. A byte is a token character when the table of its low half and that of its
 * high half have a bit in common: each bit of the first stands for one high half, and the second names that bit. */
#include <immintrin.h>

#include "http/h1/h1_scan_window.h"

#define TOKEN_BY_LOW_HALF                                                                                          \
        (char) 0xe8, (char) 0xfc, (char) 0xf8, (char) 0xfc, (char) 0xfc, (char) 0xfc, (char) 0xfc, (char) 0xfc,    \
                        (char) 0xf8, (char) 0xf8, (char) 0xf4, (char) 0x54, (char) 0xd0, (char) 0x54, (char) 0xf4, \
                        (char) 0x70
/* The upper eight: bytes outside of ASCII are in no token. */
#define BIT_OF_HIGH_HALF 0x01, 0x02, 0x04, 0x08, 0x10, 0x20, 0x40, (char) 0x80, 0, 0, 0, 0, 0, 0, 0, 0

__attribute__((target("avx2"))) static inline void half_avx2(const char *data, uint32_t *ret_control,
                                                             uint32_t *ret_separator) {
        const __m256i by_low = _mm256_setr_epi8(TOKEN_BY_LOW_HALF, TOKEN_BY_LOW_HALF);
        const __m256i of_high = _mm256_setr_epi8(BIT_OF_HIGH_HALF, BIT_OF_HIGH_HALF);
        const __m256i half = _mm256_set1_epi8(0x0f);

        __m256i bytes = _mm256_loadu_si256((const __m256i *) data);
        __m256i low = _mm256_shuffle_epi8(by_low, _mm256_and_si256(bytes, half));
        __m256i high = _mm256_shuffle_epi8(of_high, _mm256_and_si256(_mm256_srli_epi16(bytes, 4), half));
        __m256i separator = _mm256_cmpeq_epi8(_mm256_and_si256(low, high), _mm256_setzero_si256());
        __m256i c0 = _mm256_cmpeq_epi8(_mm256_min_epu8(bytes, _mm256_set1_epi8(0x1f)), bytes);
        __m256i del = _mm256_cmpeq_epi8(bytes, _mm256_set1_epi8(0x7f));
        *ret_control = (uint32_t) _mm256_movemask_epi8(_mm256_or_si256(c0, del));
        *ret_separator = (uint32_t) _mm256_movemask_epi8(separator);
}

__attribute__((target("avx2"))) static inline void block_avx2(const char *data, uint64_t *ret_control,
                                                              uint64_t *ret_separator) {
        uint32_t control[2], separator[2];
        half_avx2(data, &control[0], &separator[0]);
        half_avx2(data + 32, &control[1], &separator[1]);
        *ret_control = control[0] | (uint64_t) control[1] << 32;
        *ret_separator = separator[0] | (uint64_t) separator[1] << 32;
}

__attribute__((target("avx2"))) static void classify_avx2(const char *data, size_t length, struct h1_masks *ret_masks) {
        h1_scan_window(data, length, ret_masks, block_avx2);
}

__attribute__((target("sse4.2"))) static inline void quarter_sse42(const char *data, uint32_t *ret_control,
                                                                   uint32_t *ret_separator) {
        const __m128i by_low = _mm_setr_epi8(TOKEN_BY_LOW_HALF);
        const __m128i of_high = _mm_setr_epi8(BIT_OF_HIGH_HALF);
        const __m128i half = _mm_set1_epi8(0x0f);

        __m128i bytes = _mm_loadu_si128((const __m128i *) data);
        __m128i low = _mm_shuffle_epi8(by_low, _mm_and_si128(bytes, half));
        __m128i high = _mm_shuffle_epi8(of_high, _mm_and_si128(_mm_srli_epi16(bytes, 4), half));
        __m128i separator = _mm_cmpeq_epi8(_mm_and_si128(low, high), _mm_setzero_si128());
        __m128i c0 = _mm_cmpeq_epi8(_mm_min_epu8(bytes, _mm_set1_epi8(0x1f)), bytes);
        __m128i del = _mm_cmpeq_epi8(bytes, _mm_set1_epi8(0x7f));
        *ret_control = (uint32_t) _mm_movemask_epi8(_mm_or_si128(c0, del));
        *ret_separator = (uint32_t) _mm_movemask_epi8(separator);
}

__attribute__((target("sse4.2"))) static inline void block_sse42(const char *data, uint64_t *ret_control,
                                                                 uint64_t *ret_separator) {
        uint64_t all_control = 0, all_separator = 0;
        for (unsigned i = 0; i < 64; i += 16) {
                uint32_t control, separator;
                quarter_sse42(data + i, &control, &separator);
                all_control |= (uint64_t) control << i;
                all_separator |= (uint64_t) separator << i;
        }
        *ret_control = all_control;
        *ret_separator = all_separator;
}

__attribute__((target("sse4.2"))) static void classify_sse42(const char *data, size_t length,
                                                             struct h1_masks *ret_masks) {
        h1_scan_window(data, length, ret_masks, block_sse42);
}

static const struct h1_scanner scanner_avx2 = { "avx2", classify_avx2 };
static const struct h1_scanner scanner_sse42 = { "sse4.2", classify_sse42 };

size_t h1_scanners(const struct h1_scanner *ret_scanners[3]) {
        size_t count = 0;
        if (__builtin_cpu_supports("avx2"))
                ret_scanners[count++] = &scanner_avx2;
        if (__builtin_cpu_supports("sse4.2"))
                ret_scanners[count++] = &scanner_sse42;
        ret_scanners[count++] = &h1_scanner_portable;
        return count;
}

const struct h1_scanner *h1_scanner_best(void) {
        if (__builtin_cpu_supports("avx2"))
                return &scanner_avx2;
        return __builtin_cpu_supports("sse4.2") ? &scanner_sse42 : &h1_scanner_portable;
}
