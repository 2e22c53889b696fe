// SPDX-License-Identifier: Apache-2.0
// The weights of the Winograd convolutions in float32, float32 and fp16 ones.
#include "../common/rn_target.h"
#include "half.h"

#pragma STDC FP_CONTRACT OFF

enum { lanes = RN_CHANNEL_BLOCK };
typedef float channels16[lanes];

// G g, of 16 output channels. F(4): points 0, 1, -1, 2, -2 and infinity.
RN_ALWAYS_INLINE void transform(const channels16 g[3], const uint32_t tile, channels16 *u) {
  for (uint32_t i = 0; i < lanes; i++) {
    const float outer = g[0][i] + g[2][i];
    u[0][i] = tile == 2 ? g[0][i] : g[0][i] * 0.25f;
    if (tile == 2) {
      u[1][i] = (outer + g[1][i]) * 0.5f;
      u[2][i] = (outer - g[1][i]) * 0.5f;
      u[3][i] = g[2][i];
      continue;
    }
    const float outer2 = g[0][i] * 0.25f + g[2][i], middle2 = g[1][i] * 0.5f;
    u[1][i] = (outer + g[1][i]) / -6.0f;
    u[2][i] = (outer - g[1][i]) / -6.0f;
    u[3][i] = (outer2 + middle2) / 6.0f;
    u[4][i] = (outer2 - middle2) / 6.0f;
    u[5][i] = g[2][i];
  }
}

RN_ALWAYS_INLINE void transform_all(const uint32_t tile_height, const uint32_t tile_width,
                                    const int are_halves, const void *weights,
                                    uint32_t output_blocks, uint32_t channels, void *transformed) {
  const uint32_t rows = tile_height + 2, columns = tile_width + 2;
  for (uint32_t block = 0; block < output_blocks; block++) {
    for (uint32_t ic = 0; ic < channels; ic++) {
      channels16 half[3 * 6]; // [tap row][column of U]
      for (uint32_t r = 0; r < 3; r++) {
        channels16 g[3];
        for (uint32_t c = 0; c < 3; c++) {
          const size_t from =
              rn_weight_index_float(block * lanes, r, c * channels + ic, 3, 3 * channels);
          for (uint32_t i = 0; i < lanes; i++)
            g[c][i] = are_halves ? half_to_float(((const uint16_t *)weights)[from + i])
                                 : ((const float *)weights)[from + i];
        }
        transform(g, tile_width, half + r * columns);
      }
      for (uint32_t c = 0; c < columns; c++) {
        channels16 g[3], u[6];
        for (uint32_t r = 0; r < 3; r++)
          for (uint32_t i = 0; i < lanes; i++)
            g[r][i] = half[r * columns + c][i];
        transform(g, tile_height, u);
        for (uint32_t r = 0; r < rows; r++) {
          const size_t to =
              rn_winograd_index_float(block * lanes, r * columns + c, ic, rows * columns, channels);
          for (uint32_t i = 0; i < lanes; i++) {
            if (are_halves)
              ((uint16_t *)transformed)[to + i] = float_to_half(u[r][i]);
            else
              ((float *)transformed)[to + i] = u[r][i];
          }
        }
      }
    }
  }
}

RN_ALWAYS_INLINE void transform_form(uint32_t tile_height, uint32_t tile_width,
                                     const int are_halves, const void *weights,
                                     uint32_t output_blocks, uint32_t channels, void *transformed) {
  if (tile_height == 2)
    transform_all(2, 2, are_halves, weights, output_blocks, channels, transformed);
  else if (tile_width == 2)
    transform_all(4, 2, are_halves, weights, output_blocks, channels, transformed);
  else
    transform_all(4, 4, are_halves, weights, output_blocks, channels, transformed);
}

void rn_winograd_f32_weights(uint32_t tile_height, uint32_t tile_width, const float *weights,
                             uint32_t output_blocks, uint32_t channels, float *transformed) {
  transform_form(tile_height, tile_width, 0, weights, output_blocks, channels, transformed);
}

void rn_winograd_f16_weights(uint32_t tile_height, uint32_t tile_width, const uint16_t *weights,
                             uint32_t output_blocks, uint32_t channels, uint16_t *transformed) {
  transform_form(tile_height, tile_width, 1, weights, output_blocks, channels, transformed);
}
