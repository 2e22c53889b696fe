// SPDX-License-Identifier: Apache-2.0
// Multiply peak of Armv8.0: SMLAL, 8 products of int8, and FMLA. Twin: ref/peak_ref.c
#if defined(__aarch64__)
#include "../common/peak.h"
#include <arm_neon.h>

RN_ALWAYS_INLINE int16x8_t multiply_int8(int16x8_t sums, int8x8_t factor) {
  return vmlal_s8(sums, factor, factor);
}

RN_ALWAYS_INLINE float32x4_t multiply_add(float32x4_t sums, float32x4_t factor) {
  return vfmaq_f32(sums, factor, factor);
}

RN_PEAK(rn_peak_q8_neon, int16x8_t, int8x8_t, vdup_n_s8(1), multiply_int8, 16, 8)
RN_PEAK(rn_peak_f32_neon, float32x4_t, float32x4_t, vdupq_n_f32(1), multiply_add, 16, 4)
#endif
