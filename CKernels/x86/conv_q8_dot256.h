// SPDX-License-Identifier: Apache-2.0
// int8 convolution by 256-bit VPDPBUSD, for both encodings of the instruction. The including file
// targets an instruction set and defines RN_DOT256(sums, pixels, weights).
//
// Register tile: 6 output pixels x 16 output channels in 12 accumulators of 8 int32. A step
// multiplies 4 input channels (or taps) of each pixel, broadcast, by two vectors of weights:
//
//                  weights[4 ic][oc 0-7]  weights[4 ic][oc 8-15]        ymm12, ymm13
//   pixel  0 4 ic  acc 0                  acc 1
//      ...         ...                    ...                           12 VPDPBUSD, 8 loads
//   pixel  5 4 ic  acc 10                 acc 11
//
// The accumulators, the weights and a broadcast fill the 16 registers of the VEX encoding but for
// one. Where two VPDPBUSD of latency 5 can start in each cycle, a tile of less than 5 pixels is
// bound by the latency, so the pixels of a tile are taken from as many rows as it needs: that
// keeps the tiles of the 7x7 stage full, and every load of its weights serves 5 or 6 pixels.
#ifndef RN_CONV_Q8_DOT256_H
#define RN_CONV_Q8_DOT256_H

typedef rn_conv_q8_args conv_args;
#include "../common/tiles.h"
#include <immintrin.h>
#include <string.h>

enum { max_pixels = 6 };
#include "finish_q8_256.h"

RN_ALWAYS_INLINE __m256i broadcast4(const uint8_t *bytes) {
  int32_t four;
  memcpy(&four, bytes, 4);
  return _mm256_set1_epi32(four);
}

// `pixels` output pixels from (y, x) on, continuing on the rows below; 16 output channels.
RN_ALWAYS_INLINE void tile(const conv_args *a, uint32_t oc, uint32_t y, uint32_t x,
                           const uint32_t pixels) {
  const rn_conv_geometry *g = &a->geometry;
  const size_t block = (size_t)g->kernel_rows * g->run * RN_CHANNEL_BLOCK;
  const int8_t *weights = a->weights + oc / RN_CHANNEL_BLOCK * block;
  const __m256i bias0 = _mm256_load_si256((const __m256i *)(a->bias + oc));
  const __m256i bias1 = _mm256_load_si256((const __m256i *)(a->bias + oc + 8));

  __m256i acc[max_pixels][2];
  const uint8_t *input[max_pixels], *next = a->input + y * g->step_y + x * g->step_x;
  const size_t wrap = g->step_y - g->output_width * g->step_x;
  uint32_t column = x;
  RN_UNROLL for (uint32_t p = 0; p < pixels; p++) {
    acc[p][0] = bias0;
    acc[p][1] = bias1;
    input[p] = next;
    next += g->step_x;
    if (++column == g->output_width) {
      column = 0;
      next += wrap;
    }
  }

  // One offset from all the pixels' pointers.
  size_t offset = 0;
  for (uint32_t r = 0; r < g->kernel_rows; r++) {
    for (const size_t end = offset + g->run; offset < end;) {
      const __m256i w0 = _mm256_load_si256((const __m256i *)weights);
      const __m256i w1 = _mm256_load_si256((const __m256i *)(weights + 32));
      // The weights of the next block, which may not be in the second cache yet: the reading of
      // one stream alone waits for the memory. Past the last block this does nothing.
      _mm_prefetch((const char *)weights + block, _MM_HINT_T1);
      weights += 64;
      RN_UNROLL for (uint32_t p = 0; p < pixels; p++) {
        const __m256i pixel = broadcast4(input[p] + offset);
        acc[p][0] = RN_DOT256(acc[p][0], pixel, w0);
        acc[p][1] = RN_DOT256(acc[p][1], pixel, w1);
      }
      offset += 4;
    }
    offset += g->input_row - g->run;
  }

  if (a->residual)
    finish(a, acc, oc, y, x, pixels, natural, 1);
  else
    finish(a, acc, oc, y, x, pixels, natural, 0);
}

RN_TILES(tile, 6)

RN_ALWAYS_INLINE void conv_q8_dot256(const conv_args *a, uint32_t first, uint32_t last) {
  each_tile(a, first, last, tile_of, (tile_cut){max_pixels, 16, 32, 0});
}

#endif
