// SPDX-License-Identifier: Apache-2.0
// Grouped convolution of float32 activations by 256-bit vectors. The including file targets an
// instruction set and defines
//   weight                     the type of the weights
//   load_weights(from)         8 weights as float32
//
// Register tile: 6 output pixels x 16 output channels in 12 accumulators of 8 floats, each one
// chain of fused multiply-adds. A step takes one input value of each group and pixel: of groups of
// 4, those of two groups, each in its lane; of wider ones a value broadcast, which is the same for
// both accumulators from groups of 16 on.
//
//              weights [channel k][oc 0-7]    [channel k][oc 8-15]
//   pixel 0    acc 0                          acc 1
//     ...      ...                            ...        12 VFMADD231PS, 8 or 14 loads, and
//   pixel 5    acc 10                         acc 11     12 VPERMILPS for groups of 4
#ifndef RN_GROUPED_FLOAT256_H
#define RN_GROUPED_FLOAT256_H

typedef rn_conv_float_args conv_args;
#include "../common/tiles.h"
#include "store_float256.h"

enum { max_pixels = 6 };

// Groups of 4, of 8, and wider ones.
typedef enum kind { of_4, of_8, wide } kind;

// Channel k of the groups of 8 output channels.
RN_ALWAYS_INLINE __m256 channel(const float *input, uint32_t k, const kind kind) {
  if (kind != of_4)
    return _mm256_broadcast_ss(input + k);
  const __m256 groups = _mm256_loadu_ps(input);
  switch (k) {
  case 0:
    return _mm256_permute_ps(groups, 0x00);
  case 1:
    return _mm256_permute_ps(groups, 0x55);
  case 2:
    return _mm256_permute_ps(groups, 0xaa);
  default:
    return _mm256_permute_ps(groups, 0xff);
  }
}

// `count` output pixels from (y, x) on, counted along rows; 16 output channels from oc on.
RN_ALWAYS_INLINE void tile(const conv_args *a, uint32_t oc, uint32_t y, uint32_t x,
                           const uint32_t count, const kind kind) {
  const rn_grouped_float_args *grouped = (const rn_grouped_float_args *)a;
  const rn_conv_geometry *g = &a->geometry;
  const uint32_t width = kind == of_4 ? 4 : kind == of_8 ? 8 : grouped->group_channels;
  const uint32_t kernel_columns = grouped->kernel_columns;
  const weight *weights =
      (const weight *)a->weights + (size_t)oc * g->kernel_rows * kernel_columns * width;

  const float *pixel[max_pixels];
  size_t output[max_pixels], residual[max_pixels];
  __m256 acc[max_pixels][2];
  const __m256 bias0 = _mm256_load_ps(a->bias + oc), bias1 = _mm256_load_ps(a->bias + oc + 8);
  RN_UNROLL for (uint32_t p = 0; p < count; p++) {
    pixel[p] = a->input + y * g->step_y + x * g->step_x + oc / g->run * g->run;
    output[p] = y * g->output_row + x * g->output_pixel + oc;
    residual[p] = y * g->residual_row + x * g->output_pixel + oc;
    if (++x == g->output_width) {
      x = 0;
      y++;
    }
    acc[p][0] = bias0;
    acc[p][1] = bias1;
  }

  size_t row = 0;
  for (uint32_t r = 0; r < g->kernel_rows; r++, row += g->input_row) {
    size_t tap = row;
    for (uint32_t c = 0; c < kernel_columns; c++, tap += grouped->input_column) {
// Channel k: a constant in groups of 4.
#define RN_CHANNEL(k)                                                                              \
  do {                                                                                             \
    const __m256 w0 = load_weights(weights), w1 = load_weights(weights + 8);                       \
    weights += RN_CHANNEL_BLOCK;                                                                   \
    RN_UNROLL for (uint32_t p = 0; p < count; p++) {                                               \
      const __m256 value = channel(pixel[p] + tap, k, kind);                                       \
      acc[p][0] = _mm256_fmadd_ps(value, w0, acc[p][0]);                                           \
      acc[p][1] = _mm256_fmadd_ps(kind == wide ? value : channel(pixel[p] + tap + 8, k, kind), w1, \
                                  acc[p][1]);                                                      \
    }                                                                                              \
  } while (0)
      if (kind == of_4) {
        RN_CHANNEL(0);
        RN_CHANNEL(1);
        RN_CHANNEL(2);
        RN_CHANNEL(3);
      } else {
        for (uint32_t k = 0; k < width; k++)
          RN_CHANNEL(k);
      }
#undef RN_CHANNEL
    }
  }

  RN_UNROLL for (uint32_t p = 0; p < count; p++) {
    const float *from = a->residual ? a->residual + residual[p] : 0;
    store8(a, acc[p][0], from, a->output + output[p]);
    store8(a, acc[p][1], from ? from + 8 : 0, a->output + output[p] + 8);
  }
}

RN_KIND_OF_TILES(of_4, of_4, 6)
RN_KIND_OF_TILES(of_8, of_8, 6)
RN_KIND_OF_TILES(wide, wide, 6)

static void convolve(const rn_grouped_float_args *a, uint32_t first, uint32_t last) {
  static tile_function *const *const tiles[] = {tile_of_4_of, tile_of_8_of, tile_wide_of};
  const uint32_t width = a->group_channels;
  const kind kind = width == 4 ? of_4 : width == 8 ? of_8 : wide;
  require_grouped(&a->conv.geometry, width, a->kernel_columns);
  each_tile(&a->conv, first, last, tiles[kind], (tile_cut){max_pixels, 16, 32, 0});
}

#endif
