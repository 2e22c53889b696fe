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

enum { max_pixels = 6 };

// 8 taps of the pairs of pixels in d: the groups of weights at `weights` and `distance` after it.
RN_ALWAYS_INLINE void step(int32x4_t acc[][8], const int8x16_t *d, const int8_t *weights,
                           const size_t distance, const uint32_t pairs) {
  RN_UNROLL for (uint32_t i = 0; i < 4; i++) {
    const int32x4_t w0 = vreinterpretq_s32_s8(vld1q_s8(weights + 16 * i));
    const int32x4_t w1 = vreinterpretq_s32_s8(vld1q_s8(weights + distance + 16 * i));
    const int8x16_t low = vreinterpretq_s8_s32(vzip1q_s32(w0, w1));
    const int8x16_t high = vreinterpretq_s8_s32(vzip2q_s32(w0, w1));
    RN_UNROLL for (uint32_t p = 0; p < pairs; p++) {
      acc[p][2 * i] = vmmlaq_s32(acc[p][2 * i], d[p], low);
      acc[p][2 * i + 1] = vmmlaq_s32(acc[p][2 * i + 1], d[p], high);
    }
    // Keeps the next load of weights behind these sums, or the compiler loads all and spills.
    RN_UNROLL for (uint32_t p = 0; p < pairs; p++) __asm__ volatile(
        "" : "+w"(acc[p][2 * i]), "+w"(acc[p][2 * i + 1]), "+r"(weights));
  }
}

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
  RN_UNROLL for (uint32_t i = 0; i < 8; i++) {
    const int64x2_t bias =
        vreinterpretq_s64_s32(vcombine_s32(vld1_s32(a->bias + oc + 2 * i), vdup_n_s32(0)));
    RN_UNROLL for (uint32_t p = 0; p < pairs; p++) acc[p][i] =
        vreinterpretq_s32_s64(vdupq_laneq_s64(bias, 0));
  }
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
  // An accumulator holds 2 channels of the first pixel and then of the second.
  int32x4_t sums[max_pixels + 1][4];
  RN_UNROLL for (uint32_t p = 0; p < pairs; p++) RN_UNROLL for (uint32_t i = 0; i < 4; i++) {
    const int64x2_t one = vreinterpretq_s64_s32(acc[p][2 * i]);
    const int64x2_t two = vreinterpretq_s64_s32(acc[p][2 * i + 1]);
    sums[2 * p][i] = vreinterpretq_s32_s64(vzip1q_s64(one, two));
    sums[2 * p + 1][i] = vreinterpretq_s32_s64(vzip2q_s64(one, two));
  }
  finish(a, sums, oc, y, x, pixels, 0);
}

RN_TILES(tile, 6)

void rn_conv_q8_i8mm(const rn_conv_q8_args *a, uint32_t first, uint32_t last) {
  each_tile(a, first, last, tile_of, (tile_cut){max_pixels, 16, 32, 0});
}

RN_TARGET_POP
#endif
