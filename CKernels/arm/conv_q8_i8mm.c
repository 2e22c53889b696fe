// SPDX-License-Identifier: Apache-2.0
// int8 convolution, SMMLA. Twin: ref/conv_q8_ref.c
//
// SMMLA multiplies 2 pixels x 8 taps by 8 taps x 2 channels. Two groups of weights hold 4 + 4 taps
// of each channel, which ZIP1 and ZIP2 of 32 bits bring together.
//
// Register tile: 6 output pixels in 3 pairs x 16 output channels in 24 accumulators of 2 x 2 int32.
// With w0 and w1 the vectors of 4 channels' taps 0-3 and 4-7, one of four quads of channels:
//
//   w0      oc0: 0-3    oc1: 0-3    oc2: 0-3    oc3: 0-3
//   w1      oc0: 4-7    oc1: 4-7    oc2: 4-7    oc3: 4-7
//   ZIP1    oc0: 0-3    oc0: 4-7    oc1: 0-3    oc1: 4-7      2 channels x 8 taps
//   ZIP2    oc2: 0-3    oc2: 4-7    oc3: 0-3    oc3: 4-7
//
//                                ZIP1 of quad q       ZIP2 of quad q
//   pixels 0, 1   [2][8 taps]    acc 0, 2 q           acc 0, 2 q + 1      each [2 pixels][2 oc]
//      ...                       ...                  ...
//   pixels 4, 5   [2][8 taps]    acc 2, 2 q           acc 2, 2 q + 1
//
// 8 taps are 24 SMMLA for 8 permutations and 14 loads, where SDOT takes 48.
#if defined(__aarch64__)
#include "../common/rn_target.h"
#include <arm_neon.h>
#include <string.h>

RN_TARGET_PUSH("i8mm")
#include "conv_q8_neon.h"
#include "groups_i8mm.h"

enum { max_pixels = 6 };

// 4 taps and 4 zeros.
RN_ALWAYS_INLINE int8x8_t taps4(const int8_t *taps) {
  uint32_t four;
  memcpy(&four, taps, 4);
  return vcreate_s8(four);
}

RN_ALWAYS_INLINE void tile(const rn_conv_q8_args *a, uint32_t oc, uint32_t y, uint32_t x,
                           const uint32_t pixels) {
  const rn_conv_geometry *g = &a->geometry;
  const uint32_t pairs = (pixels + 1) / 2;
  const int8_t *weights =
      a->weights + (size_t)oc / RN_CHANNEL_BLOCK * g->kernel_rows * g->run * RN_CHANNEL_BLOCK;
  const int8_t *input[max_pixels + 1];
  locate(a, y, x, pixels, input);
  // A missing second pixel is computed as a copy of the first and not stored.
  if (pixels % 2)
    input[pixels] = input[pixels - 1];
  int32x4_t acc[max_pixels / 2][8];
  start_pairs(acc, a->bias + oc, pairs);
  size_t row = 0;
  for (uint32_t r = 0; r < g->kernel_rows; r++, row += g->input_row) {
    uint32_t tap = 0;
    for (; tap + 8 <= g->run; tap += 8, weights += 128) {
      int8x16_t d[max_pixels / 2];
      RN_UNROLL for (uint32_t p = 0; p < pairs; p++) d[p] =
          vcombine_s8(vld1_s8(input[2 * p] + row + tap), vld1_s8(input[2 * p + 1] + row + tap));
      step(acc, d, weights, 64, pairs);
    }
    if (tap < g->run) {
      // 4 taps: the second group of weights meets zeros, so it may be the first once more.
      int8x16_t d[max_pixels / 2];
      RN_UNROLL for (uint32_t p = 0; p < pairs; p++) d[p] =
          vcombine_s8(taps4(input[2 * p] + row + tap), taps4(input[2 * p + 1] + row + tap));
      step(acc, d, weights, 0, pairs);
      weights += 64;
    }
  }
  int32x4_t sums[max_pixels + 1][4];
  part_pairs(acc, sums, pairs);
  finish(a, sums, oc, y, x, pixels, 0);
}

RN_TILES(tile, 6)

void rn_conv_q8_i8mm(const rn_conv_q8_args *a, uint32_t first, uint32_t last) {
  each_tile(a, first, last, tile_of, (tile_cut){max_pixels, 16, 32, 0});
}

RN_TARGET_POP
#endif
