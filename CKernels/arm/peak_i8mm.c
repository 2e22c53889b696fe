// SPDX-License-Identifier: Apache-2.0
// Multiply peak of SMMLA, 32 products. Twin: ref/peak_ref.c
#if defined(__aarch64__)
#include "../common/peak.h"
#include <arm_neon.h>

RN_TARGET_PUSH("i8mm")

RN_ALWAYS_INLINE int32x4_t multiply_matrices(int32x4_t sums, int8x16_t factor) {
  return vmmlaq_s32(sums, factor, factor);
}

RN_PEAK(rn_peak_q8_i8mm, int32x4_t, int8x16_t, vdupq_n_s8(1), multiply_matrices, 16, 32)

RN_TARGET_POP
#endif
