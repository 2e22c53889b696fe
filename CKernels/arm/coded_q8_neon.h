// SPDX-License-Identifier: Apache-2.0
// What the coded convolutions of ARM share: the transforms with coding, and the output's transform
// with the epilogue. Included by each kernel file within its target, after it has defined
// RN_MAX_TILES and multiply_tiles(product, tiles).
#ifndef RN_CODED_Q8_NEON_H
#define RN_CODED_Q8_NEON_H

#include "../common/rn_target.h"
#include <arm_neon.h>
#include <string.h>

#pragma STDC FP_CONTRACT OFF

typedef int16x8_t value;
typedef int8x16_t bytes;
typedef int16x8_t steps;

typedef struct halves {
  value low, high;
} halves;

typedef struct coder {
  const int16_t *step;
  value zero;
} coder;

RN_ALWAYS_INLINE coder make_coder(const rn_coded_q8_args *a, const rn_coded_shape shape) {
  (void)shape;
  return (coder){a->step, vdupq_n_s16((int16_t)a->zero)};
}

RN_ALWAYS_INLINE steps steps_of(const coder *c, uint32_t row, uint32_t columns) {
  (void)columns;
  return vld1q_s16(c->step + 8 * row);
}

RN_ALWAYS_INLINE bytes load_bytes(const uint8_t *from) { return vld1q_s8((const int8_t *)from); }

// Kept, or the compiler sums in another order and shares less.
RN_ALWAYS_INLINE halves total(bytes a, bytes b) {
  halves x = {vaddl_s8(vget_low_s8(a), vget_low_s8(b)), vaddl_high_s8(a, b)};
  __asm__("" : "+w"(x.low), "+w"(x.high));
  return x;
}

RN_ALWAYS_INLINE halves difference(bytes a, bytes b) {
  halves x = {vsubl_s8(vget_low_s8(a), vget_low_s8(b)), vsubl_high_s8(a, b)};
  __asm__("" : "+w"(x.low), "+w"(x.high));
  return x;
}

RN_ALWAYS_INLINE void store_codes(const coder *c, value low, value high, steps s,
                                  const uint32_t column, const int is_zero_tap, uint8_t *to) {
#define RN_SCALED(i)                                                                               \
  case i:                                                                                          \
    low = vqrdmulhq_laneq_s16(low, s, i);                                                          \
    high = vqrdmulhq_laneq_s16(high, s, i);                                                        \
    break;
  switch (column) {
    RN_SCALED(0)
    RN_SCALED(1)
    RN_SCALED(2)
    RN_SCALED(3)
    RN_SCALED(4)
    RN_SCALED(5)
    RN_SCALED(6)
  }
#undef RN_SCALED
  if (is_zero_tap) {
    low = vqaddq_s16(low, c->zero);
    high = vqaddq_s16(high, c->zero);
  }
  vst1q_s8((int8_t *)to, vqmovn_high_s16(vqmovn_s16(low), high));
}

typedef uint32x4_t sum;
RN_ALWAYS_INLINE sum load_sum(const int32_t *from) {
  return vreinterpretq_u32_s32(vld1q_s32(from));
}
#include "../winograd/coded_output.h"

// Constants of the epilogue, and a copy of the arguments, which the stores cannot alias.
typedef struct epilogue {
  rn_conv_q8_args conv;
  float32x4_t low, high, residual_multiplier;
  int16x8_t residual_zero, output_zero;
} epilogue;

RN_ALWAYS_INLINE epilogue epilogue_of(const rn_conv_q8_args *a) {
  return (epilogue){*a,
                    vdupq_n_f32(a->low),
                    vdupq_n_f32(a->high),
                    vdupq_n_f32(a->residual_multiplier),
                    vdupq_n_s16((int16_t)a->residual_zero),
                    vdupq_n_s16((int16_t)a->output_zero)};
}

// The epilogue of 4 channels of four pixels: 4 bytes of each.
RN_ALWAYS_INLINE int8x16_t requantized(const epilogue *e, const sum acc[4], float32x4_t multiplier,
                                       const int8_t *residual) {
  int32x4_t q[4];
  int16x8_t centred[2];
  if (residual) {
    const int8x16_t four = vld1q_s8(residual);
    centred[0] = vsubq_s16(vmovl_s8(vget_low_s8(four)), e->residual_zero);
    centred[1] = vsubq_s16(vmovl_high_s8(four), e->residual_zero);
  }
  RN_UNROLL for (uint32_t i = 0; i < 4; i++) {
    float32x4_t t = vmulq_f32(vcvtq_f32_s32(vreinterpretq_s32_u32(acc[i])), multiplier);
    if (residual) {
      const int16x8_t half = centred[i / 2];
      const int32x4_t wide = i % 2 ? vmovl_high_s16(half) : vmovl_s16(vget_low_s16(half));
      t = vaddq_f32(t, vmulq_f32(vcvtq_f32_s32(wide), e->residual_multiplier));
    }
    // FMAXNM makes low of a NaN.
    t = vminnmq_f32(vmaxnmq_f32(t, e->low), e->high);
    q[i] = vcvtnq_s32_f32(t);
  }
  // Range: q is in -255...255 and with the zero in -128...127.
  const int16x8_t words[2] = {
      vaddq_s16(vuzp1q_s16(vreinterpretq_s16_s32(q[0]), vreinterpretq_s16_s32(q[1])),
                e->output_zero),
      vaddq_s16(vuzp1q_s16(vreinterpretq_s16_s32(q[2]), vreinterpretq_s16_s32(q[3])),
                e->output_zero)};
  return vuzp1q_s8(vreinterpretq_s8_s16(words[0]), vreinterpretq_s8_s16(words[1]));
}

// Four pixels at a time, between [pixel][16 channels] in memory and [quarter][pixel][4 channels].
RN_ALWAYS_INLINE void load_pixels(const int8_t *const from[4], int8_t *to) {
  const int32x4x4_t four = {
      {vreinterpretq_s32_s8(vld1q_s8(from[0])), vreinterpretq_s32_s8(vld1q_s8(from[1])),
       vreinterpretq_s32_s8(vld1q_s8(from[2])), vreinterpretq_s32_s8(vld1q_s8(from[3]))}};
  vst4q_s32((int32_t *)(void *)to, four);
}

RN_ALWAYS_INLINE void store_pixels(const int8_t *from, int8_t *const to[4]) {
  const int32x4x4_t four = vld4q_s32((const int32_t *)(const void *)from);
  RN_UNROLL for (uint32_t i = 0; i < 4; i++) vst1q_s8(to[i], vreinterpretq_s8_s32(four.val[i]));
}

// A tile; is_whole tells that all of its pixels are in the image.
RN_ALWAYS_INLINE void store_part(const epilogue *e, const int32_t *m, uint32_t y, uint32_t x,
                                 uint32_t oc, const rn_coded_form form, const int has_residual,
                                 const int is_whole) {
  const rn_conv_q8_args *a = &e->conv;
  const rn_conv_geometry *g = &a->geometry;
  const uint32_t width = form == RN_CODED_F2X2 ? 2 : 4, fours = width * width / 4;
  const uint32_t rows = g->output_height - y, columns = g->output_width - x;
  int8_t out[4][64] __attribute__((aligned(16))), in[4][64] __attribute__((aligned(16)));
  int8_t beyond[16];
  int8_t *to[16];
  const int8_t *from[16];
  int8_t *output = (int8_t *)a->output + y * g->output_row + x * g->output_pixel + oc;
  const int8_t *residual = 0;
  if (has_residual)
    residual = (const int8_t *)a->residual + y * g->residual_row + x * g->output_pixel + oc;
  RN_UNROLL for (uint32_t i = 0; i < width; i++) RN_UNROLL for (uint32_t j = 0; j < width; j++) {
    const int is_inside = is_whole || (i < rows && j < columns);
    to[i * width + j] = is_inside ? output + i * g->output_row + j * g->output_pixel : beyond;
    if (has_residual)
      from[i * width + j] =
          is_inside ? residual + i * g->residual_row + j * g->output_pixel : residual;
  }
  if (has_residual)
    RN_UNROLL for (uint32_t i = 0; i < fours; i++) load_pixels(from + 4 * i, in[i]);
  const float *multiplier = a->multiplier + oc;
  RN_OPAQUE(multiplier);
  for (uint32_t quarter = 0; quarter < 4; quarter++) {
    sum acc[16];
    if (form == RN_CODED_F2X2)
      transform_output_2(m + 4 * quarter, acc);
    else
      transform_output_sfc4(m + 4 * quarter, acc);
    const float32x4_t factor = vld1q_f32(multiplier + 4 * quarter);
    RN_UNROLL for (uint32_t i = 0; i < fours; i++) {
      vst1q_s8(out[i] + 16 * quarter,
               requantized(e, acc + 4 * i, factor, has_residual ? in[i] + 16 * quarter : 0));
      __asm__ volatile("" ::: "memory");
    }
  }
  RN_UNROLL for (uint32_t i = 0; i < fours; i++) store_pixels(out[i], to + 4 * i);
}

RN_ALWAYS_INLINE void store_tile(const epilogue *e, const int32_t *m, uint32_t y, uint32_t x,
                                 uint32_t oc, uint32_t channels, const rn_coded_form form) {
  (void)channels;
  const rn_conv_geometry *g = &e->conv.geometry;
  const uint32_t width = form == RN_CODED_F2X2 ? 2 : 4;
  const int is_whole = g->output_height - y >= width && g->output_width - x >= width;
  if (e->conv.residual && is_whole)
    store_part(e, m, y, x, oc, form, 1, 1);
  else if (e->conv.residual)
    store_part(e, m, y, x, oc, form, 1, 0);
  else if (is_whole)
    store_part(e, m, y, x, oc, form, 0, 1);
  else
    store_part(e, m, y, x, oc, form, 0, 0);
}

#include "../winograd/coded_q8.h"

#endif
