// SPDX-License-Identifier: Apache-2.0
// Scale and offset of channels: the definition of correct. A block of 16 channels goes through
// arrays of its own, of which compilers make vectors, since the output may be an input.
#include "../common/scale.h"

#pragma STDC FP_CONTRACT OFF

// A block of channels as integers, of 16 bits if there are lower bytes.
RN_ALWAYS_INLINE void load(const uint8_t *bytes, ptrdiff_t lower, int32_t x[RN_CHANNEL_BLOCK]) {
  if (lower) {
    for (uint32_t i = 0; i < RN_CHANNEL_BLOCK; i++)
      x[i] = bytes[i] << 8 | bytes[lower + (ptrdiff_t)i];
  } else {
    for (uint32_t i = 0; i < RN_CHANNEL_BLOCK; i++)
      x[i] = bytes[i];
  }
}

RN_ALWAYS_INLINE void take_slopes(const float *slope, float t[RN_CHANNEL_BLOCK]) {
  for (uint32_t i = 0; i < RN_CHANNEL_BLOCK; i++) {
    const float below = t[i] * slope[i];
    t[i] = t[i] < 0 ? below : t[i];
  }
}

RN_ALWAYS_INLINE void clamp(float low, float high, float t[RN_CHANNEL_BLOCK]) {
  for (uint32_t i = 0; i < RN_CHANNEL_BLOCK; i++) {
    t[i] = t[i] > low ? t[i] : low;
    t[i] = t[i] < high ? t[i] : high;
  }
}

// The channels from c on of one pixel; `residual` may be null.
RN_ALWAYS_INLINE void blocks_q8(const rn_scale_q8_args *a, uint32_t c, const uint8_t *input,
                                const uint8_t *residual, uint8_t *output, uint32_t blocks) {
  (void)blocks;
  int32_t x[RN_CHANNEL_BLOCK];
  float t[RN_CHANNEL_BLOCK];
  load(input, a->input_lower, x);
  for (uint32_t i = 0; i < RN_CHANNEL_BLOCK; i++) {
    t[i] = (float)(x[i] - a->input_zero) * a->multiplier[c + i];
    t[i] = t[i] + a->offset[c + i];
  }
  if (residual) {
    load(residual, a->residual_lower, x);
    for (uint32_t i = 0; i < RN_CHANNEL_BLOCK; i++)
      t[i] = t[i] + (float)(x[i] - a->residual_zero) * a->residual_multiplier;
  }
  if (a->slope)
    take_slopes(a->slope + c, t);
  clamp(a->low, a->high, t);
  // Range: -65535...65535, so that adding 1.5 * 2^23 leaves no bit for a fraction: it rounds half
  // to even.
  for (uint32_t i = 0; i < RN_CHANNEL_BLOCK; i++)
    x[i] = (int32_t)((t[i] + 0x1.8p23f) - 0x1.8p23f) + a->output_zero;
  const ptrdiff_t lower = a->output_lower;
  for (uint32_t i = 0; lower && i < RN_CHANNEL_BLOCK; i++)
    output[lower + (ptrdiff_t)i] = (uint8_t)x[i];
  for (uint32_t i = 0; i < RN_CHANNEL_BLOCK; i++)
    output[i] = (uint8_t)(lower ? x[i] >> 8 : x[i]);
}

void rn_scale_q8_ref(const rn_scale_q8_args *args, uint32_t first_row, uint32_t last_row) {
  const rn_scale_q8_args a = *args; // a copy, which the stores cannot alias
  RN_SCALE_EACH(&a, first_row, last_row, 1, blocks_q8)
}

RN_ALWAYS_INLINE void blocks_f32(const rn_scale_f32_args *a, uint32_t c, const float *input,
                                 const float *residual, float *output, uint32_t blocks) {
  (void)blocks;
  float t[RN_CHANNEL_BLOCK];
  for (uint32_t i = 0; i < RN_CHANNEL_BLOCK; i++) {
    t[i] = input[i] * a->multiplier[c + i];
    t[i] = t[i] + a->offset[c + i];
  }
  for (uint32_t i = 0; residual && i < RN_CHANNEL_BLOCK; i++)
    t[i] = t[i] + residual[i];
  if (a->slope)
    take_slopes(a->slope + c, t);
  clamp(a->low, a->high, t);
  for (uint32_t i = 0; i < RN_CHANNEL_BLOCK; i++)
    output[i] = t[i];
}

void rn_scale_f32_ref(const rn_scale_f32_args *args, uint32_t first_row, uint32_t last_row) {
  const rn_scale_f32_args a = *args;
  RN_SCALE_EACH(&a, first_row, last_row, 1, blocks_f32)
}
