// SPDX-License-Identifier: Apache-2.0
// What the direct int8 convolutions of ARM share: where the pixels of a tile are, and what becomes
// of their sums. A tile's pixels continue on the rows below, so that the tiles of the 7x7 stage are
// full.
#ifndef RN_CONV_Q8_NEON_H
#define RN_CONV_Q8_NEON_H

#include "requantize_neon.h"

typedef rn_conv_q8_args conv_args;
#include "../common/tiles.h"

// The first taps of the pixels from (y, x) on.
RN_ALWAYS_INLINE void locate(const rn_conv_q8_args *a, uint32_t y, uint32_t x,
                             const uint32_t pixels, const int8_t **input) {
  const rn_conv_geometry *g = &a->geometry;
  const int8_t *next = (const int8_t *)a->input + y * g->step_y + x * g->step_x;
  const size_t wrap = g->step_y - g->output_width * g->step_x;
  RN_UNROLL for (uint32_t p = 0; p < pixels; p++) {
    input[p] = next;
    const int is_last_of_row = ++x == g->output_width;
    next += g->step_x + (is_last_of_row ? wrap : 0);
    x = is_last_of_row ? 0 : x;
  }
}

// Brings 16 numbers into the order of sums.
RN_ALWAYS_INLINE void load_ordered(const int32_t *from, const order order, int32x4_t to[4]) {
  const int32x4x4_t four = vld4q_s32(from);
  RN_UNROLL for (uint32_t i = 0; i < 4; i++) {
    const int32x4_t v = four.val[i];
    to[i] = order == natural      ? vld1q_s32(from + 4 * i)
            : order == order_of_4 ? v
                                  : vzip1q_s32(v, vextq_s32(v, v, 2));
  }
}

// Requantizes the sums of the pixels from (y, x) on, which may be known to be of one row.
RN_ALWAYS_INLINE void finish_ordered(const rn_conv_q8_args *a, const int32x4_t acc[][4],
                                     uint32_t oc, uint32_t y, uint32_t x, const uint32_t pixels,
                                     const int is_one_row, const order order) {
  const rn_conv_geometry *g = &a->geometry;
  requantizer r = requantizer_of(a, oc);
  if (order != natural) {
    int32x4_t factors[4];
    load_ordered((const int32_t *)a->multiplier + oc, order, factors);
    RN_UNROLL for (uint32_t i = 0; i < 4; i++) r.multiplier[i] = vreinterpretq_f32_s32(factors[i]);
  }
  const uint32_t width = g->output_width;
  // Signed: behind the last pixel of a single row, whose pitch may be 0, the wrap goes back.
  const ptrdiff_t step = (ptrdiff_t)g->output_pixel, row = width * step;
  const ptrdiff_t wrap = (ptrdiff_t)g->output_row - row;
  const ptrdiff_t residual_wrap = (ptrdiff_t)g->residual_row - row;
  uint8_t *output = a->output + y * g->output_row + x * step + oc;
  if (!a->residual) {
    RN_UNROLL for (uint32_t p = 0; p < pixels; p++) {
      requantize16(&r, acc[p], 0, output, order);
      const int is_last_of_row = !is_one_row && ++x == width;
      output += step + (is_last_of_row ? wrap : 0);
      x = is_last_of_row ? 0 : x;
    }
    return;
  }
  const uint8_t *residual = a->residual + y * g->residual_row + x * step + oc;
  RN_UNROLL for (uint32_t p = 0; p < pixels; p++) {
    requantize16(&r, acc[p], residual, output, order);
    const int is_last_of_row = !is_one_row && ++x == width;
    output += step + (is_last_of_row ? wrap : 0);
    residual += step + (is_last_of_row ? residual_wrap : 0);
    x = is_last_of_row ? 0 : x;
  }
}

RN_ALWAYS_INLINE void finish(const rn_conv_q8_args *a, const int32x4_t acc[][4], uint32_t oc,
                             uint32_t y, uint32_t x, const uint32_t pixels, const int is_one_row) {
  finish_ordered(a, acc, oc, y, x, pixels, is_one_row, natural);
}

#endif
