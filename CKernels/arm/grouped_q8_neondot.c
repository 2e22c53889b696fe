// SPDX-License-Identifier: Apache-2.0
// Grouped int8 convolution, SDOT. Twin: ref/grouped_q8_ref.c
//
// Register tiles of 16 output channels in up to 24 accumulators of 4 int32. In groups of 4 and 8 an
// SDOT multiplies the 16 input channels of a tap as they are. Lane j has the input channels 4j ...
// 4j + 3, so each lane of an accumulator has an output channel of that group:
//
//   groups of 4    weights[oc 4j + L][4 ic] of L 0...3, one LD1 of 64 bytes
//   pixel 0        acc 0 ... acc 3
//     ...          ...                      24 SDOT, 7 loads
//   pixel 5        acc 20 ... acc 23
//
//   groups of 8    weights[oc 8(j/2) + L][4 ic] of L 0...3, and of oc 8(j/2) + 4 + L
//   pixel 0        acc 0 ... acc 3                          acc 4 ... acc 7
//     ...          ...                                      ...             24 SDOT, 5 loads
//   pixel 2        acc 16 ... acc 19                        acc 20 ... acc 23
//
// A sum of the latter is in two neighbouring lanes, each of one half of the group's channels, which
// ADDP adds; bytes are put in order at the end. In wider groups each SDOT takes 4 of 16 input
// channels by element, as in the dense convolution: 5 pixels in 20 accumulators.
//
// A 3x3 kernel with stride 1 takes neighbouring pixels for the three taps of a row, each loaded
// once: in groups of 4 those of 5 pixels, 7 + 3 loads for 60 SDOT; in groups of 8 those of 3, 5 + 6
// loads for 72 SDOT.
#if defined(__aarch64__)
#include "../common/rn_target.h"
#include <arm_neon.h>

RN_TARGET_PUSH("dotprod")
#include "conv_q8_neon.h"
#include "groups_neondot.h"

enum { max_pixels = 6 };

// Groups of 4, of 8, and wider ones.
typedef enum kind { of_4, of_8, wide } kind;

RN_ALWAYS_INLINE order order_of(const kind kind) {
  return kind == of_4 ? order_of_4 : kind == of_8 ? order_of_8 : natural;
}

RN_ALWAYS_INLINE uint32_t width_of(const rn_grouped_q8_args *a, const kind kind) {
  return kind == of_4 ? 4 : kind == of_8 ? 8 : a->group_channels;
}

// Four vectors of weights times the 16 channels of each pixel.
RN_ALWAYS_INLINE const int8_t *multiply(int32x4_t acc[][4], const int8_t *weights,
                                        const int8x16_t *pixel, const uint32_t pixels) {
  const int8x16x4_t w = vld1q_s8_x4(weights);
  weights += 64;
  RN_UNROLL for (uint32_t p = 0; p < pixels; p++) RN_UNROLL for (uint32_t i = 0; i < 4; i++)
      acc[p][i] = vdotq_s32(acc[p][i], w.val[i], pixel[p]);
  RN_AFTER_SUMS(weights);
  return weights;
}

// Where sums start: with the bias, but for halves that are added at the end.
RN_ALWAYS_INLINE void start(const rn_conv_q8_args *a, uint32_t oc, const uint32_t pixels,
                            const kind kind, int32x4_t acc[][4], int32x4_t second[][4]) {
  int32x4_t bias[4];
  if (kind != of_8)
    load_ordered(a->bias + oc, order_of(kind), bias);
  RN_UNROLL for (uint32_t p = 0; p < pixels; p++) RN_UNROLL for (uint32_t i = 0; i < 4; i++) {
    acc[p][i] = kind == of_8 ? vdupq_n_s32(0) : bias[i];
    second[p][i] = vdupq_n_s32(0);
  }
}

RN_ALWAYS_INLINE void end(const rn_conv_q8_args *a, uint32_t oc, uint32_t y, uint32_t x,
                          const uint32_t pixels, const int is_one_row, const kind kind,
                          int32x4_t acc[][4], int32x4_t second[][4]) {
  if (kind == of_8) {
    int32x4_t bias[4];
    load_ordered(a->bias + oc, order_of_8, bias);
    RN_UNROLL for (uint32_t p = 0; p < pixels; p++) RN_UNROLL for (uint32_t i = 0; i < 4; i++)
        acc[p][i] = vaddq_s32(vpaddq_s32(acc[p][i], second[p][i]), bias[i]);
  }
  finish_ordered(a, acc, oc, y, x, pixels, is_one_row, order_of(kind));
}

// `pixels` output pixels from (y, x) on, continuing on the rows below.
RN_ALWAYS_INLINE void tile(const rn_conv_q8_args *a, uint32_t oc, uint32_t y, uint32_t x,
                           const uint32_t pixels, const kind kind) {
  const rn_grouped_q8_args *grouped = (const rn_grouped_q8_args *)a;
  const rn_conv_geometry *g = &a->geometry;
  const uint32_t width = width_of(grouped, kind), kernel_columns = grouped->kernel_columns;
  const int8_t *weights = a->weights + (size_t)oc * g->kernel_rows * kernel_columns * width;
  int32x4_t acc[max_pixels][4], second[max_pixels][4];
  start(a, oc, pixels, kind, acc, second);
  const int8_t *input[max_pixels];
  locate(a, y, x, pixels, input);

  size_t row = oc / g->run * g->run;
  for (uint32_t r = 0; r < g->kernel_rows; r++, row += g->input_row) {
    size_t offset = row;
    for (uint32_t c = 0; c < kernel_columns; c++, offset += grouped->input_column) {
      int8x16_t pixel[max_pixels];
      if (kind == wide) {
        for (uint32_t k = 0; k < width; k += 16) {
          RN_UNROLL for (uint32_t p = 0; p < pixels; p++) pixel[p] =
              vld1q_s8(input[p] + offset + k);
          RN_GROUPS(pixel, weights);
        }
        continue;
      }
      RN_UNROLL for (uint32_t p = 0; p < pixels; p++) pixel[p] = vld1q_s8(input[p] + offset);
      weights = multiply(acc, weights, pixel, pixels);
      if (kind == of_8)
        weights = multiply(second, weights, pixel, pixels);
    }
  }
  end(a, oc, y, x, pixels, 0, kind, acc, second);
}

// 3x3, all pixels in one row and as far from each other as taps are.
RN_ALWAYS_INLINE void tile_3x3(const rn_conv_q8_args *a, uint32_t oc, uint32_t y, uint32_t x,
                               const uint32_t pixels, const kind kind) {
  const rn_grouped_q8_args *grouped = (const rn_grouped_q8_args *)a;
  const rn_conv_geometry *g = &a->geometry;
  const uint32_t width = width_of(grouped, kind);
  const int8_t *weights = a->weights + (size_t)oc * 9 * width;
  const int8_t *row =
      (const int8_t *)a->input + y * g->step_y + x * g->step_x + oc / g->run * g->run;
  int32x4_t acc[max_pixels][4], second[max_pixels][4];
  start(a, oc, pixels, kind, acc, second);
  if (kind == wide) {
    sum_3x3(acc, row, g->input_row, g->step_x, weights, width, pixels);
  } else {
    const int8_t *input[max_pixels + 2];
    RN_UNROLL for (uint32_t p = 0; p < pixels + 2; p++) {
      input[p] = row + p * g->step_x;
      RN_OPAQUE(input[p]);
    }
    size_t offset = 0;
    for (uint32_t r = 0; r < 3; r++, offset += g->input_row) {
      int8x16_t pixel[max_pixels + 2];
      RN_UNROLL for (uint32_t p = 0; p < pixels; p++) pixel[p] = vld1q_s8(input[p] + offset);
      RN_UNROLL for (uint32_t c = 0; c < 3; c++) {
        // The next one behind the sums of a tap, or in groups of 8 there is no room for it.
        if (c > 0) {
          const uint32_t next = pixels + c - 1;
          RN_OPAQUE(input[next]);
          pixel[next] = vld1q_s8(input[next] + offset);
        }
        weights = multiply(acc, weights, pixel + c, pixels);
        if (kind == of_8)
          weights = multiply(second, weights, pixel + c, pixels);
      }
    }
  }
  end(a, oc, y, x, pixels, 1, kind, acc, second);
}

RN_KIND_OF_TILES(of_4, of_4, 6)
RN_KIND_OF_TILES(of_8, of_8, 3)
RN_KIND_OF_TILES(wide, wide, 5)
RN_KIND_OF_SHAPE(tile_3x3, of_4, of_4, 5)
RN_KIND_OF_SHAPE(tile_3x3, of_8, of_8, 3)
RN_KIND_OF_SHAPE(tile_3x3, wide, wide, 5)

void rn_grouped_q8_neondot(const rn_grouped_q8_args *a, uint32_t first, uint32_t last) {
  const rn_conv_q8_args *conv = &a->conv;
  const rn_conv_geometry *g = &conv->geometry;
  require_grouped(g, a->group_channels, a->kernel_columns);
  const int is_3x3 = g->kernel_rows == 3 && a->kernel_columns == 3 && g->step_x == a->input_column;
  if (a->group_channels == 4)
    each_tile(conv, first, last, is_3x3 ? tile_3x3_of_4_of : tile_of_4_of,
              (tile_cut){is_3x3 ? 5 : 6, 16, 32, is_3x3});
  else if (a->group_channels == 8)
    each_tile(conv, first, last, is_3x3 ? tile_3x3_of_8_of : tile_of_8_of,
              (tile_cut){3, 16, 32, is_3x3});
  else
    each_tile(conv, first, last, is_3x3 ? tile_3x3_wide_of : tile_wide_of,
              (tile_cut){5, 16, 32, is_3x3});
}

RN_TARGET_POP
#endif
