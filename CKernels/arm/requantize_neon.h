// SPDX-License-Identifier: Apache-2.0
// The epilogue of the int8 convolutions. Included by kernel files within their target, after the
// intrinsics. Twin: rn_requantize_ref
#ifndef RN_REQUANTIZE_NEON_H
#define RN_REQUANTIZE_NEON_H

#include "../common/rn_target.h"
#include <arm_neon.h>

#pragma STDC FP_CONTRACT OFF

typedef struct requantizer {
  float32x4_t multiplier[4], low, high, residual_multiplier;
  int16x8_t residual_zero, output_zero;
} requantizer;

// The constants of the channels from oc on, read once: the stores might alias the arguments.
RN_ALWAYS_INLINE requantizer requantizer_of(const rn_conv_q8_args *a, uint32_t oc) {
  requantizer r = {.low = vdupq_n_f32(a->low),
                   .high = vdupq_n_f32(a->high),
                   .residual_multiplier = vdupq_n_f32(a->residual_multiplier),
                   .residual_zero = vdupq_n_s16((int16_t)a->residual_zero),
                   .output_zero = vdupq_n_s16((int16_t)a->output_zero)};
  RN_UNROLL for (uint32_t i = 0; i < 4; i++) r.multiplier[i] =
      vld1q_f32(a->multiplier + oc + 4 * i);
  return r;
}

// Requantizes 16 sums, biases included, and stores 16 bytes. `residual` may be null.
RN_ALWAYS_INLINE void requantize16(const requantizer *r, const int32x4_t acc[4],
                                   const uint8_t *residual, uint8_t *output) {
  int32x4_t q[4];
  int16x8_t centred[2];
  if (residual) {
    const int8x16_t bytes = vld1q_s8((const int8_t *)residual);
    centred[0] = vsubq_s16(vmovl_s8(vget_low_s8(bytes)), r->residual_zero);
    centred[1] = vsubq_s16(vmovl_high_s8(bytes), r->residual_zero);
  }
  RN_UNROLL for (uint32_t i = 0; i < 4; i++) {
    float32x4_t t = vmulq_f32(vcvtq_f32_s32(acc[i]), r->multiplier[i]);
    if (residual) {
      const int16x8_t half = centred[i / 2];
      const int32x4_t wide = i % 2 ? vmovl_high_s16(half) : vmovl_s16(vget_low_s16(half));
      t = vaddq_f32(t, vmulq_f32(vcvtq_f32_s32(wide), r->residual_multiplier));
    }
    // FMAXNM makes low of a NaN.
    t = vminnmq_f32(vmaxnmq_f32(t, r->low), r->high);
    q[i] = vcvtnq_s32_f32(t);
  }
  // Range: q is in -255...255 and with the zero in -128...127.
  const int16x8_t words[2] = {
      vaddq_s16(vuzp1q_s16(vreinterpretq_s16_s32(q[0]), vreinterpretq_s16_s32(q[1])),
                r->output_zero),
      vaddq_s16(vuzp1q_s16(vreinterpretq_s16_s32(q[2]), vreinterpretq_s16_s32(q[3])),
                r->output_zero)};
  vst1q_s8((int8_t *)output,
           vuzp1q_s8(vreinterpretq_s8_s16(words[0]), vreinterpretq_s8_s16(words[1])));
}

#endif
