// SPDX-License-Identifier: Apache-2.0
// int8 convolution, SSE4.2, for boards whose CPU has no AVX: tiles of 6 output pixels x 4 output
// channels. Twin: ref/conv_q8_ref.c
#if defined(__x86_64__)
#include "../common/rn_target.h"
#include <smmintrin.h>

RN_TARGET_PUSH("sse4.1")
#include "madd_sse42.h"

#include "conv_q8_madd.h"

void rn_conv_q8_sse42(const rn_conv_q8_args *a, uint32_t first, uint32_t last) {
  conv_q8_madd(a, first, last);
}

RN_TARGET_POP
#endif
