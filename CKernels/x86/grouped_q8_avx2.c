// SPDX-License-Identifier: Apache-2.0
// Grouped int8 convolution, AVX2 without a dot-product instruction. Twin: ref/grouped_q8_ref.c
#if defined(__x86_64__)
#include "../common/rn_target.h"
#include <immintrin.h>

RN_TARGET_PUSH("avx2")
#include "madd_avx2.h"

RN_ALWAYS_INLINE __m256i widened_input(const uint8_t *bytes, uint32_t i) {
  (void)i;
  return _mm256_cvtepu8_epi16(_mm_loadu_si128((const __m128i *)bytes));
}

// Vector L of parts has, of groups of 4, two sums of each of the channels 4j + L; of groups of 8
// vector 4i + L has four of the channels 4i + L and 8 + 4i + L.
RN_ALWAYS_INLINE void store_parts(const rn_conv_q8_args *a, const __m256i *parts, uint32_t oc,
                                  const uint32_t group, const uint8_t *residual, uint8_t *output) {
  // Channels 0-3 8-11 and 4-7 12-15.
  __m256i sums[2];
  if (group == 4) {
    const __m256i even = _mm256_hadd_epi32(parts[0], parts[2]); // 0 4 2 6 | 8 12 10 14
    const __m256i odd = _mm256_hadd_epi32(parts[1], parts[3]);
    const __m256i low = _mm256_unpacklo_epi32(even, odd), high = _mm256_unpackhi_epi32(even, odd);
    sums[0] = _mm256_unpacklo_epi64(low, high);
    sums[1] = _mm256_unpackhi_epi64(low, high);
  } else {
    RN_UNROLL for (uint32_t i = 0; i < 2; i++) sums[i] =
        _mm256_hadd_epi32(_mm256_hadd_epi32(parts[4 * i], parts[4 * i + 1]),
                          _mm256_hadd_epi32(parts[4 * i + 2], parts[4 * i + 3]));
  }
  RN_UNROLL for (uint32_t i = 0; i < 2; i++) {
    const __m256i sum = i == 0 ? _mm256_permute2x128_si256(sums[0], sums[1], 0x20)
                               : _mm256_permute2x128_si256(sums[0], sums[1], 0x31);
    const __m256i bias = _mm256_load_si256((const __m256i *)(a->bias + oc + 8 * i));
    requantize8(a, _mm256_add_epi32(sum, bias), oc + 8 * i, residual ? residual + 8 * i : 0,
                output + 8 * i);
  }
}

#include "grouped_q8_madd.h"

void rn_grouped_q8_avx2(const rn_grouped_q8_args *a, uint32_t first, uint32_t last) {
  grouped_q8_madd(a, first, last);
}

RN_TARGET_POP
#endif
