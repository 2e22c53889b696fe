// SPDX-License-Identifier: Apache-2.0
// The weights of the integer Winograd convolution, and when they give exact sums.
#include "rn_kernels.h"
#include "winograd_matrices.h"

// Weight (row, column) of input channel ic and output channel oc.
static int32_t weight(const int8_t *weights, uint32_t channels, uint32_t oc, uint32_t ic,
                      uint32_t row, uint32_t column) {
  const size_t run = 3 * (size_t)channels, k = column * channels + ic;
  return weights[(oc / 16 * 3 + row) * run * 16 + k / 4 * 64 + oc % 16 * 4 + k % 4];
}

void rn_winograd_q8_weights(uint32_t tile_height, uint32_t tile_width, const int8_t *weights,
                            uint32_t output_blocks, uint32_t channels, int16_t *transformed) {
  const winograd_matrices *v = winograd_of(tile_height), *h = winograd_of(tile_width);
  const uint32_t columns = tile_width + 2;
  const uint32_t positions = rn_winograd_positions(tile_height, tile_width);
  for (uint32_t oc = 0; oc < output_blocks * 16; oc++) {
    for (uint32_t ic = 0; ic < channels; ic++) {
      for (uint32_t p = 0; p < positions; p++) {
        int32_t sum = 0;
        for (uint32_t i = 0; i < 3; i++)
          for (uint32_t j = 0; j < 3; j++)
            sum += v->weights[p / columns][i] * weight(weights, channels, oc, ic, i, j) *
                   h->weights[p % columns][j];
        const size_t pair = ((size_t)oc / 16 * positions + p) * (channels / 2) + ic / 2;
        transformed[pair * 32 + oc % 16 * 2 + ic % 2] = (int16_t)sum; // within +-18288
      }
    }
  }
}

int rn_winograd_q8_is_exact(uint32_t tile_height, uint32_t tile_width, const int8_t *weights,
                            uint32_t output_blocks, uint32_t channels) {
  const int64_t scale = 1 << (winograd_of(tile_height)->shift + winograd_of(tile_width)->shift);
  const size_t block = 9 * (size_t)channels * 16;
  for (uint32_t oc = 0; oc < output_blocks * 16; oc++) {
    int64_t positive = 0, negative = 0;
    for (size_t k = oc % 16 * 4; k < block; k += 64) {
      for (uint32_t i = 0; i < 4; i++) {
        const int32_t w = weights[oc / 16 * block + k + i];
        if (w > 0)
          positive += w;
        else
          negative -= w;
      }
    }
    // Of int8 the greatest sum, 127 * positive + 128 * negative, is no more than that of uint8.
    if (255 * (positive > negative ? positive : negative) * scale > INT32_MAX)
      return 0;
  }
  return 1;
}
