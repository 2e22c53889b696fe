// SPDX-License-Identifier: Apache-2.0
// int8 convolution, SDOT by element. Twin: ref/conv_q8_ref.c
//
// Register tile: 5 output pixels x 16 output channels in 20 accumulators of 4 int32. A vector of a
// pixel holds 16 input channels, of which each SDOT takes 4 by element:
//
//                  weights[4 oc][4 ic] x 4, one LD1 of 64 bytes
//   pixel  0 4 ic  acc 0 ... acc 3
//      ...         ...                     20 SDOT for one load, and 5 loads for 16 channels
//   pixel  4 4 ic  acc 16 ... acc 19
//
// A 3x3 kernel with stride 1 takes 7 neighbouring pixels for three taps: 7 + 12 loads for 240 SDOT.
#if defined(__aarch64__)
#include "../common/rn_target.h"
#include <arm_neon.h>

RN_TARGET_PUSH("dotprod")
#include "conv_q8_neon.h"
#include "groups_neondot.h"

enum { max_pixels = 5 };

RN_ALWAYS_INLINE const int8_t *start(const rn_conv_q8_args *a, uint32_t oc, const uint32_t pixels,
                                     int32x4_t acc[][4]) {
  const rn_conv_geometry *g = &a->geometry;
  RN_UNROLL for (uint32_t p = 0; p < pixels; p++) RN_UNROLL for (uint32_t i = 0; i < 4; i++)
      acc[p][i] = vld1q_s32(a->bias + oc + 4 * i);
  return a->weights + (size_t)oc / RN_CHANNEL_BLOCK * g->kernel_rows * g->run * RN_CHANNEL_BLOCK;
}

// Any kernel: 16 taps of each pixel in a step, and then 4, 8 or 12 if rows of the kernel have a
// tail; what is read beyond them is not multiplied. `run` is the taps of such a row.
RN_ALWAYS_INLINE void tile_taps(const rn_conv_q8_args *a, uint32_t oc, uint32_t y, uint32_t x,
                                const uint32_t pixels, const uint32_t run, const int has_tail) {
  const rn_conv_geometry *g = &a->geometry;
  int32x4_t acc[max_pixels][4];
  const int8_t *weights = start(a, oc, pixels, acc), *input[max_pixels];
  locate(a, y, x, pixels, input);
  const ptrdiff_t whole = run / 16 * 16;
  size_t row = 0;
  for (uint32_t r = 0; r < g->kernel_rows; r++, row += g->input_row) {
    int8x16_t pixel[max_pixels];
    const int8_t *end[max_pixels];
    whole_steps_end(input, row + whole, pixels, end);
    for (ptrdiff_t tap = -whole; tap; tap += 16) {
      RN_UNROLL for (uint32_t p = 0; p < pixels; p++) pixel[p] = vld1q_s8(end[p] + tap);
      RN_GROUPS(pixel, weights);
    }
    if (has_tail && whole < run) {
      RN_UNROLL for (uint32_t p = 0; p < pixels; p++) pixel[p] = vld1q_s8(end[p]);
      RN_GROUP(pixel, 0, weights);
      if (run - whole > 4)
        RN_GROUP(pixel, 1, weights);
      if (run - whole > 8)
        RN_GROUP(pixel, 2, weights);
    }
  }
  finish(a, acc, oc, y, x, pixels, 0);
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

// 3x3 with stride 1, all pixels in one row, input channels a multiple of 16.
RN_ALWAYS_INLINE void tile_3x3(const rn_conv_q8_args *a, uint32_t oc, uint32_t y, uint32_t x,
                               const uint32_t pixels) {
  const rn_conv_geometry *g = &a->geometry;
  int32x4_t acc[max_pixels][4];
  const int8_t *weights = start(a, oc, pixels, acc);
  const int8_t *row = (const int8_t *)a->input + y * g->step_y + x * g->step_x;
  sum_3x3(acc, row, g->input_row, g->step_x, weights, g->step_x, pixels);
  finish(a, acc, oc, y, x, pixels, 1);
}

RN_TILES(tile, 5)
RN_TILES(tile_16, 5)
RN_TILES(tile_24, 5)
RN_TILES(tile_3x3, 5)

void rn_conv_q8_neondot(const rn_conv_q8_args *a, uint32_t first, uint32_t last) {
  const rn_conv_geometry *g = &a->geometry;
  // Neighbours are of one row, so each unit has tiles of its own.
  if (g->kernel_rows == 3 && g->run == 3 * g->step_x && g->step_x % 16 == 0)
    return each_tile(a, first, last, tile_3x3_of, (tile_cut){max_pixels, 16, 32, 1});
  each_tile(a, first, last,
            g->run == 24  ? tile_24_of
            : g->run % 16 ? tile_of
                          : tile_16_of,
            (tile_cut){max_pixels, 16, 32, 0});
}

RN_TARGET_POP
#endif
