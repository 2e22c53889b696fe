// SPDX-License-Identifier: Apache-2.0
// Integer Winograd convolution: the formula, one output channel of one tile at a time.
#include "../common/rn_declarations.h"
#include "../weights/winograd_matrices.h"
#include "requantize_ref.h"

// S * sums of one tile and output channel, modulo 2^32.
static void tile_sums(const rn_winograd_q8_args *a, uint32_t y, uint32_t x, uint32_t oc,
                      uint32_t sums[4][4]) {
  const rn_conv_geometry *g = &a->conv.geometry;
  const winograd_matrices *v = winograd_of(a->tile_height), *h = winograd_of(a->tile_width);
  const uint32_t rows = a->tile_height + 2, columns = a->tile_width + 2;
  const uint32_t channels = g->run / 3;
  uint32_t m[6][6] = {0};
  for (uint32_t ic = 0; ic < channels; ic++) {
    // Beyond the input any value will do: it has no part in an output within the image.
    uint32_t d[6][6] = {0};
    for (uint32_t i = 0; i < rows && y + i < g->output_height + 2; i++)
      for (uint32_t j = 0; j < columns && x + j < g->output_width + 2; j++)
        d[i][j] = a->conv.input[(y + i) * g->input_row + (x + j) * g->step_x + ic];
    for (uint32_t i = 0; i < rows; i++) {
      for (uint32_t j = 0; j < columns; j++) {
        uint32_t transformed = 0;
        for (uint32_t k = 0; k < rows; k++)
          for (uint32_t l = 0; l < columns; l++)
            transformed += (uint32_t)(v->input[i][k] * h->input[j][l]) * d[k][l];
        const int16_t u =
            a->weights[rn_winograd_index_q8(oc, i * columns + j, ic, rows * columns, channels)];
        m[i][j] += transformed * (uint32_t)u;
      }
    }
  }
  for (uint32_t p = 0; p < a->tile_height; p++) {
    for (uint32_t q = 0; q < a->tile_width; q++) {
      sums[p][q] = 0;
      for (uint32_t i = 0; i < rows; i++)
        for (uint32_t j = 0; j < columns; j++)
          sums[p][q] += (uint32_t)(v->output[p][i] * h->output[q][j]) * m[i][j];
    }
  }
}

// One output channel of one tile.
static void store_tile(const rn_winograd_q8_args *a, uint32_t y, uint32_t x, uint32_t oc) {
  const rn_conv_geometry *g = &a->conv.geometry;
  const winograd_matrices *v = winograd_of(a->tile_height), *h = winograd_of(a->tile_width);
  uint32_t sums[4][4];
  tile_sums(a, y, x, oc, sums);
  for (uint32_t p = 0; p < a->tile_height && y + p < g->output_height; p++) {
    for (uint32_t q = 0; q < a->tile_width && x + q < g->output_width; q++) {
      const size_t pixel = (x + q) * g->output_pixel + oc;
      const int32_t sum =
          (int32_t)(sums[p][q] * v->odd_inverse * h->odd_inverse) >> (v->shift + h->shift);
      const int32_t acc = sum + a->conv.bias[oc];
      rn_requantize_ref(&a->conv, acc, oc,
                        a->conv.residual ? &a->conv.residual[(y + p) * g->residual_row + pixel] : 0,
                        &a->conv.output[(y + p) * g->output_row + pixel]);
    }
  }
}

void rn_winograd_q8_ref(const rn_winograd_q8_args *a, uint32_t first, uint32_t last) {
  const rn_conv_geometry *g = &a->conv.geometry;
  const uint32_t across = (g->output_width + a->tile_width - 1) / a->tile_width;
  const uint32_t tiles =
      rn_winograd_tiles(g->output_height, g->output_width, a->tile_height, a->tile_width);
  const uint32_t strips = rn_winograd_strips(tiles), pairs = (g->output_blocks + 1) / 2;
  const uint32_t channels = g->output_blocks * RN_CHANNEL_BLOCK;
  for (uint32_t unit = first; unit < last; unit++) {
    const uint32_t strip = unit / pairs, first_oc = unit % pairs * 32;
    const uint32_t last_tile = rn_winograd_strip_start(tiles, strip + 1, strips);
    for (uint32_t tile = rn_winograd_strip_start(tiles, strip, strips); tile < last_tile; tile++)
      for (uint32_t oc = first_oc; oc < first_oc + 32 && oc < channels; oc++)
        store_tile(a, tile / across * a->tile_height, tile % across * a->tile_width, oc);
  }
}
