// SPDX-License-Identifier: Apache-2.0
// The weights of the integer Winograd convolution, and when they give exact sums.
#include "rn_kernels.h"
#include "winograd_matrices.h"

// Weight (row, column) of input channel ic and output channel oc.
static int32_t weight(const int8_t *weights, uint32_t channels, uint32_t oc, uint32_t ic,
                      uint32_t row, uint32_t column) {
  return weights[rn_weight_index_q8(oc, row, column * channels + ic, 3, 3 * channels)];
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
        // Range: +-18288.
        transformed[rn_winograd_index_q8(oc, p, ic, positions, channels)] = (int16_t)sum;
      }
    }
  }
}

int rn_winograd_q8_is_exact(uint32_t tile_height, uint32_t tile_width, const int8_t *weights,
                            uint32_t output_blocks, uint32_t channels) {
  const int64_t scale = 1 << (winograd_of(tile_height)->shift + winograd_of(tile_width)->shift);
  for (uint32_t oc = 0; oc < output_blocks * 16; oc++) {
    int64_t positive = 0, negative = 0;
    for (uint32_t k = 0; k < 9 * channels; k++) {
      const int32_t w = weights[rn_weight_index_q8(oc, 0, k, 1, 9 * channels)];
      positive += w > 0 ? w : 0;
      negative -= w < 0 ? w : 0;
    }
    // Of int8 the greatest sum, 127 * positive + 128 * negative, is no more than that of uint8.
    if (255 * (positive > negative ? positive : negative) * scale > INT32_MAX)
      return 0;
  }
  return 1;
}
