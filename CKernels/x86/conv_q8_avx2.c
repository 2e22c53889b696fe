// SPDX-License-Identifier: Apache-2.0
// int8 convolution, AVX2 without a dot-product instruction: tiles of 6 output pixels x 8 output
// channels. Twin: ref/conv_q8_ref.c
#if defined(__x86_64__)
#include "../common/rn_target.h"
#include <immintrin.h>

RN_TARGET_PUSH("avx2")
#include "madd_avx2.h"

#include "conv_q8_madd.h"

void rn_conv_q8_avx2(const rn_conv_q8_args *a, uint32_t first, uint32_t last) {
  conv_q8_madd(a, first, last);
}

RN_TARGET_POP
#endif
