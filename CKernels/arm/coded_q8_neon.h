// SPDX-License-Identifier: Apache-2.0
// What the coded convolutions of ARM share: the transforms with coding, and the output's transform
// with the epilogue. Included by each kernel file within its target, after it has defined
// RN_MAX_TILES and multiply_tiles(product, tiles).
#ifndef RN_CODED_Q8_NEON_H
#define RN_CODED_Q8_NEON_H

#include "requantize_neon.h"
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

// Bytes of 16 channels of a tile.
enum { plane = 256 };

#include "../winograd/epilogue_q8.h"

// The epilogue of 4 channels of four pixels, to words. `residual` has [pixel][4 channels] of its
// bytes and, at the distance of a tile, of its lower ones.
RN_ALWAYS_INLINE void requantized(const epilogue *e, const sum acc[4], float32x4_t multiplier,
                                  const int8_t *residual, int16x8_t words[2]) {
  const float32x4_t factor[4] = {multiplier, multiplier, multiplier, multiplier};
  int32x4_t sums[4];
  RN_UNROLL for (uint32_t i = 0; i < 4; i++) sums[i] = vreinterpretq_s32_u32(acc[i]);
  int16x8_t from[2];
  if (residual) {
    const int8x16_t upper = vld1q_s8(residual);
    if (e->conv.residual_lower)
      residual_words(upper, vld1q_s8(residual + plane), 1, from);
    else
      residual_words(upper, upper, 0, from);
  }
  const requantization *r = &e->requantization;
  requantized_words(factor, r->low, r->high, r->residual_multiplier, r->residual_zero,
                    r->output_zero, sums, residual ? from : 0, words);
}

// Four pixels at a time, between [pixel][16 channels] in memory and [quarter][pixel][4 channels].
RN_ALWAYS_INLINE void load_pixels(const uint8_t *const from[4], ptrdiff_t offset, int8_t *to) {
  int32x4x4_t four;
  RN_UNROLL for (uint32_t i = 0; i < 4; i++) four.val[i] =
      vreinterpretq_s32_u8(vld1q_u8(from[i] + offset));
  vst4q_s32((int32_t *)(void *)to, four);
}

// Of a pixel beyond the image, `to` is null.
RN_ALWAYS_INLINE void store_pixels(const int8_t *from, uint8_t *const to[4], ptrdiff_t offset,
                                   const int is_whole) {
  const int32x4x4_t four = vld4q_s32((const int32_t *)(const void *)from);
  RN_UNROLL for (uint32_t i = 0; i < 4; i++) {
    if (is_whole || to[i])
      vst1q_u8(to[i] + offset, vreinterpretq_u8_s32(four.val[i]));
  }
}

// A tile; is_whole tells that all of its pixels are in the image.
RN_ALWAYS_INLINE void store_part(const epilogue *e, const int32_t *m, uint32_t y, uint32_t x,
                                 uint32_t oc, const rn_coded_form form, const int has_residual,
                                 const int is_whole) {
  const rn_conv_q8_args *a = &e->conv;
  const rn_conv_geometry *g = &a->geometry;
  const uint32_t width = form == RN_CODED_F2X2 ? 2 : 4, fours = width * width / 4;
  const uint32_t rows = g->output_height - y, columns = g->output_width - x;
  // Bytes and lower bytes.
  int8_t out[2 * plane] __attribute__((aligned(16))), in[2 * plane] __attribute__((aligned(16)));
  uint8_t *to[16];
  const uint8_t *from[16];
  uint8_t *output = a->output + y * g->output_row + x * g->output_pixel + oc;
  const uint8_t *residual =
      has_residual ? a->residual + y * g->residual_row + x * g->output_pixel + oc : 0;
  RN_UNROLL for (uint32_t i = 0; i < width; i++) RN_UNROLL for (uint32_t j = 0; j < width; j++) {
    const int is_inside = is_whole || (i < rows && j < columns);
    to[i * width + j] = is_inside ? output + i * g->output_row + j * g->output_pixel : 0;
    if (has_residual)
      from[i * width + j] =
          is_inside ? residual + i * g->residual_row + j * g->output_pixel : residual;
  }
  if (has_residual) {
    RN_UNROLL for (uint32_t i = 0; i < fours; i++) load_pixels(from + 4 * i, 0, in + 64 * i);
    if (a->residual_lower)
      RN_UNROLL for (uint32_t i = 0; i < fours; i++)
          load_pixels(from + 4 * i, a->residual_lower, in + plane + 64 * i);
  }
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
      int16x8_t words[2];
      const uint32_t at = 64 * i + 16 * quarter;
      requantized(e, acc + 4 * i, factor, has_residual ? in + at : 0, words);
      vst1q_s8(out + at, a->output_lower ? upper_bytes(words) : lower_bytes(words));
      if (a->output_lower)
        vst1q_s8(out + plane + at, lower_bytes(words));
      __asm__ volatile("" ::: "memory");
    }
  }
  RN_UNROLL for (uint32_t i = 0; i < fours; i++)
      store_pixels(out + 64 * i, to + 4 * i, 0, is_whole);
  if (a->output_lower)
    RN_UNROLL for (uint32_t i = 0; i < fours; i++)
        store_pixels(out + plane + 64 * i, to + 4 * i, a->output_lower, is_whole);
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
