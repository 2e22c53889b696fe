// SPDX-License-Identifier: Apache-2.0
// Convolution of float32 activations by 256-bit vectors. The including file targets an instruction
// set and defines
//   weight                     the type of the weights
//   load_weights(from)         8 weights as float32
//
// Register tile: 6 output pixels x 16 output channels in 12 accumulators of 8 floats, each one
// chain of fused multiply-adds. A step takes one input value of each pixel, broadcast, and two
// vectors of weights: 12 VFMADD231PS to 8 loads, with 2 + 1 registers for weights and pixel.
//
//              weights [tap][oc 0-7]   [tap][oc 8-15]
//   pixel 0    acc 0                   acc 1
//     ...      ...                     ...
//   pixel 5    acc 10                  acc 11
//
// Latency 4 at two a cycle needs 8 chains and, for the loads to keep up, 10: a tile of 4 pixels has
// 8, one of 3 has 6. So tiles go on from row to row, with a pointer for each pixel: 49 pixels of
// 7x7 are four tiles of 5 and five of 6 instead of seven times 3 and 4.
#ifndef RN_CONV_FLOAT256_H
#define RN_CONV_FLOAT256_H

typedef rn_conv_float_args conv_args;
#include "../common/tiles.h"
#include "store_float256.h"

// Weights come from L2, and from L3 or memory for the first tile, 4 KB ahead.
enum { max_pixels = 6, ahead = 4096 / sizeof(weight) };

// `count` output pixels from (y, x) on, counted along rows; 16 output channels from oc on.
RN_ALWAYS_INLINE void tile(const conv_args *a, uint32_t oc, uint32_t y, uint32_t x,
                           const uint32_t count) {
  const rn_conv_geometry *g = &a->geometry;
  const size_t block = (size_t)g->kernel_rows * g->run * RN_CHANNEL_BLOCK, run = g->run;
  const weight *weights = (const weight *)a->weights + oc / RN_CHANNEL_BLOCK * block;

  const float *pixel[max_pixels];
  size_t output[max_pixels], residual[max_pixels];
  __m256 acc[max_pixels][2];
  const __m256 bias0 = _mm256_load_ps(a->bias + oc), bias1 = _mm256_load_ps(a->bias + oc + 8);
  RN_UNROLL for (uint32_t p = 0; p < count; p++) {
    pixel[p] = a->input + y * g->step_y + x * g->step_x;
    output[p] = y * g->output_row + x * g->output_pixel + oc;
    residual[p] = y * g->residual_row + x * g->output_pixel + oc;
    if (++x == g->output_width) {
      x = 0;
      y++;
    }
    acc[p][0] = bias0;
    acc[p][1] = bias1;
  }

  for (uint32_t r = 0; r < g->kernel_rows; r++) {
    for (size_t k = 0; k < run; k++) {
      const __m256 w0 = load_weights(weights);
      const __m256 w1 = load_weights(weights + 8);
      _mm_prefetch((const char *)(weights + ahead), _MM_HINT_T0);
      weights += RN_CHANNEL_BLOCK;
      RN_UNROLL for (uint32_t p = 0; p < count; p++) {
        const __m256 value = _mm256_broadcast_ss(pixel[p] + k);
        acc[p][0] = _mm256_fmadd_ps(value, w0, acc[p][0]);
        acc[p][1] = _mm256_fmadd_ps(value, w1, acc[p][1]);
      }
    }
    RN_UNROLL for (uint32_t p = 0; p < count; p++) pixel[p] += g->input_row;
  }

  RN_UNROLL for (uint32_t p = 0; p < count; p++) {
    const float *from = a->residual ? a->residual + residual[p] : 0;
    store8(a, acc[p][0], from, a->output + output[p]);
    store8(a, acc[p][1], from ? from + 8 : 0, a->output + output[p] + 8);
  }
}

RN_TILES(tile, 6)

static void convolve(const conv_args *a, uint32_t first, uint32_t last) {
  each_tile(a, first, last, tile_of, (tile_cut){max_pixels, 16, 16, 0});
}

#endif
