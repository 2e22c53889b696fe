// SPDX-License-Identifier: Apache-2.0
// Multiply peak of AVX-512 VNNI: VPDPBUSD and VFMADD231PS. Twin: ref/peak_ref.c
#if defined(__x86_64__)
#include "../common/peak.h"
#include <immintrin.h>

RN_TARGET_PUSH("avx512f,avx512bw,avx512vl,avx512vnni")

RN_ALWAYS_INLINE __m512i dot(__m512i sums, __m512i factor) {
  return _mm512_dpbusd_epi32(sums, factor, factor);
}

RN_ALWAYS_INLINE __m512 multiply_add(__m512 sum, __m512 factor) {
  return _mm512_fmadd_ps(factor, factor, sum);
}

RN_PEAK(rn_peak_q8_avx512vnni, __m512i, __m512i, _mm512_set1_epi8(1), dot, 24, 64)
RN_PEAK(rn_peak_f32_avx512vnni, __m512, __m512, _mm512_set1_ps(1), multiply_add, 24, 16)

RN_TARGET_POP
#endif
