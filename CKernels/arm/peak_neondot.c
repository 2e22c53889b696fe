// SPDX-License-Identifier: Apache-2.0
// Multiply peak of SDOT, 16 products. Twin: ref/peak_ref.c
#if defined(__aarch64__)
#include "../common/peak.h"
#include <arm_neon.h>

RN_TARGET_PUSH("dotprod")

RN_ALWAYS_INLINE int32x4_t dot(int32x4_t sums, int8x16_t factor) {
  return vdotq_s32(sums, factor, factor);
}

RN_PEAK(rn_peak_q8_neondot, int32x4_t, int8x16_t, vdupq_n_s8(1), dot, 16, 16)

RN_TARGET_POP
#endif
