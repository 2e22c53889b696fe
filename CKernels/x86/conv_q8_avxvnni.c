// SPDX-License-Identifier: Apache-2.0
// int8 convolution, AVX-VNNI, the VEX encoding of VPDPBUSD. Twin: ref/conv_q8_ref.c
#if defined(__x86_64__)
#include "../dispatch/rn_target.h"
#include <immintrin.h>

RN_TARGET_PUSH("avx2,fma,avxvnni")

#define RN_DOT256(sums, pixels, weights) _mm256_dpbusd_avx_epi32(sums, pixels, weights)
#include "conv_q8_dot256.h"

static void rn_conv_q8_direct_avxvnni(const rn_conv_q8_args *a, uint32_t first, uint32_t last) {
  conv_q8_dot256(a, first, last);
}

RN_TARGET_POP

void rn_kernels_init_avxvnni(rn_kernels *kernels) { kernels->conv_q8 = rn_conv_q8_direct_avxvnni; }
#endif
