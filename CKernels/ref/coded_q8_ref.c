// SPDX-License-Identifier: Apache-2.0
// Coded convolution: the formula, a tile at a time.
#include "../common/contracts.h"
#include "../weights/coded_matrices.h"
#include "requantize_ref.h"

// The inputs of channel `ic` less 128, the last row and column repeated.
static void tile_inputs(const rn_coded_q8_args *a, uint32_t y, uint32_t x, uint32_t ic,
                        int16_t *d) {
  const rn_conv_geometry *g = &a->conv.geometry;
  const rn_coded_shape s = rn_coded_shape_of(a->form);
  const uint32_t last_row = g->output_height + 1, last_column = g->output_width + 1;
  for (uint32_t i = 0; i < s.tile_height + 2; i++) {
    const size_t row = (y + i < last_row ? y + i : last_row) * g->input_row;
    for (uint32_t j = 0; j < s.tile_width + 2; j++) {
      const size_t column = (x + j < last_column ? x + j : last_column) * g->step_x;
      *d++ = (int16_t)(a->conv.input[row + column + ic] - 128);
    }
  }
}

static int32_t code_of(const rn_coded_q8_args *a, rn_coded_shape s, int16_t v, uint32_t tap) {
  const uint32_t row = tap / s.columns, column = tap % s.columns;
  const int32_t zero = row == s.zero_row && column == s.zero_column ? a->zero : 128;
  const int32_t code = ((v * a->step[8 * row + column] + (1 << 14)) >> 15) + zero;
  return code < 0 ? 0 : code < 255 ? code : 255;
}

// A pixel of the tile and an output channel, of M that is shifted. All sums are modulo 2^32.
static uint32_t output_sum(const rn_coded_q8_args *a, const uint32_t *m, uint32_t i, uint32_t j) {
  const rn_coded_shape s = rn_coded_shape_of(a->form);
  const coded_matrices *matrices = coded_matrices_of(a->form);
  uint32_t acc = 0;
  for (uint32_t tap = 0; tap < s.rows * s.columns; tap++)
    acc += (uint32_t)(matrices->output[i][tap / s.columns] * matrices->output[j][tap % s.columns]) *
           m[tap];
  return acc;
}

// Up to 32 output channels of one tile.
static void store_tile(const rn_coded_q8_args *a, uint32_t y, uint32_t x, uint32_t first_oc,
                       uint32_t last_oc) {
  const rn_conv_geometry *g = &a->conv.geometry;
  const rn_coded_shape s = rn_coded_shape_of(a->form);
  const uint32_t taps = s.rows * s.columns, channels = g->run / 3;
  uint32_t m[32][49] = {0};
  for (uint32_t ic = 0; ic < channels; ic++) {
    int16_t d[36], v[49];
    tile_inputs(a, y, x, ic, d);
    rn_coded_inputs(a->form, d, v);
    for (uint32_t tap = 0; tap < taps; tap++) {
      const int32_t code = code_of(a, s, v[tap], tap);
      for (uint32_t oc = first_oc; oc < last_oc; oc++)
        m[oc - first_oc][tap] +=
            (uint32_t)(code * a->weights[rn_coded_index_q8(oc, tap, ic, taps, channels)]);
    }
  }
  for (uint32_t oc = first_oc; oc < last_oc; oc++) {
    uint32_t *sums = m[oc - first_oc];
    for (uint32_t tap = 0; tap < taps; tap++) {
      const size_t at = ((size_t)oc / 16 * taps + tap) * 16 + oc % 16;
      sums[tap] = (sums[tap] + (uint32_t)a->start[at]) << a->shift[at];
    }
    for (uint32_t i = 0; i < s.tile_height && y + i < g->output_height; i++) {
      for (uint32_t j = 0; j < s.tile_width && x + j < g->output_width; j++) {
        const size_t pixel = (x + j) * g->output_pixel + oc;
        rn_requantize_ref(&a->conv, (int32_t)output_sum(a, sums, i, j), oc,
                          a->conv.residual ? &a->conv.residual[(y + i) * g->residual_row + pixel]
                                           : 0,
                          &a->conv.output[(y + i) * g->output_row + pixel]);
      }
    }
  }
}

void rn_coded_q8_ref(const rn_coded_q8_args *a, uint32_t first, uint32_t last) {
  const rn_conv_geometry *g = &a->conv.geometry;
  const rn_coded_shape s = rn_coded_shape_of(a->form);
  const uint32_t across = (g->output_width + s.tile_width - 1) / s.tile_width;
  const uint32_t tiles =
      rn_winograd_tiles(g->output_height, g->output_width, s.tile_height, s.tile_width);
  const uint32_t strips = rn_winograd_strips(tiles), pairs = (g->output_blocks + 1) / 2;
  const uint32_t channels = g->output_blocks * RN_CHANNEL_BLOCK;
  require_coded(a, last);
  for (uint32_t unit = first; unit < last; unit++) {
    const uint32_t strip = unit / pairs, oc = unit % pairs * 32;
    const uint32_t last_tile = rn_winograd_strip_start(tiles, strip + 1, strips);
    for (uint32_t tile = rn_winograd_strip_start(tiles, strip, strips); tile < last_tile; tile++)
      store_tile(a, tile / across * s.tile_height, tile % across * s.tile_width, oc,
                 oc + 32 < channels ? oc + 32 : channels);
  }
}
