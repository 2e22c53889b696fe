// SPDX-License-Identifier: Apache-2.0
// Integer Winograd convolution, AVX-VNNI, the VEX encoding of VPDPWSSD. Twin: ref/winograd_q8_ref.c
#if defined(__x86_64__)
#include "../common/rn_target.h"
#include <immintrin.h>
#include <string.h>

RN_TARGET_PUSH("avx2,avxvnni")

#define RN_DOT_PAIRS256(sums, tiles, weights) _mm256_dpwssd_avx_epi32(sums, tiles, weights)
#include "winograd_q8_256.h"

void rn_winograd_q8_avxvnni(const rn_winograd_q8_args *a, uint32_t first, uint32_t last) {
  winograd(a, first, last);
}

RN_TARGET_POP
#endif
