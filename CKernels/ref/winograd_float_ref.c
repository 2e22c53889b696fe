// SPDX-License-Identifier: Apache-2.0
// Winograd convolutions in float32 with float32 and with fp16 weights: the formula, one output
// channel of one tile at a time.
#include "conv_ref.h"
#include <math.h>

#pragma STDC FP_CONTRACT OFF

// B^T x in place, of values `stride` apart.
static void input_transform(float *x, uint32_t stride, uint32_t tile) {
  const float x0 = x[0], x1 = x[stride], x2 = x[2 * stride], x3 = x[3 * stride];
  if (tile == 2) {
    x[0] = x0 - x2;
    x[stride] = x1 + x2;
    x[2 * stride] = x2 - x1;
    x[3 * stride] = x1 - x3;
    return;
  }
  const float x4 = x[4 * stride], x5 = x[5 * stride];
  const float even = fmaf(-4, x2, x4), odd = fmaf(-4, x1, x3);
  const float even2 = x4 - x2, odd2 = x3 - x1;
  x[0] = fmaf(4, x0, fmaf(-5, x2, x4));
  x[stride] = even + odd;
  x[2 * stride] = even - odd;
  x[3 * stride] = fmaf(2, odd2, even2);
  x[4 * stride] = fmaf(-2, odd2, even2);
  x[5 * stride] = fmaf(4, x1, fmaf(-5, x3, x5));
}

// A^T m: the first `tile` of the results are set.
static void output_transform(float *m, uint32_t stride, uint32_t tile) {
  const float m0 = m[0], m1 = m[stride], m2 = m[2 * stride], m3 = m[3 * stride];
  const float even = m1 + m2, odd = m1 - m2;
  if (tile == 2) {
    m[0] = m0 + even;
    m[stride] = odd - m3;
    return;
  }
  const float m4 = m[4 * stride], m5 = m[5 * stride];
  const float even2 = m3 + m4, odd2 = m3 - m4;
  m[0] = m0 + even + even2;
  m[stride] = fmaf(2, odd2, odd);
  m[2 * stride] = fmaf(4, even2, even);
  m[3 * stride] = fmaf(8, odd2, odd) + m5;
}

// The sums of one tile and output channel, tile_width + 2 to a row.
static void tile_sums(const rn_winograd_float_args *a, uint32_t y, uint32_t x, uint32_t oc,
                      weight_function *weight, float m[36]) {
  const rn_conv_geometry *g = &a->conv.geometry;
  const uint32_t rows = a->tile_height + 2, columns = a->tile_width + 2;
  const uint32_t channels = g->run / 3, positions = rows * columns;
  const uint32_t last_row = g->output_height + 1, last_column = g->output_width + 1; // of the input
  for (uint32_t p = 0; p < positions; p++)
    m[p] = 0;
  for (uint32_t ic = 0; ic < channels; ic++) {
    float d[36];
    for (uint32_t i = 0; i < rows; i++) {
      for (uint32_t j = 0; j < columns; j++) {
        const uint32_t row = y + i < last_row ? y + i : last_row;
        const uint32_t column = x + j < last_column ? x + j : last_column;
        d[i * columns + j] = a->conv.input[row * g->input_row + column * g->step_x + ic];
      }
      input_transform(d + i * columns, 1, a->tile_width);
    }
    for (uint32_t j = 0; j < columns; j++)
      input_transform(d + j, columns, a->tile_height);
    for (uint32_t p = 0; p < positions; p++)
      m[p] = fmaf(d[p], weight(a->weights, rn_winograd_index_float(oc, p, ic, positions, channels)),
                  m[p]);
  }
  for (uint32_t i = 0; i < rows; i++)
    output_transform(m + i * columns, 1, a->tile_width);
  for (uint32_t j = 0; j < a->tile_width; j++)
    output_transform(m + j, columns, a->tile_height);
}

// One output channel of one tile.
static void store_tile(const rn_winograd_float_args *a, uint32_t y, uint32_t x, uint32_t oc,
                       weight_function *weight) {
  const rn_conv_geometry *g = &a->conv.geometry;
  float sums[36];
  tile_sums(a, y, x, oc, weight, sums);
  for (uint32_t p = 0; p < a->tile_height && y + p < g->output_height; p++) {
    for (uint32_t q = 0; q < a->tile_width && x + q < g->output_width; q++) {
      const size_t pixel = (x + q) * g->output_pixel + oc;
      float t = sums[p * (a->tile_width + 2) + q] + a->conv.bias[oc];
      if (a->conv.residual)
        t = t + a->conv.residual[(y + p) * g->residual_row + pixel];
      t = t > a->conv.low ? t : a->conv.low;
      a->conv.output[(y + p) * g->output_row + pixel] = t < a->conv.high ? t : a->conv.high;
    }
  }
}

static inline void convolve(const rn_winograd_float_args *a, uint32_t first, uint32_t last,
                            weight_function *weight) {
  const rn_conv_geometry *g = &a->conv.geometry;
  const uint32_t across = (g->output_width + a->tile_width - 1) / a->tile_width;
  const uint32_t tiles =
      rn_winograd_tiles(g->output_height, g->output_width, a->tile_height, a->tile_width);
  const uint32_t strips = rn_winograd_strips(tiles), pairs = (g->output_blocks + 1) / 2;
  const uint32_t channels = g->output_blocks * RN_CHANNEL_BLOCK;
  for (uint32_t unit = first; unit < last; unit++) {
    const uint32_t strip = unit / pairs, first_oc = unit % pairs * 32;
    const uint32_t last_oc = first_oc + 32 < channels ? first_oc + 32 : channels;
    const uint32_t last_tile = rn_winograd_strip_start(tiles, strip + 1, strips);
    for (uint32_t tile = rn_winograd_strip_start(tiles, strip, strips); tile < last_tile; tile++)
      for (uint32_t oc = first_oc; oc < last_oc; oc++)
        store_tile(a, tile / across * a->tile_height, tile % across * a->tile_width, oc, weight);
  }
}

void rn_winograd_f32_ref(const rn_winograd_float_args *a, uint32_t first, uint32_t last) {
  convolve(a, first, last, weight_f32);
}

void rn_winograd_f16_ref(const rn_winograd_float_args *a, uint32_t first, uint32_t last) {
  convolve(a, first, last, weight_f16);
}
