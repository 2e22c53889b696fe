// SPDX-License-Identifier: Apache-2.0
// What conv_q8_madd.h and grouped_q8_madd.h ask for, of AVX2. Included by kernel files within their
// target.
#ifndef RN_MADD_AVX2_H
#define RN_MADD_AVX2_H

#include "../common/rn_target.h"
#include <immintrin.h>
#include <string.h>

#include "requantize_avx2.h"

enum { channels = 8 };
typedef __m256i vector;
typedef int32_t sums __attribute__((vector_size(32)));

RN_ALWAYS_INLINE __m256i widened_pixel(const uint8_t *bytes) {
  int32_t four;
  memcpy(&four, bytes, 4);
  return _mm256_cvtepu8_epi16(_mm_set1_epi32(four));
}

RN_ALWAYS_INLINE __m256i widened_weights(const int8_t *weights) {
  return _mm256_cvtepi8_epi16(_mm_load_si128((const __m128i *)weights));
}

RN_ALWAYS_INLINE sums products(__m256i pixel, __m256i weights) {
  return (sums)_mm256_madd_epi16(pixel, weights);
}

RN_ALWAYS_INLINE void store(const rn_conv_q8_args *a, __m256i low4, __m256i high4, uint32_t oc,
                            const uint8_t *residual, uint8_t *output) {
  // Adding neighbours leaves channels 0 1 4 5 | 2 3 6 7.
  const __m256i sum = _mm256_permute4x64_epi64(_mm256_hadd_epi32(low4, high4), 0xD8);
  const __m256i acc = _mm256_add_epi32(sum, _mm256_load_si256((const __m256i *)(a->bias + oc)));
  requantize8(a, acc, oc, residual, output);
}

#endif
