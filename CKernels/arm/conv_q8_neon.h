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

// Requantizes the sums of the pixels from (y, x) on, which may be known to be of one row.
RN_ALWAYS_INLINE void finish(const rn_conv_q8_args *a, const int32x4_t acc[][4], uint32_t oc,
                             uint32_t y, uint32_t x, const uint32_t pixels, const int is_one_row) {
  const rn_conv_geometry *g = &a->geometry;
  const requantizer r = requantizer_of(a, oc);
  const uint32_t width = g->output_width;
  // Signed: behind the last pixel of a single row, whose pitch may be 0, the wrap goes back.
  const ptrdiff_t step = (ptrdiff_t)g->output_pixel, row = width * step;
  const ptrdiff_t wrap = (ptrdiff_t)g->output_row - row;
  const ptrdiff_t residual_wrap = (ptrdiff_t)g->residual_row - row;
  uint8_t *output = a->output + y * g->output_row + x * step + oc;
  if (!a->residual) {
    RN_UNROLL for (uint32_t p = 0; p < pixels; p++) {
      requantize16(&r, acc[p], 0, output);
      const int is_last_of_row = !is_one_row && ++x == width;
      output += step + (is_last_of_row ? wrap : 0);
      x = is_last_of_row ? 0 : x;
    }
    return;
  }
  const uint8_t *residual = a->residual + y * g->residual_row + x * step + oc;
  RN_UNROLL for (uint32_t p = 0; p < pixels; p++) {
    requantize16(&r, acc[p], residual, output);
    const int is_last_of_row = !is_one_row && ++x == width;
    output += step + (is_last_of_row ? wrap : 0);
    residual += step + (is_last_of_row ? residual_wrap : 0);
    x = is_last_of_row ? 0 : x;
  }
}

#endif
