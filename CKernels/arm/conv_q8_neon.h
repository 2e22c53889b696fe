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
  const size_t next_row = g->step_y - (g->output_width - 1) * g->step_x;
  uint32_t left = g->output_width - x; // in the row
  RN_UNROLL for (uint32_t p = 0; p < pixels; p++) {
    input[p] = next;
    const int is_last_of_row = --left == 0;
    next += is_last_of_row ? next_row : g->step_x;
    left = is_last_of_row ? g->output_width : left;
  }
}

// Where the whole steps of a kernel row end, for offsets that count up to 0: one addition moves on
// and tells of the last step.
RN_ALWAYS_INLINE void whole_steps_end(const int8_t *const *input, size_t offset,
                                      const uint32_t pixels, const int8_t **end) {
  RN_UNROLL for (uint32_t p = 0; p < pixels; p++) {
    end[p] = input[p] + offset;
    RN_OPAQUE(end[p]);
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

// The factors of 16 channels in the order of sums.
RN_ALWAYS_INLINE void load_factors(const rn_conv_q8_args *a, uint32_t oc, const order order,
                                   float32x4_t factors[4]) {
  int32x4_t bits[4];
  load_ordered((const int32_t *)a->multiplier + oc, order, bits);
  RN_UNROLL for (uint32_t i = 0; i < 4; i++) factors[i] = vreinterpretq_f32_s32(bits[i]);
}

// Bytes of pixels of one row, without a residual.
RN_ALWAYS_INLINE void finish_bytes(const rn_conv_q8_args *a, const int32x4_t acc[][4], uint32_t oc,
                                   uint32_t y, uint32_t x, const uint32_t pixels,
                                   const order order) {
  const rn_conv_geometry *g = &a->geometry;
  const byte_requantizer r = byte_requantizer_of(a);
  float32x4_t factors[4];
  load_factors(a, oc, order, factors);
  const size_t step = g->output_pixel;
  int8_t *output = (int8_t *)a->output + y * g->output_row + x * step + oc;
  RN_UNROLL for (uint32_t p = 0; p < pixels; p++, output += step)
      vst1q_s8(output, ordered(requantized_bytes(&r, factors, acc[p]), order, 0));
}

RN_ALWAYS_INLINE void finish_any(const rn_conv_q8_args *a, const int32x4_t acc[][4], uint32_t oc,
                                 uint32_t y, uint32_t x, const uint32_t pixels,
                                 const int is_one_row, const int has_residual, const order order) {
  const rn_conv_geometry *g = &a->geometry;
  requantizer r = requantizer_of(a, oc);
  load_factors(a, oc, order, r.multiplier);
  const uint32_t width = g->output_width;
  // Signed: behind the last pixel of a single row, whose pitch may be 0, the next row is before it.
  const ptrdiff_t step = (ptrdiff_t)g->output_pixel, back = (width - 1) * step;
  const ptrdiff_t next_row = (ptrdiff_t)g->output_row - back;
  const ptrdiff_t next_residual_row = (ptrdiff_t)g->residual_row - back;
  uint8_t *output = a->output + y * g->output_row + x * step + oc;
  const uint8_t *residual = has_residual ? a->residual + y * g->residual_row + x * step + oc : 0;
  uint32_t left = width - x; // in the row
  RN_UNROLL for (uint32_t p = 0; p < pixels; p++) {
    requantize16(&r, acc[p], has_residual, residual, output, order);
    const int is_last_of_row = !is_one_row && --left == 0;
    output += is_last_of_row ? next_row : step;
    if (has_residual)
      residual += is_last_of_row ? next_residual_row : step;
    left = is_last_of_row ? width : left;
  }
}

// Requantizes the sums of the pixels from (y, x) on, which may be known to be of one row.
RN_ALWAYS_INLINE void finish_ordered(const rn_conv_q8_args *a, const int32x4_t acc[][4],
                                     uint32_t oc, uint32_t y, uint32_t x, const uint32_t pixels,
                                     const int is_one_row, const order order) {
  if (a->residual)
    finish_any(a, acc, oc, y, x, pixels, is_one_row, 1, order);
  else if (a->output_lower || !(is_one_row || x + pixels <= a->geometry.output_width))
    finish_any(a, acc, oc, y, x, pixels, is_one_row, 0, order);
  else
    finish_bytes(a, acc, oc, y, x, pixels, order);
}

RN_ALWAYS_INLINE void finish(const rn_conv_q8_args *a, const int32x4_t acc[][4], uint32_t oc,
                             uint32_t y, uint32_t x, const uint32_t pixels, const int is_one_row) {
  finish_ordered(a, acc, oc, y, x, pixels, is_one_row, natural);
}

#endif
