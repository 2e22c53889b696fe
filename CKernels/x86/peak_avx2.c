// SPDX-License-Identifier: Apache-2.0
// Multiply peak of AVX2: VPMADDWD, 16 products of int16, and VFMADD231PS. Twin: ref/peak_ref.c
#if defined(__x86_64__)
#include "../common/peak.h"
#include <immintrin.h>

RN_TARGET_PUSH("avx2,fma")

RN_ALWAYS_INLINE __m256 multiply_add(__m256 sum, __m256 factor) {
  return _mm256_fmadd_ps(factor, factor, sum);
}

RN_PEAK(rn_peak_q8_avx2, __m256i, __m256i, _mm256_set1_epi16(1), _mm256_madd_epi16, 12, 16)
RN_PEAK(rn_peak_f32_avx2, __m256, __m256, _mm256_set1_ps(1), multiply_add, 12, 8)

RN_TARGET_POP
#endif
