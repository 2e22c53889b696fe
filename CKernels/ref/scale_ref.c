// SPDX-License-Identifier: Apache-2.0
// Scale and offset of channels: the definition of correct. A block of 16 channels is copied to
// arrays of its own and back, since the output may be an input: compilers make vectors of them.
#include "../common/scale.h"
#include <string.h>

#pragma STDC FP_CONTRACT OFF

#define EACH_CHANNEL for (uint32_t i = 0; i < RN_CHANNEL_BLOCK; i++)

// A block of values less their zero, of 16 bits if there are lower bytes.
RN_ALWAYS_INLINE void load_centred(const uint8_t *bytes, ptrdiff_t lower, int32_t zero,
                                   float x[RN_CHANNEL_BLOCK]) {
  uint8_t upper[RN_CHANNEL_BLOCK], below[RN_CHANNEL_BLOCK];
  memcpy(upper, bytes, sizeof upper);
  if (lower) {
    memcpy(below, bytes + lower, sizeof below);
    EACH_CHANNEL x[i] = (float)((upper[i] << 8 | below[i]) - zero);
  } else {
    EACH_CHANNEL x[i] = (float)(upper[i] - zero);
  }
}

RN_ALWAYS_INLINE void multiply(float t[RN_CHANNEL_BLOCK], const float *multiplier) {
  float factor[RN_CHANNEL_BLOCK];
  memcpy(factor, multiplier, sizeof factor);
  EACH_CHANNEL t[i] = t[i] * factor[i];
}

RN_ALWAYS_INLINE void add(float t[RN_CHANNEL_BLOCK], const float *terms) {
  float term[RN_CHANNEL_BLOCK];
  memcpy(term, terms, sizeof term);
  EACH_CHANNEL t[i] = t[i] + term[i];
}

RN_ALWAYS_INLINE void take_slopes(float t[RN_CHANNEL_BLOCK], const float *slope) {
  float below[RN_CHANNEL_BLOCK];
  memcpy(below, slope, sizeof below);
  EACH_CHANNEL below[i] = t[i] * below[i];
  EACH_CHANNEL t[i] = t[i] < 0 ? below[i] : t[i];
}

RN_ALWAYS_INLINE void clamp(float t[RN_CHANNEL_BLOCK], float low, float high) {
  EACH_CHANNEL t[i] = t[i] > low ? t[i] : low;
  EACH_CHANNEL t[i] = t[i] < high ? t[i] : high;
}

// The channels from c on of one pixel; `residual` may be null.
RN_ALWAYS_INLINE void block_q8(const rn_scale_q8_args *a, uint32_t c, const uint8_t *input,
                               const uint8_t *residual, uint8_t *output) {
  float t[RN_CHANNEL_BLOCK], r[RN_CHANNEL_BLOCK];
  load_centred(input, a->input_lower, a->input_zero, t);
  multiply(t, a->multiplier + c);
  add(t, a->offset + c);
  if (residual) {
    load_centred(residual, a->residual_lower, a->residual_zero, r);
    EACH_CHANNEL r[i] = r[i] * a->residual_multiplier;
    EACH_CHANNEL t[i] = t[i] + r[i];
  }
  if (a->slope)
    take_slopes(t, a->slope + c);
  clamp(t, a->low, a->high);
  // Range: -65535...65535, so that adding 1.5 * 2^23 leaves no bit for a fraction: it rounds half
  // to even.
  int32_t w[RN_CHANNEL_BLOCK];
  EACH_CHANNEL w[i] = (int32_t)((t[i] + 0x1.8p23f) - 0x1.8p23f) + a->output_zero;
  uint8_t bytes[RN_CHANNEL_BLOCK];
  if (a->output_lower) {
    EACH_CHANNEL bytes[i] = (uint8_t)w[i];
    memcpy(output + a->output_lower, bytes, sizeof bytes);
    EACH_CHANNEL w[i] = w[i] >> 8;
  }
  EACH_CHANNEL bytes[i] = (uint8_t)w[i];
  memcpy(output, bytes, sizeof bytes);
}

void rn_scale_q8_ref(const rn_scale_q8_args *args, uint32_t first_row, uint32_t last_row) {
  const rn_scale_q8_args a = *args; // a copy, which the stores cannot alias
#define BLOCKS(a, c, input, residual, output, n) block_q8(a, c, input, residual, output)
  RN_SCALE_EACH(&a, first_row, last_row, 1, BLOCKS)
#undef BLOCKS
}

RN_ALWAYS_INLINE void block_f32(const rn_scale_f32_args *a, uint32_t c, const float *input,
                                const float *residual, float *output) {
  float t[RN_CHANNEL_BLOCK];
  memcpy(t, input, sizeof t);
  multiply(t, a->multiplier + c);
  add(t, a->offset + c);
  if (residual)
    add(t, residual);
  if (a->slope)
    take_slopes(t, a->slope + c);
  clamp(t, a->low, a->high);
  memcpy(output, t, sizeof t);
}

void rn_scale_f32_ref(const rn_scale_f32_args *args, uint32_t first_row, uint32_t last_row) {
  const rn_scale_f32_args a = *args;
#define BLOCKS(a, c, input, residual, output, n) block_f32(a, c, input, residual, output)
  RN_SCALE_EACH(&a, first_row, last_row, 1, BLOCKS)
#undef BLOCKS
}
