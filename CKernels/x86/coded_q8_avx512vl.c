// SPDX-License-Identifier: Apache-2.0
// Coded convolution, AVX-512 VNNI in 256 bits, the EVEX encoding of VPDPBUSD. Twin:
// ref/coded_q8_ref.c
#if defined(__x86_64__)
#include "../common/rn_target.h"
#include <immintrin.h>
#include <string.h>

RN_TARGET_PUSH("avx2,avx512f,avx512vl,avx512vnni")

#define RN_DOT256(sums, codes, weights) _mm256_dpbusd_epi32(sums, codes, weights)
#include "coded_q8_dot256.h"

void rn_coded_q8_avx512vl(const rn_coded_q8_args *a, uint32_t first, uint32_t last) {
  coded(a, first, last);
}

RN_TARGET_POP
#endif
