// SPDX-License-Identifier: Apache-2.0
// What conv_q8_madd.h and grouped_q8_madd.h ask for, of SSE4.2. Included by kernel files within
// their target.
#ifndef RN_MADD_SSE42_H
#define RN_MADD_SSE42_H

#include "../common/rn_target.h"
#include <smmintrin.h>
#include <string.h>

#include "requantize_sse42.h"

enum { channels = 4 };
typedef __m128i vector;
typedef int32_t sums __attribute__((vector_size(16)));

RN_ALWAYS_INLINE __m128i widened_pixel(const uint8_t *bytes) {
  int32_t four;
  memcpy(&four, bytes, 4);
  const __m128i words = _mm_cvtepu8_epi16(_mm_cvtsi32_si128(four));
  return _mm_unpacklo_epi64(words, words);
}

RN_ALWAYS_INLINE __m128i widened_weights(const int8_t *weights) {
  return _mm_cvtepi8_epi16(_mm_loadl_epi64((const __m128i *)weights));
}

RN_ALWAYS_INLINE sums products(__m128i pixel, __m128i weights) {
  return (sums)_mm_madd_epi16(pixel, weights);
}

RN_ALWAYS_INLINE void store(const rn_conv_q8_args *a, __m128i low2, __m128i high2, uint32_t oc,
                            const uint8_t *residual, uint8_t *output) {
  const __m128i acc =
      _mm_add_epi32(_mm_hadd_epi32(low2, high2), _mm_load_si128((const __m128i *)(a->bias + oc)));
  requantize4(a, acc, oc, residual, output);
}

#endif
