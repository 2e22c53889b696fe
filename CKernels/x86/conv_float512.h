// SPDX-License-Identifier: Apache-2.0
// Convolution of float32 activations by 512-bit vectors. The including file targets an instruction
// set and defines
//   weight                     the type of the weights
//   load_weights(from)         16 weights as float32
//
// Register tile: 12 output pixels x 32 output channels in 24 accumulators of 16 floats, each one
// chain of fused multiply-adds. A step takes one input value of each pixel, broadcast, and two
// vectors of weights: 24 VFMADD231PS to 14 loads. Latency 4 at two a cycle needs 8 chains.
//
//               weights [tap][oc 0-15]   [tap][oc 16-31]
//   pixel  0    acc 0                    acc 1
//      ...      ...                      ...
//   pixel 11    acc 22                   acc 23
#ifndef RN_CONV_FLOAT512_H
#define RN_CONV_FLOAT512_H

typedef rn_conv_float_args conv_args;
#include "../common/tiles.h"
#include "store_float512.h"

// Weights come from L2, and from L3 or memory for the first row, 4 KB ahead.
enum { max_pixels = 12, blocks = 2, ahead = 4096 / sizeof(weight) };

// `columns` output pixels of row y from x on; `oc` is the first of 32 output channels, or of 16 if
// it starts the last block of an odd number. A missing second block is computed as a copy of the
// first and not stored.
RN_ALWAYS_INLINE void tile(const conv_args *a, uint32_t oc, uint32_t y, uint32_t x,
                           const uint32_t columns) {
  const rn_conv_geometry *g = &a->geometry;
  const uint32_t bases = (columns + 4) / 5;
  const size_t step = g->step_x, step3 = 3 * step;
  const size_t block = (size_t)g->kernel_rows * g->run * RN_CHANNEL_BLOCK;
  const int has_second = oc / RN_CHANNEL_BLOCK + 1 < g->output_blocks;
  const size_t second = has_second ? block : 0;
  const weight *weights = (const weight *)a->weights + oc / RN_CHANNEL_BLOCK * block;

  __m512 acc[max_pixels][blocks];
  const __m512 bias0 = _mm512_load_ps(a->bias + oc);
  const __m512 bias1 = _mm512_load_ps(a->bias + oc + (has_second ? RN_CHANNEL_BLOCK : 0));
  RN_UNROLL for (uint32_t p = 0; p < columns; p++) {
    acc[p][0] = bias0;
    acc[p][1] = bias1;
  }

  for (uint32_t r = 0; r < g->kernel_rows; r++) {
    const float *base[3];
    const float *first = a->input + y * g->step_y + r * g->input_row + x * step;
    RN_UNROLL for (uint32_t i = 0; i < bases; i++) base[i] = first + i * 5 * step;
    for (uint32_t k = 0; k < g->run; k++) {
      const __m512 w0 = load_weights(weights);
      const __m512 w1 = load_weights(weights + second);
      _mm_prefetch((const char *)(weights + ahead), _MM_HINT_T0);
      _mm_prefetch((const char *)(weights + second + ahead), _MM_HINT_T0);
      weights += RN_CHANNEL_BLOCK;
      RN_UNROLL for (uint32_t p = 0; p < columns; p++) {
        const size_t offset = p % 5 == 3 ? step3 : p % 5 * step;
        const __m512 pixel = _mm512_set1_ps(base[p / 5][offset]);
        acc[p][0] = _mm512_fmadd_ps(pixel, w0, acc[p][0]);
        acc[p][1] = _mm512_fmadd_ps(pixel, w1, acc[p][1]);
      }
      RN_UNROLL for (uint32_t i = 0; i < bases; i++) {
        base[i] += 1;
        RN_OPAQUE(base[i]);
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

RN_TILES(tile, 12)

static void convolve(const conv_args *a, uint32_t first, uint32_t last) {
  each_tile(a, first, last, tile_of, (tile_cut){max_pixels, 32, 32, 1});
}

#endif
