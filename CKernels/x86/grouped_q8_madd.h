// SPDX-License-Identifier: Apache-2.0
// Grouped int8 convolution without a dot-product instruction. The including file targets an
// instruction set, includes its madd header, as the dense convolution does, and defines
//   widened_input(bytes, i)    16 input channels of a tap as int16, or of half as many the ith half
//   store_parts(a, parts, ...) adds what belongs together, requantizes and stores 16 channels
//
// Both factors are widened to int16 and multiplied by (V)PMADDWD.
//
// Register tile: 6 output pixels in 12 accumulators. In groups of 4 and 8 the 16 input channels of
// a tap are multiplied as they are, by as many weights of a tap as two vectors hold. Each pass
// through the taps leaves its sums in memory, until all of a pixel's are there:
//
//                     weights [L][j][4 ic]    the next ones
//   pixel 0  16 ic    acc 0                   acc 1
//      ...            ...                     ...      12 PMADDWD, 12 PADDD, 8 or 14 widenings
//   pixel 5  16 ic    acc 10                  acc 11
//
// Wider groups have the tile of the dense convolution.
//
// Range: a pair of products is at most 2 * 255 * 128 in magnitude.
#ifndef RN_GROUPED_Q8_MADD_H
#define RN_GROUPED_Q8_MADD_H

typedef rn_conv_q8_args conv_args;
#include "../common/tiles.h"

enum { max_pixels = 6, max_passes = 32 / channels };

// `columns` output pixels of row y from x on: 16 output channels of groups of `group` = 4 or 8, or
// `channels` of wider ones, for which it is 0. Reaching pixel p as base + {0, 1, 2, 3, 4} * step_x
// keeps the addresses in few registers.
RN_ALWAYS_INLINE void tile(const conv_args *a, uint32_t oc, uint32_t y, uint32_t x,
                           const uint32_t columns, const uint32_t group) {
  const rn_grouped_q8_args *grouped = (const rn_grouped_q8_args *)a;
  const rn_conv_geometry *g = &a->geometry;
  const uint32_t bases = (columns + 4) / 5, kernel_columns = grouped->kernel_columns;
  const uint32_t width = group ? group : grouped->group_channels, ks = group ? group : 4;
  const uint32_t passes = group ? group * 4 / channels : 1;
  const size_t step = g->step_x, step3 = 3 * step;
  const size_t block = (size_t)g->kernel_rows * kernel_columns * width * RN_CHANNEL_BLOCK;
  const uint8_t *input = a->input + y * g->step_y + x * step + oc / g->run * g->run;

  sums parts[max_pixels][max_passes][2];
  for (uint32_t pass = 0; pass < passes; pass++) {
    const int8_t *weights = a->weights + oc / RN_CHANNEL_BLOCK * block +
                            (group ? pass * channels : oc % RN_CHANNEL_BLOCK) * 4;
    sums acc[max_pixels][2];
    RN_UNROLL for (uint32_t p = 0; p < columns; p++) acc[p][0] = acc[p][1] = (sums){0};
    const uint8_t *row = input;
    for (uint32_t r = 0; r < g->kernel_rows; r++, row += g->input_row) {
      const uint8_t *tap = row;
      for (uint32_t c = 0; c < kernel_columns; c++, tap += grouped->input_column) {
        const uint8_t *base[2];
        RN_UNROLL for (uint32_t i = 0; i < bases; i++) base[i] = tap + i * 5 * step;
        for (uint32_t k = 0; k < width; k += ks) {
          const vector w0 = widened_weights(weights), w1 = widened_weights(weights + 2 * channels);
          weights += 16 * ks;
          RN_UNROLL for (uint32_t p = 0; p < columns; p++) {
            const size_t offset = p % 5 == 3 ? step3 : p % 5 * step;
            const uint8_t *from = base[p / 5] + offset;
            const vector pixel = group ? widened_input(from, 0) : widened_pixel(from);
            acc[p][0] += products(pixel, w0);
            acc[p][1] += products(group ? widened_input(from, 1) : pixel, w1);
          }
          RN_UNROLL for (uint32_t i = 0; i < bases; i++) {
            base[i] += 4;
            RN_OPAQUE(base[i]);
          }
        }
      }
    }
    RN_UNROLL for (uint32_t p = 0; p < columns; p++) {
      parts[p][pass][0] = acc[p][0];
      parts[p][pass][1] = acc[p][1];
    }
  }

  uint8_t *output = a->output + y * g->output_row + x * g->output_pixel + oc;
  const uint8_t *residual = a->residual;
  if (residual)
    residual += y * g->residual_row + x * g->output_pixel + oc;
  for (uint32_t p = 0; p < columns; p++) {
    if (group)
      store_parts(a, (const vector *)parts[p], oc, group, residual, output);
    else
      store(a, (vector)parts[p][0][0], (vector)parts[p][0][1], oc, residual, output);
    output += g->output_pixel;
    if (residual)
      residual += g->output_pixel;
  }
}

RN_KIND_OF_TILES(of_4, 4, 6)
RN_KIND_OF_TILES(of_8, 8, 6)
RN_KIND_OF_TILES(wide, 0, 6)

RN_ALWAYS_INLINE void grouped_q8_madd(const rn_grouped_q8_args *a, uint32_t first, uint32_t last) {
  const uint32_t width = a->group_channels;
  require_grouped(&a->conv.geometry, width, a->kernel_columns);
  if (width < 16)
    each_tile(&a->conv, first, last, width == 4 ? tile_of_4_of : tile_of_8_of,
              (tile_cut){max_pixels, 16, 32, 1});
  else
    each_tile(&a->conv, first, last, tile_wide_of, (tile_cut){max_pixels, channels, channels, 1});
}

#endif
