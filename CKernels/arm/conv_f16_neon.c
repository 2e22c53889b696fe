// SPDX-License-Identifier: Apache-2.0
// Convolution with fp16 weights in float32, NEON. Twin: ref/conv_f16_ref.c
//
// Register tile: 4 output pixels x 16 output channels in 16 accumulators of 4. A step of 8 taps
// takes two vectors of each pixel in one load and multiplies by element: 128 FMLA for 4 + 8 loads.
// A tile's pixels continue on the rows below.
//
//              weights [tap][oc 0-3] ... [tap][oc 12-15], one LD1 of 64 bytes
//   pixel 0    acc 0 ... acc 3
//     ...      ...                         16 FMLA by element for each tap
//   pixel 3    acc 12 ... acc 15
//
// Widening in the loop would take 4 FCVTL for 16 FMLA, so weights are widened once for up to
// max_group pixels, as many as fit the first-level cache; between such parts of a kernel the sums
// of the group wait in memory. The order of each sum stays that of the reference.
#if defined(__aarch64__)
#include "../common/clamp_above.h"
#include "../common/contracts.h"
#include "../common/rn_each.h"
#include <arm_neon.h>

#include "conv_f16_tiles.h"

enum { max_pixels = 4, max_group = 120, max_taps = 256 };

// A part of the kernel: `taps` of `rows` rows, and where the sums come from and go to.
typedef struct part {
  uint32_t row, rows, tap, taps;
  int is_first, is_last;
  float weights[max_taps * RN_CHANNEL_BLOCK];
  float sums[max_group * RN_CHANNEL_BLOCK];
} part;

static void widen(const uint16_t *weights, size_t row, part *s) {
  const uint32_t taps = s->taps;
  float *to = s->weights;
  for (uint32_t r = 0; r < s->rows; r++, weights += row) {
    const uint16_t *from = weights;
    _Pragma("clang loop unroll_count(4)") for (uint32_t k = 0; k < taps;
                                               k++, from += 16, to += 16) {
      const float16x8_t low = vreinterpretq_f16_u16(vld1q_u16(from));
      const float16x8_t high = vreinterpretq_f16_u16(vld1q_u16(from + 8));
      const float32x4x4_t w = {{vcvt_f32_f16(vget_low_f16(low)), vcvt_high_f32_f16(low),
                                vcvt_f32_f16(vget_low_f16(high)), vcvt_high_f32_f16(high)}};
      vst1q_f32_x4(to, w);
    }
  }
}

// The epilogue of the pixels from (y, x) on.
RN_ALWAYS_INLINE void finish(const rn_conv_float_args *a, float32x4_t acc[][4], uint32_t oc,
                             uint32_t y, uint32_t x, const uint32_t pixels) {
  const rn_conv_geometry *g = &a->geometry;
  const float32x4_t low = vdupq_n_f32(a->low);
  const uint32_t width = g->output_width;
  const size_t step = g->output_pixel, row = width * step;
  if (a->residual) {
    const float *residual = a->residual + y * g->residual_row + x * step + oc;
    uint32_t column = x;
    RN_UNROLL for (uint32_t p = 0; p < pixels; p++) {
      RN_UNROLL for (uint32_t i = 0; i < 4; i++) acc[p][i] =
          vaddq_f32(acc[p][i], vld1q_f32(residual + 4 * i));
      residual += next_pixel(&column, width, step, g->residual_row - row);
    }
  }
  const size_t wrap = g->output_row - row;
  float *output = a->output + y * g->output_row + x * step + oc;
  RN_UNROLL for (uint32_t p = 0; p < pixels; p++) {
    // FMAXNM makes low of a NaN and has 0 above -0.
    RN_UNROLL for (uint32_t i = 0; i < 4; i++)
        vst1q_f32(output + 4 * i, vmaxnmq_f32(acc[p][i], low));
    output += next_pixel(&x, width, step, wrap);
  }
}

RN_ALWAYS_INLINE void tile(const rn_conv_float_args *a, part *s, uint32_t oc, uint32_t y,
                           uint32_t x, uint32_t index, const uint32_t pixels) {
  const rn_conv_geometry *g = &a->geometry;
  const float *weights = s->weights;
  float *sums = s->sums + (size_t)index * RN_CHANNEL_BLOCK;
  const float *from = s->is_first ? a->bias + oc : sums;
  const size_t next = s->is_first ? 0 : RN_CHANNEL_BLOCK;
  float32x4_t acc[max_pixels][4];
  RN_UNROLL for (uint32_t p = 0; p < pixels; p++, from += next)
      RN_UNROLL for (uint32_t i = 0; i < 4; i++) acc[p][i] = vld1q_f32(from + 4 * i);
  const float *input[max_pixels];
  uint32_t column = x;
  input[0] = a->input + y * g->step_y + s->row * g->input_row + x * g->step_x + s->tap;
  RN_UNROLL for (uint32_t p = 1; p < pixels; p++) input[p] =
      input[p - 1] +
      next_pixel(&column, g->output_width, g->step_x, g->step_y - g->output_width * g->step_x);
// Keeps the next load of weights behind these sums, or the compiler loads ahead and spills.
#define RN_AFTER_SUMS                                                                              \
  RN_UNROLL for (uint32_t p = 0; p < pixels; p++) __asm__ volatile(                                \
      "" : "+w"(acc[p][0]), "+w"(acc[p][1]), "+w"(acc[p][2]), "+w"(acc[p][3]), "+r"(weights));
#define RN_TAP(vector, t)                                                                          \
  {                                                                                                \
    const float32x4x4_t w = vld1q_f32_x4(weights);                                                 \
    weights += 16;                                                                                 \
    RN_UNROLL for (uint32_t i = 0; i < 4; i++) RN_UNROLL for (uint32_t p = 0; p < pixels; p++)     \
        acc[p][i] = vfmaq_laneq_f32(acc[p][i], w.val[i], pixel[vector][p], t);                     \
    RN_AFTER_SUMS                                                                                  \
  }
#define RN_TAPS(vector) RN_TAP(vector, 0) RN_TAP(vector, 1) RN_TAP(vector, 2) RN_TAP(vector, 3)
  const uint32_t taps = s->taps;
  const size_t rest = g->input_row - taps / 4 * 4; // of an input row
#define RN_OPAQUE_INPUT RN_UNROLL for (uint32_t p = 0; p < pixels; p++) RN_OPAQUE(input[p]);
  for (uint32_t rows = s->rows; rows; rows--) {
    float32x4_t pixel[2][max_pixels];
    RN_OPAQUE_INPUT
    for (uint32_t steps = taps / 8; steps; steps--) {
      // An LD1 of both, unlike an LDP, advances the pointer as well.
      RN_UNROLL for (uint32_t p = 0; p < pixels; p++) {
        const float32x4x2_t both = vld1q_f32_x2(input[p]);
        pixel[0][p] = both.val[0], pixel[1][p] = both.val[1];
        input[p] += 8;
      }
      RN_OPAQUE_INPUT
      RN_TAPS(0)
      RN_TAPS(1)
    }
    if (taps & 4) {
      RN_UNROLL for (uint32_t p = 0; p < pixels; p++) {
        pixel[0][p] = vld1q_f32(input[p]);
        input[p] += 4;
      }
      RN_OPAQUE_INPUT
      RN_TAPS(0)
    }
    // What is read beyond the last taps is not multiplied.
    if (taps & 3) {
      RN_UNROLL for (uint32_t p = 0; p < pixels; p++) pixel[0][p] = vld1q_f32(input[p]);
      RN_TAP(0, 0)
      if (taps & 2)
        RN_TAP(0, 1)
      if ((taps & 3) == 3)
        RN_TAP(0, 2)
    }
    RN_UNROLL for (uint32_t p = 0; p < pixels; p++) input[p] += rest;
  }
#undef RN_OPAQUE_INPUT
#undef RN_TAPS
#undef RN_TAP
#undef RN_AFTER_SUMS
  if (!s->is_last) {
    RN_UNROLL for (uint32_t p = 0; p < pixels; p++) RN_UNROLL for (uint32_t i = 0; i < 4; i++)
        vst1q_f32(sums + p * 16 + 4 * i, acc[p][i]);
    return;
  }
  finish(a, acc, oc, y, x, pixels);
}

#define RN_TILE(pixels, ...)                                                                       \
  static __attribute__((noinline)) void tile_##pixels(                                             \
      const rn_conv_float_args *a, part *s, uint32_t oc, uint32_t y, uint32_t x, uint32_t index) { \
    tile(a, s, oc, y, x, index, pixels);                                                           \
  }
#define RN_TILE_NAME(pixels, ...) tile_##pixels,
RN_FOR_1_TO_4(RN_TILE)

static void (*const tile_of[max_pixels + 1])(const rn_conv_float_args *, part *, uint32_t oc,
                                             uint32_t y, uint32_t x,
                                             uint32_t index) = {0, RN_FOR_1_TO_4(RN_TILE_NAME)};

// Pixels [from, from + count) of the rows from y on.
static void group(const rn_conv_float_args *a, part *s, uint32_t oc, uint32_t y, uint32_t from,
                  uint32_t count) {
  const rn_conv_geometry *g = &a->geometry;
  for (uint32_t index = 0; index < count; index += max_pixels) {
    const uint32_t pixel = from + index, left = count - index;
    tile_of[left < max_pixels ? left : max_pixels](a, s, oc, y + pixel / g->output_width,
                                                   pixel % g->output_width, index);
  }
}

void rn_conv_f16_neon(const rn_conv_float_args *a, uint32_t first, uint32_t last) {
  const rn_conv_geometry *g = &a->geometry;
  const uint32_t height = g->output_height, width = g->output_width;
  const size_t row = (size_t)g->run * RN_CHANNEL_BLOCK;
  const uint32_t part_rows = g->run < max_taps ? max_taps / g->run : 1;
  const uint32_t part_taps = g->run < max_taps ? g->run : max_taps;
  part s;
  const uint32_t start = first;
  require_conv(g, 1, a->input, a->weights, a->bias, a->output, last, rn_conv_units(g));
  while (first < last) {
    // All the rows of one pair of blocks.
    const uint32_t y = first % height, pair = first / height;
    const uint32_t rows = last - first < height - y ? last - first : height - y;
    const uint32_t end_block = pair * 2 + 2 < g->output_blocks ? pair * 2 + 2 : g->output_blocks;
    const uint32_t pixels = rows * width;
    for (uint32_t from = 0; from < pixels; from += max_group) {
      const uint32_t count = pixels - from < max_group ? pixels - from : max_group;
      for (uint32_t block = pair * 2; block < end_block; block++) {
        const uint16_t *weights = (const uint16_t *)a->weights + block * g->kernel_rows * row;
        for (s.row = 0; s.row < g->kernel_rows; s.row += s.rows) {
          s.rows = part_rows < g->kernel_rows - s.row ? part_rows : g->kernel_rows - s.row;
          for (s.tap = 0; s.tap < g->run; s.tap += s.taps) {
            s.taps = part_taps < g->run - s.tap ? part_taps : g->run - s.tap;
            s.is_first = s.row == 0 && s.tap == 0;
            s.is_last = s.row + s.rows == g->kernel_rows && s.tap + s.taps == g->run;
            widen(weights + s.row * row + (size_t)s.tap * RN_CHANNEL_BLOCK, row, &s);
            group(a, &s, block * RN_CHANNEL_BLOCK, y, from, count);
          }
        }
      }
    }
    first += rows;
  }
  clamp_units_above(a, start, last);
}
#endif
