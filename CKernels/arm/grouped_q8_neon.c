// SPDX-License-Identifier: Apache-2.0
// Grouped int8 convolution, Armv8.0 without a dot product. Twin: ref/grouped_q8_ref.c
//
// SMULL and SMLAL multiply two taps, SADALP adds neighbours to int32, as in the dense convolution.
// In groups of 4 and 8 they multiply the 16 input channels of a tap as they are: lane j has the
// input channels 4j ... 4j + 3, and the weights those of an output channel of that group.
//
// Register tiles of 16 output channels in 16 accumulators of 2 sums in each half:
//
//   groups of 4    weights[oc 4j + L][4 ic] of L 0...3, of two taps
//   pixel 0        acc 0 ... acc 7       j 0 and 1 in the even ones, 2 and 3 in the odd ones
//   pixel 1        acc 8 ... acc 15
//
//   groups of 8    weights[oc 8(j/2) + L][4 ic] of L 0...3, and of oc 8(j/2) + 4 + L
//   pixel 0        acc 0 ... acc 7                          acc 8 ... acc 15
//
// ADDP adds what belongs together; bytes are put in order at the end. In wider groups the two are
// neighbouring groups of 4 input channels, in all lanes.
//
// Range: weights are -127...127, inputs -128...127: 2 * 127 * 128 = 32512.
#if defined(__aarch64__)
#include "../common/rn_target.h"
#include <arm_neon.h>

#include "conv_q8_neon.h"
#include "groups_neon.h"

enum { max_pixels = 2 };

// Groups of 4, of 8, and wider ones.
typedef enum kind { of_4, of_8, wide } kind;

// Two taps of groups of 8, or one: 4 vectors of weights, 128 bytes from one tap to the next.
RN_ALWAYS_INLINE void half(int32x4_t acc[8], const int8_t *weights, int8x16_t d0, int8x16_t d1,
                           const int is_pair) {
  RN_UNROLL for (uint32_t i = 0; i < 4; i++) {
    const int8x16_t w0 = vld1q_s8(weights + 16 * i);
    int16x8_t low = vmull_s8(vget_low_s8(w0), vget_low_s8(d0)), high = vmull_high_s8(w0, d0);
    if (is_pair) {
      const int8x16_t w1 = vld1q_s8(weights + 16 * i + 128);
      low = vmlal_s8(low, vget_low_s8(w1), vget_low_s8(d1));
      high = vmlal_high_s8(high, w1, d1);
    }
    acc[2 * i] = vpadalq_s16(acc[2 * i], low);
    acc[2 * i + 1] = vpadalq_s16(acc[2 * i + 1], high);
  }
}

// `pixels` output pixels from (y, x) on, continuing on the rows below.
RN_ALWAYS_INLINE void tile(const rn_conv_q8_args *a, uint32_t oc, uint32_t y, uint32_t x,
                           const uint32_t pixels, const kind kind) {
  const rn_grouped_q8_args *grouped = (const rn_grouped_q8_args *)a;
  const rn_conv_geometry *g = &a->geometry;
  const uint32_t width = kind == of_4 ? 4 : kind == of_8 ? 8 : grouped->group_channels;
  const uint32_t kernel_columns = grouped->kernel_columns, taps = g->kernel_rows * kernel_columns;
  const order order = kind == of_4 ? order_of_4 : kind == of_8 ? order_of_8 : natural;
  const int8_t *weights = a->weights + (size_t)oc * taps * width;
  // The second half of groups of 8 is that of a pixel more.
  int32x4_t acc[max_pixels][8];
  RN_UNROLL for (uint32_t p = 0; p < (kind == of_8 ? 2 : pixels); p++)
      RN_UNROLL for (uint32_t i = 0; i < 8; i++) acc[p][i] = vdupq_n_s32(0);
  const int8_t *input[max_pixels];
  locate(a, y, x, pixels, input);

  size_t row = oc / g->run * g->run, offset = row;
  uint32_t column = 0;
#define RN_NEXT_TAP                                                                                \
  offset += grouped->input_column;                                                                 \
  if (++column == kernel_columns) {                                                                \
    column = 0;                                                                                    \
    offset = row += g->input_row;                                                                  \
  }
#define RN_LOAD_TAP(d)                                                                             \
  RN_UNROLL for (uint32_t p = 0; p < pixels; p++) d[p] = vld1q_s8(input[p] + offset);              \
  RN_NEXT_TAP
  int8x16_t d0[max_pixels], d1[max_pixels];
  uint32_t tap = 0;
  for (; kind == wide && tap < taps; tap++) {
    int8x16_t d[max_pixels];
    for (uint32_t k = 0; k < width; k += 16) {
      RN_UNROLL for (uint32_t p = 0; p < pixels; p++) d[p] = vld1q_s8(input[p] + offset + k);
      RN_PAIR(d, 0);
      RN_PAIR(d, 2);
    }
    RN_NEXT_TAP
  }
  for (; kind != wide && tap + 2 <= taps; tap += 2) {
    RN_LOAD_TAP(d0)
    RN_LOAD_TAP(d1)
    if (kind == of_4) {
      weights = pair(acc, weights, d0, d1, pixels);
    } else {
      half(acc[0], weights, d0[0], d1[0], 1);
      RN_AFTER_SUMS(0);
      half(acc[1], weights + 64, d0[0], d1[0], 1);
      weights += 256;
      RN_AFTER_SUMS(1);
    }
  }
  if (kind != wide && tap < taps) {
    RN_LOAD_TAP(d0)
    if (kind == of_4) {
      single(acc, weights, d0, pixels);
    } else {
      half(acc[0], weights, d0[0], d0[0], 0);
      half(acc[1], weights + 64, d0[0], d0[0], 0);
    }
  }
#undef RN_LOAD_TAP
#undef RN_NEXT_TAP

  int32x4_t bias[4], sums[max_pixels][4];
  load_ordered(a->bias + oc, order, bias);
  RN_UNROLL for (uint32_t p = 0; p < pixels; p++) RN_UNROLL for (uint32_t i = 0; i < 4; i++) {
    int32x4_t sum = vpaddq_s32(acc[p][2 * i], acc[p][2 * i + 1]);
    if (kind == of_8)
      sum = vpaddq_s32(sum, vpaddq_s32(acc[1][2 * i], acc[1][2 * i + 1]));
    sums[p][i] = vaddq_s32(sum, bias[i]);
  }
  finish_ordered(a, sums, oc, y, x, pixels, 0, order);
}

RN_KIND_OF_TILES(of_4, of_4, 2)
RN_KIND_OF_TILES(of_8, of_8, 1)
RN_KIND_OF_TILES(wide, wide, 2)

void rn_grouped_q8_neon(const rn_grouped_q8_args *a, uint32_t first, uint32_t last) {
  const rn_conv_q8_args *conv = &a->conv;
  require_grouped(&conv->geometry, a->group_channels, a->kernel_columns);
  if (a->group_channels == 4)
    each_tile(conv, first, last, tile_of_4_of, (tile_cut){2, 16, 32, 0});
  else if (a->group_channels == 8)
    each_tile(conv, first, last, tile_of_8_of, (tile_cut){1, 16, 32, 0});
  else
    each_tile(conv, first, last, tile_wide_of, (tile_cut){2, 16, 32, 0});
}
#endif
