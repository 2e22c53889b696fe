// SPDX-License-Identifier: Apache-2.0
// Integer Winograd convolution, AVX-512 VNNI in 256 bits, the EVEX encoding of VPDPWSSD. Twin:
// ref/winograd_q8_ref.c
#if defined(__x86_64__)
#include "../common/rn_target.h"
#include <immintrin.h>
#include <string.h>

RN_TARGET_PUSH("avx2,avx512f,avx512vl,avx512vnni")

#define RN_DOT_PAIRS256(sums, tiles, weights) _mm256_dpwssd_epi32(sums, tiles, weights)
#include "winograd_q8_256.h"

void rn_winograd_q8_avx512vl(const rn_winograd_q8_args *a, uint32_t first, uint32_t last) {
  winograd(a, first, last);
}

RN_TARGET_POP
#endif
