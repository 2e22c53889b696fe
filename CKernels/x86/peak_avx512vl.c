// SPDX-License-Identifier: Apache-2.0
// Multiply peak of AVX-512 VNNI in 256 bits, the EVEX encoding of VPDPBUSD. Twin: ref/peak_ref.c
#if defined(__x86_64__)
#include "../common/peak.h"
#include <immintrin.h>

RN_TARGET_PUSH("avx2,fma,avx512f,avx512vl,avx512vnni")

RN_ALWAYS_INLINE __m256i dot(__m256i sums, __m256i factor) {
  return _mm256_dpbusd_epi32(sums, factor, factor);
}

RN_PEAK(rn_peak_q8_avx512vl, __m256i, __m256i, _mm256_set1_epi8(1), dot, 12, 32)

RN_TARGET_POP
#endif
