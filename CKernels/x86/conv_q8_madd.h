// SPDX-License-Identifier: Apache-2.0
// int8 convolution without a dot-product instruction. The including file targets an instruction set
// and defines
//   vector, sums               a vector, and the same of int32 lanes
//   channels                   output channels of a tile, the lanes of a vector
//   widened_pixel(bytes)       4 input channels as int16, in all quarters or halves of a vector
//   widened_weights(weights)   4 input channels of half as many output channels as int16
//   products(pixel, weights)   (V)PMADDWD: of each output channel two sums of two products
//   store(a, low, high, ...)   requantizes and stores the channels of a pixel
//
// (V)PMADDUBSW saturates on full-range data, so both factors are widened to int16 and multiplied by
// (V)PMADDWD.
//
// Register tile: 6 output pixels x `channels` output channels in 12 accumulators.
//
//                    weights [first half][4 ic]   weights [second half][4 ic]
//   pixel 0  4 ic    acc 0                        acc 1
//      ...           ...                          ...      12 PMADDWD, 12 PADDD, 8 widenings
//   pixel 5  4 ic    acc 10                       acc 11
//
// Range: a pair of products is at most 2 * 255 * 128 in magnitude.
#ifndef RN_CONV_Q8_MADD_H
#define RN_CONV_Q8_MADD_H

typedef rn_conv_q8_args conv_args;
#include "../common/tiles.h"

enum { max_pixels = 6 };

// `columns` output pixels of row y from x on. Reaching pixel p as base + {0, 1, 2, 3, 4} * step_x
// keeps the addresses in few registers.
RN_ALWAYS_INLINE void tile(const conv_args *a, uint32_t oc, uint32_t y, uint32_t x,
                           const uint32_t columns) {
  const rn_conv_geometry *g = &a->geometry;
  const uint32_t bases = (columns + 4) / 5;
  const size_t step = g->step_x, step3 = 3 * step;
  const size_t block = (size_t)g->kernel_rows * g->run * RN_CHANNEL_BLOCK;
  const int8_t *weights = a->weights + oc / RN_CHANNEL_BLOCK * block + oc % RN_CHANNEL_BLOCK * 4;

  sums acc[max_pixels][2];
  RN_UNROLL for (uint32_t p = 0; p < columns; p++) acc[p][0] = acc[p][1] = (sums){0};

  for (uint32_t r = 0; r < g->kernel_rows; r++) {
    const uint8_t *base[2];
    const uint8_t *first = a->input + y * g->step_y + r * g->input_row + x * step;
    RN_UNROLL for (uint32_t i = 0; i < bases; i++) base[i] = first + i * 5 * step;
    for (uint32_t k = 0; k < g->run; k += 4) {
      const vector w0 = widened_weights(weights), w1 = widened_weights(weights + 2 * channels);
      weights += 64;
      RN_UNROLL for (uint32_t p = 0; p < columns; p++) {
        const size_t offset = p % 5 == 3 ? step3 : p % 5 * step;
        const vector pixel = widened_pixel(base[p / 5] + offset);
        acc[p][0] += products(pixel, w0);
        acc[p][1] += products(pixel, w1);
      }
      RN_UNROLL for (uint32_t i = 0; i < bases; i++) {
        base[i] += 4;
        RN_OPAQUE(base[i]);
      }
    }
  }

  uint8_t *output = a->output + y * g->output_row + x * g->output_pixel + oc;
  const uint8_t *residual = a->residual;
  if (residual)
    residual += y * g->residual_row + x * g->output_pixel + oc;
  RN_UNROLL for (uint32_t p = 0; p < columns; p++) {
    store(a, (vector)acc[p][0], (vector)acc[p][1], oc, residual, output);
    output += g->output_pixel;
    if (residual)
      residual += g->output_pixel;
  }
}

RN_TILES(tile, 6)

RN_ALWAYS_INLINE void conv_q8_madd(const conv_args *a, uint32_t first, uint32_t last) {
  each_tile(a, first, last, tile_of, (tile_cut){max_pixels, channels, channels, 1});
}

#endif
