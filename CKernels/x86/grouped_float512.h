// SPDX-License-Identifier: Apache-2.0
// Grouped convolution of float32 activations by 512-bit vectors. The including file targets an
// instruction set and defines
//   weight                     the type of the weights
//   load_weights(from)         16 weights as float32
//
// Register tile: 12 output pixels x 32 output channels in 24 accumulators of 16 floats, each one
// chain of fused multiply-adds. A step takes channel k of each group and pixel, permuted to the
// output channels of its group, or from groups of 16 on broadcast:
//
//               weights [channel k][oc 0-15]    [channel k][oc 16-31]
//   pixel  0    acc 0                           acc 1
//      ...      ...                             ...         24 VFMADD231PS, 26 loads, and
//   pixel 11    acc 22                          acc 23      24 VPERMPS for groups of 4 and 8
#ifndef RN_GROUPED_FLOAT512_H
#define RN_GROUPED_FLOAT512_H

typedef rn_conv_float_args conv_args;
#include "../common/tiles.h"
#include "store_float512.h"

enum { max_pixels = 12, blocks = 2 };

// `columns` output pixels of row y from x on; `oc` is the first of 32 output channels, or of 16 if
// it starts the last block of an odd number. A missing second block is computed as a copy of the
// first and not stored. `group` is 4, 8 or, of wider groups, 0.
RN_ALWAYS_INLINE void tile(const conv_args *a, uint32_t oc, uint32_t y, uint32_t x,
                           const uint32_t columns, const uint32_t group) {
  const rn_grouped_float_args *grouped = (const rn_grouped_float_args *)a;
  const rn_conv_geometry *g = &a->geometry;
  const uint32_t bases = (columns + 4) / 5, kernel_columns = grouped->kernel_columns;
  const uint32_t width = group ? group : grouped->group_channels;
  const size_t step = g->step_x, step3 = 3 * step;
  const size_t block = (size_t)g->kernel_rows * kernel_columns * width * RN_CHANNEL_BLOCK;
  const int has_second = oc / RN_CHANNEL_BLOCK + 1 < g->output_blocks;
  const size_t second = has_second ? block : 0;
  const uint32_t second_oc = has_second ? oc + RN_CHANNEL_BLOCK : oc;
  const weight *weights = (const weight *)a->weights + oc / RN_CHANNEL_BLOCK * block;
  // From the input channels of the first block to those of the second.
  const uint32_t channel = oc / g->run * g->run;
  const size_t apart = second_oc / g->run * g->run - channel;
  const __m512i lanes = _mm512_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15);
  const __m512i groups = _mm512_and_si512(lanes, _mm512_set1_epi32(group == 4 ? 12 : 8));

  __m512 acc[max_pixels][blocks];
  const __m512 bias0 = _mm512_load_ps(a->bias + oc), bias1 = _mm512_load_ps(a->bias + second_oc);
  RN_UNROLL for (uint32_t p = 0; p < columns; p++) {
    acc[p][0] = bias0;
    acc[p][1] = bias1;
  }

  const float *row = a->input + y * g->step_y + x * step + channel;
  for (uint32_t r = 0; r < g->kernel_rows; r++, row += g->input_row) {
    const float *tap = row;
    for (uint32_t c = 0; c < kernel_columns; c++, tap += grouped->input_column) {
      const float *base[3];
      RN_UNROLL for (uint32_t i = 0; i < bases; i++) base[i] = tap + i * 5 * step;
      __m512i places = groups;
      for (uint32_t k = 0; k < width; k++) {
        const __m512 w[blocks] = {load_weights(weights), load_weights(weights + second)};
        weights += RN_CHANNEL_BLOCK;
        RN_UNROLL for (uint32_t p = 0; p < columns; p++) {
          const float *from = base[p / 5] + (p % 5 == 3 ? step3 : p % 5 * step);
          RN_UNROLL for (uint32_t b = 0; b < blocks; b++) {
            const __m512 value =
                group ? _mm512_permutexvar_ps(places, _mm512_loadu_ps(from + b * apart))
                      : _mm512_set1_ps(from[b * apart]);
            acc[p][b] = _mm512_fmadd_ps(value, w[b], acc[p][b]);
          }
        }
        if (group)
          places = _mm512_add_epi32(places, _mm512_set1_epi32(1));
        RN_UNROLL for (uint32_t i = 0; i < bases; i++) {
          base[i] += group ? 0 : 1;
          RN_OPAQUE(base[i]);
        }
      }
    }
  }

  float *output = a->output + y * g->output_row + x * g->output_pixel + oc;
  const float *residual = a->residual;
  if (residual)
    residual += y * g->residual_row + x * g->output_pixel + oc;
  RN_UNROLL for (uint32_t p = 0; p < columns; p++) {
    store16(a, acc[p][0], residual, output);
    if (has_second)
      store16(a, acc[p][1], residual ? residual + 16 : 0, output + 16);
    output += g->output_pixel;
    if (residual)
      residual += g->output_pixel;
  }
}

RN_KIND_OF_TILES(of_4, 4, 12)
RN_KIND_OF_TILES(of_8, 8, 12)
RN_KIND_OF_TILES(wide, 0, 12)

static void convolve(const rn_grouped_float_args *a, uint32_t first, uint32_t last) {
  const uint32_t width = a->group_channels;
  require_grouped(&a->conv.geometry, width, a->kernel_columns);
  each_tile(&a->conv, first, last,
            width == 4   ? tile_of_4_of
            : width == 8 ? tile_of_8_of
                         : tile_wide_of,
            (tile_cut){max_pixels, 32, 32, 1});
}

#endif
