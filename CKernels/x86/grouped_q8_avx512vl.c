// SPDX-License-Identifier: Apache-2.0
// Grouped int8 convolution, AVX-512 VNNI in 256 bits, the EVEX encoding of VPDPBUSD. Twin:n//
// ref/grouped_q8_ref.c
#if defined(__x86_64__)
#include "../common/rn_target.h"
#include <immintrin.h>

RN_TARGET_PUSH("avx2,fma,avx512f,avx512vl,avx512vnni")

#define RN_DOT256(sums, pixels, weights) _mm256_dpbusd_epi32(sums, pixels, weights)
#include "grouped_q8_dot256.h"

void rn_grouped_q8_avx512vl(const rn_grouped_q8_args *a, uint32_t first, uint32_t last) {
  grouped_q8_dot256(a, first, last);
}

RN_TARGET_POP
#endif
