// SPDX-License-Identifier: Apache-2.0
// Coded convolution, AVX-VNNI, the VEX encoding of VPDPBUSD. Twin: ref/coded_q8_ref.c
#if defined(__x86_64__)
#include "../common/rn_target.h"
#include <immintrin.h>
#include <string.h>

RN_TARGET_PUSH("avx2,avxvnni")

#define RN_DOT256(sums, codes, weights) _mm256_dpbusd_avx_epi32(sums, codes, weights)
#include "coded_q8_dot256.h"

void rn_coded_q8_avxvnni(const rn_coded_q8_args *a, uint32_t first, uint32_t last) {
  coded(a, first, last);
}

RN_TARGET_POP
#endif
