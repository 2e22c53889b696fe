// SPDX-License-Identifier: Apache-2.0
// int8 convolution, Armv8.0 without a dot product. Twin: ref/conv_q8_ref.c
//
// Two products of int8 fit int16: SMULL and SMLAL multiply 8 taps of 2 output channels, SADALP adds
// neighbours to int32, in 3 instructions for 16 products.
//
// Register tile: 2 output pixels x 16 output channels in 16 accumulators of 2 channels x 2 sums.
//
//              weights [2 oc][4 taps] x 2 groups, 8 pairs of channels
//   pixel 0    acc 0 ... acc 7       SMULL group 0, SMLAL group 1, SADALP for each accumulator
//   pixel 1    acc 8 ... acc 15
//
// Range: weights are -127...127, inputs -128...127: 2 * 127 * 128 = 32512.
#if defined(__aarch64__)
#include "../common/rn_target.h"
#include <arm_neon.h>

#include "conv_q8_neon.h"
#include "groups_neon.h"

enum { max_pixels = 2 };

// One group.
#define RN_SINGLE(vectors, group)                                                                  \
  do {                                                                                             \
    int8x16_t group4[max_pixels];                                                                  \
    RN_UNROLL for (uint32_t p = 0; p < pixels; p++) group4[p] = RN_TAPS((vectors)[p], group);      \
    single(acc, weights, group4, pixels);                                                          \
    weights += 64;                                                                                 \
    RN_UNROLL for (uint32_t p = 0; p < pixels; p++) RN_AFTER_SUMS(p);                              \
  } while (0)

// Rows of a kernel in steps of 16 taps and then, if they have a tail, of 4, 8 or 12; what is read
// beyond them is not multiplied. `run` is the taps of such a row.
RN_ALWAYS_INLINE void tile_taps(const rn_conv_q8_args *a, uint32_t oc, uint32_t y, uint32_t x,
                                const uint32_t pixels, const uint32_t run, const int has_tail) {
  const rn_conv_geometry *g = &a->geometry;
  const int8_t *weights =
      a->weights + (size_t)oc / RN_CHANNEL_BLOCK * g->kernel_rows * g->run * RN_CHANNEL_BLOCK;
  const int8_t *input[max_pixels];
  int32x4_t acc[max_pixels][8];
  locate(a, y, x, pixels, input);
  RN_UNROLL for (uint32_t p = 0; p < pixels; p++) RN_UNROLL for (uint32_t i = 0; i < 8; i++)
      acc[p][i] = vdupq_n_s32(0);
  const ptrdiff_t whole = run / 16 * 16;
  size_t row = 0;
  for (uint32_t r = 0; r < g->kernel_rows; r++, row += g->input_row) {
    int8x16_t d[max_pixels];
    const int8_t *end[max_pixels];
    whole_steps_end(input, row + whole, pixels, end);
    for (ptrdiff_t tap = -whole; tap; tap += 16) {
      RN_UNROLL for (uint32_t p = 0; p < pixels; p++) d[p] = vld1q_s8(end[p] + tap);
      RN_PAIR(d, 0);
      RN_PAIR(d, 2);
    }
    if (has_tail && whole < run) {
      RN_UNROLL for (uint32_t p = 0; p < pixels; p++) d[p] = vld1q_s8(end[p]);
      switch (run - whole) {
      case 4:
        RN_SINGLE(d, 0);
        break;
      case 8:
        RN_PAIR(d, 0);
        break;
      default:
        RN_PAIR(d, 0);
        RN_SINGLE(d, 2);
      }
    }
  }
  int32x4_t sums[max_pixels][4];
  RN_UNROLL for (uint32_t p = 0; p < pixels; p++) RN_UNROLL for (uint32_t i = 0; i < 4; i++)
      sums[p][i] =
          vaddq_s32(vpaddq_s32(acc[p][2 * i], acc[p][2 * i + 1]), vld1q_s32(a->bias + oc + 4 * i));
  finish(a, sums, oc, y, x, pixels, 0);
}

RN_ALWAYS_INLINE void tile(const rn_conv_q8_args *a, uint32_t oc, uint32_t y, uint32_t x,
                           const uint32_t pixels) {
  tile_taps(a, oc, y, x, pixels, a->geometry.run, 1);
}

RN_ALWAYS_INLINE void tile_16(const rn_conv_q8_args *a, uint32_t oc, uint32_t y, uint32_t x,
                              const uint32_t pixels) {
  tile_taps(a, oc, y, x, pixels, a->geometry.run, 0);
}

// 7 pixels of 3 channels: the stem.
RN_ALWAYS_INLINE void tile_24(const rn_conv_q8_args *a, uint32_t oc, uint32_t y, uint32_t x,
                              const uint32_t pixels) {
  tile_taps(a, oc, y, x, pixels, 24, 1);
}

RN_TILES(tile, 2)
RN_TILES(tile_16, 2)
RN_TILES(tile_24, 2)

void rn_conv_q8_neon(const rn_conv_q8_args *a, uint32_t first, uint32_t last) {
  const uint32_t run = a->geometry.run;
  each_tile(a, first, last,
            run == 24  ? tile_24_of
            : run % 16 ? tile_of
                       : tile_16_of,
            (tile_cut){max_pixels, 16, 32, 0});
}
#endif
