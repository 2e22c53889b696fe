// SPDX-License-Identifier: Apache-2.0
// Scale and offset of channels, NEON: 16 at a time, int8 as the level's convolutions have them.
// Twin: ref/scale_ref.c
#if defined(__aarch64__)
#include "../common/scale.h"
#include "zeros_neon.h"
#include <arm_neon.h>

#pragma STDC FP_CONTRACT OFF

// The arguments, which the stores cannot alias, and their constants.
typedef struct scale_q8 {
  rn_scale_q8_args args;
  float32x4_t low, high;
  int16x8_t input_zero, residual_zero, output_zero;
} scale_q8;

// 16 values less their zero, which of 16 bits leave signed words.
RN_ALWAYS_INLINE void centred16(const uint8_t *bytes, ptrdiff_t lower, int16x8_t zero,
                                float32x4_t x[4]) {
  const int8x16_t upper = vld1q_s8((const int8_t *)bytes);
  int16x8_t words[2] = {vmovl_s8(vget_low_s8(upper)), vmovl_high_s8(upper)};
  if (lower) {
    const int8x16_t below = vld1q_s8((const int8_t *)bytes + lower);
    words[0] = vreinterpretq_s16_s8(vzip1q_s8(below, upper));
    words[1] = vreinterpretq_s16_s8(vzip2q_s8(below, upper));
  }
  RN_UNROLL for (uint32_t i = 0; i < 4; i++) {
    const int16x8_t half = words[i / 2];
    x[i] = vcvtq_f32_s32(i % 2 ? vsubl_high_s16(half, zero)
                               : vsubl_s16(vget_low_s16(half), vget_low_s16(zero)));
  }
}

RN_ALWAYS_INLINE float32x4_t with_slope(float32x4_t t, const float *slope) {
  return vbslq_f32(vcltzq_f32(t), vmulq_f32(t, vld1q_f32(slope)), t);
}

RN_ALWAYS_INLINE void block_q8(const scale_q8 *s, uint32_t c, const uint8_t *input,
                               const uint8_t *residual, uint8_t *output) {
  const rn_scale_q8_args *a = &s->args;
  float32x4_t t[4], r[4];
  centred16(input, a->input_lower, s->input_zero, t);
  RN_UNROLL for (uint32_t i = 0; i < 4; i++) {
    t[i] = vmulq_f32(t[i], vld1q_f32(a->multiplier + c + 4 * i));
    t[i] = vaddq_f32(t[i], vld1q_f32(a->offset + c + 4 * i));
  }
  if (residual) {
    centred16(residual, a->residual_lower, s->residual_zero, r);
    RN_UNROLL for (uint32_t i = 0; i < 4; i++) t[i] =
        vaddq_f32(t[i], vmulq_n_f32(r[i], a->residual_multiplier));
  }
  if (a->slope)
    RN_UNROLL for (uint32_t i = 0; i < 4; i++) t[i] = with_slope(t[i], a->slope + c + 4 * i);
  // FMAXNM makes low of a NaN. Range: with the zero, q is in -128...127, of 16 bits in
  // -32768...32767; without it, its lower 16 bits will do.
  int16x8_t q[4];
  RN_UNROLL for (uint32_t i = 0; i < 4; i++) q[i] =
      vreinterpretq_s16_s32(vcvtnq_s32_f32(vminnmq_f32(vmaxnmq_f32(t[i], s->low), s->high)));
  const int8x16_t word0 = vreinterpretq_s8_s16(vaddq_s16(vuzp1q_s16(q[0], q[1]), s->output_zero));
  const int8x16_t word1 = vreinterpretq_s8_s16(vaddq_s16(vuzp1q_s16(q[2], q[3]), s->output_zero));
  int8_t *bytes = (int8_t *)output;
  if (a->output_lower)
    vst1q_s8(bytes + a->output_lower, vuzp1q_s8(word0, word1));
  vst1q_s8(bytes, a->output_lower ? vuzp2q_s8(word0, word1) : vuzp1q_s8(word0, word1));
}

RN_ALWAYS_INLINE void rows_q8(scale_q8 s, uint32_t first_row, uint32_t last_row) {
#define BLOCKS(a, c, input, residual, output, n) block_q8(&s, c, input, residual, output)
  RN_SCALE_EACH(&s.args, first_row, last_row, 1, BLOCKS)
#undef BLOCKS
}

void rn_scale_q8_neon(const rn_scale_q8_args *a, uint32_t first_row, uint32_t last_row) {
  scale_q8 s = {.args = *a,
                .low = vdupq_n_f32(a->low),
                .high = vdupq_n_f32(a->high),
                .input_zero = zeros_of(a->input_zero),
                .residual_zero = zeros_of(a->residual_zero),
                .output_zero = vdupq_n_s16((int16_t)a->output_zero)};
  // Of bytes alone, loops without the branches.
  if (a->input_lower || a->residual_lower || a->output_lower) {
    rows_q8(s, first_row, last_row);
  } else {
    s.args.input_lower = s.args.residual_lower = s.args.output_lower = 0;
    rows_q8(s, first_row, last_row);
  }
}

RN_ALWAYS_INLINE void block_f32(const rn_scale_f32_args *a, uint32_t c, const float *input,
                                const float *residual, float *output) {
  const float32x4_t low = vdupq_n_f32(a->low), high = vdupq_n_f32(a->high);
  float32x4_t t[4];
  RN_UNROLL for (uint32_t i = 0; i < 4; i++) {
    t[i] = vmulq_f32(vld1q_f32(input + 4 * i), vld1q_f32(a->multiplier + c + 4 * i));
    t[i] = vaddq_f32(t[i], vld1q_f32(a->offset + c + 4 * i));
  }
  if (residual)
    RN_UNROLL for (uint32_t i = 0; i < 4; i++) t[i] = vaddq_f32(t[i], vld1q_f32(residual + 4 * i));
  if (a->slope)
    RN_UNROLL for (uint32_t i = 0; i < 4; i++) t[i] = with_slope(t[i], a->slope + c + 4 * i);
  RN_UNROLL for (uint32_t i = 0; i < 4; i++) {
    // Comparisons: FMAXNM would make 0 of max(-0, 0) or not, by the order.
    t[i] = vbslq_f32(vcgtq_f32(t[i], low), t[i], low);
    vst1q_f32(output + 4 * i, vbslq_f32(vcltq_f32(t[i], high), t[i], high));
  }
}

void rn_scale_f32_neon(const rn_scale_f32_args *args, uint32_t first_row, uint32_t last_row) {
  const rn_scale_f32_args a = *args;
#define BLOCKS(a, c, input, residual, output, n) block_f32(a, c, input, residual, output)
  RN_SCALE_EACH(&a, first_row, last_row, 1, BLOCKS)
#undef BLOCKS
}
#endif
