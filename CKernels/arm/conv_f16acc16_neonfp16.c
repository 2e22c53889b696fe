// SPDX-License-Identifier: Apache-2.0
// Convolution with fp16 weights, products and short sums in fp16. Twin: ref/conv_f16_ref.c, within
// a bound.
//
// Register tile: 8 output pixels x 16 output channels in 16 accumulators of 8 fp16. A vector of a
// pixel holds 8 taps, of which FMLA takes one by element: 128 FMLA for 8 + 4 loads.
//
//              weights [tap][oc 0-7]   [tap][oc 8-15]      of two taps: one LD1 of 64 bytes
//   pixel 0    acc 0                   acc 1
//     ...      ...                     ...                 16 FMLA by element for each tap
//   pixel 7    acc 14                  acc 15
//
// The way of a sum, from taps to the output:
//
//   acc      fp16, registers   a chain: at most 96 taps, of one or two kernel rows
//   sums     fp16, stack       up to 16 chains, each added as it ends
//   totals   float32, stack    the bias, and then the 16 chains of `sums` whenever they are full
//   output   float32           totals + the last chains, residual, clamp
//
// A convolution of few taps never leaves registers: its only chain goes to the output with the
// bias.
//
// The input of some output rows is converted to fp16 once for all output channels, on the stack.
//
// Accuracy: a product passes at most 96 roundings to fp16 in its chain, 15 where up to 16 chains
// are added, and one of its input; from there on sums are float32. Each has a relative error of at
// most u = 2^-11 of a partial sum, so
//   error <= ((1 + u)^112 - 1) * sum |w x| + 2^-24 * (sum |w| + terms), of which the factor is
// 0.056. The second part is that of denormals. Range: inputs below 2^9, and sum |w x| of any 1536
// neighbouring terms below 65504 * 0.94.
#if defined(__aarch64__)
#include "../common/clamp_above.h"
#include "../common/contracts.h"
#include "../common/rn_each.h"
#include <arm_neon.h>

#include "conv_f16_tiles.h"

RN_TARGET_PUSH("fullfp16")

// Chains can be longer than those of Winograd, whose errors the transforms magnify. Those of short
// rows have no more than two, which is worth 1 dB of a ResNet's logits in the stem: its errors
// reach everything. Of the window there are at most 64 KB.
enum { max_pixels = 8, chain = 96, chains = 16, max_chain_rows = 2, window_limit = 32768 };

// Input of the output pixels [y, y + rows) x [x, x + columns) in fp16: the run of each pixel and
// kernel row, shared where runs overlap.
typedef struct window {
  uint32_t y, rows, x, columns;
  uint32_t step_y;    // window rows from an output row's first kernel row to the next one's
  size_t row, step_x; // from one window row to the next, from one output pixel to the next
  float16_t input[window_limit + 8];
} window;

static void convert(const float *from, size_t count, float16_t *to) {
  _Pragma("clang loop unroll_count(4)") for (size_t i = 0; i < count; i += 8) vst1q_f16(
      to + i, vcvt_high_f16_f32(vcvt_f16_f32(vld1q_f32(from + i)), vld1q_f32(from + i + 4)));
}

static void fill(const rn_conv_float_args *a, window *w) {
  const rn_conv_geometry *g = &a->geometry;
  const uint32_t rows = (w->rows - 1) * w->step_y + g->kernel_rows;
  for (uint32_t r = 0; r < rows; r++) {
    const float *from = a->input + w->x * g->step_x;
    if (w->step_y == g->kernel_rows)
      from += (w->y + r / g->kernel_rows) * g->step_y + r % g->kernel_rows * g->input_row;
    else
      from += w->y * g->step_y + r * g->input_row;
    float16_t *to = w->input + r * w->row;
    if (w->step_x == g->step_x)
      convert(from, (w->columns - 1) * w->step_x + g->run, to);
    else
      for (uint32_t x = 0; x < w->columns; x++)
        convert(from + x * g->step_x, g->run, to + x * w->step_x);
  }
}

// from + x, of 8 channels.
RN_ALWAYS_INLINE void add_half(float16x8_t x, const float *from, float32x4_t to[2]) {
  __asm__("" : "+w"(x)); // or the compiler takes an EXT and an FCVTL for an FCVTL2
  to[0] = vaddq_f32(vld1q_f32(from), vcvt_f32_f16(vget_low_f16(x)));
  to[1] = vaddq_f32(vld1q_f32(from + 4), vcvt_high_f32_f16(x));
}

// The pixels from (y, x) of the window on.
RN_ALWAYS_INLINE void tile(const rn_conv_float_args *a, const window *s, uint32_t oc, uint32_t y,
                           uint32_t x, const uint32_t pixels) {
  const rn_conv_geometry *g = &a->geometry;
  const uint32_t run = g->run, width = s->columns;
  const float16_t *weights = (const float16_t *)a->weights + (size_t)oc * g->kernel_rows * g->run;
  const float16_t *input[max_pixels];
  uint32_t column = x;
  input[0] = s->input + y * s->step_y * s->row + x * s->step_x;
  RN_UNROLL for (uint32_t p = 1; p < pixels; p++) input[p] =
      input[p - 1] + next_pixel(&column, width, s->step_x, s->step_y * s->row - width * s->step_x);

  float16x8_t acc[max_pixels][2], array[max_pixels][2];
  float32x4_t total_array[max_pixels][4];
  float16_t *sums = (float16_t *)array;
  float *totals = (float *)total_array;
  RN_OPAQUE(sums);
  RN_OPAQUE(totals);
// Keeps the next loads behind these sums, or the compiler loads ahead and spills.
#define RN_AFTER_SUMS                                                                              \
  RN_UNROLL for (uint32_t p = 0; p < pixels;                                                       \
                 p++) __asm__ volatile("" : "+w"(acc[p][0]), "+w"(acc[p][1]), "+r"(weights));
#define RN_EACH                                                                                    \
  RN_UNROLL for (uint32_t p = 0; p < pixels; p++) RN_UNROLL for (uint32_t i = 0; i < 2; i++)
#define RN_TAP(t, w) RN_EACH acc[p][i] = vfmaq_n_f16(acc[p][i], (w)[i], pixel[p][t]);
#define RN_PIXELS                                                                                  \
  RN_UNROLL for (uint32_t p = 0; p < pixels; p++) {                                                \
    pixel[p] = vld1q_f16(input[p]);                                                                \
    input[p] += 8;                                                                                 \
    RN_OPAQUE(input[p]);                                                                           \
  }
#define RN_TAPS                                                                                    \
  RN_PIXELS                                                                                        \
  RN_UNROLL for (uint32_t t = 0; t < 8; t += 2) {                                                  \
    const float16x8x4_t w = vld1q_f16_x4(weights);                                                 \
    weights += 32;                                                                                 \
    RN_TAP(t, w.val)                                                                               \
    RN_TAP(t + 1, w.val + 2)                                                                       \
    RN_AFTER_SUMS                                                                                  \
  }
  // Chains end with a row, or before it if it has more taps than a chain.
  const uint32_t chain_rows = run * max_chain_rows > chain ? 1 : max_chain_rows;
  const size_t rest = s->row - run / 8 * 8;
  const float *before = a->bias + oc; // what the sums are added to
  size_t next = 0;
  uint32_t held = 0, left_rows = chain_rows; // chains in `sums`, rows in the present one
  for (uint32_t rows = g->kernel_rows; rows; rows--) {
    float16x8_t pixel[max_pixels];
    for (uint32_t left = run; left;) {
      uint32_t taps = left < chain ? left : chain;
      left -= taps;
      if (left_rows == chain_rows)
        RN_EACH acc[p][i] = vdupq_n_f16(0);
      for (uint32_t steps = taps / 8; steps; steps--) {
        RN_TAPS
      }
      // What is read beyond the last taps is not multiplied.
      taps %= 8;
      if (taps) {
        RN_UNROLL for (uint32_t p = 0; p < pixels; p++) pixel[p] = vld1q_f16(input[p]);
        RN_UNROLL for (uint32_t t = 0; t < 7; t++) {
          if (t < taps) {
            const float16x8x2_t w = vld1q_f16_x2(weights);
            weights += 16;
            RN_TAP(t, w.val)
            RN_AFTER_SUMS
          }
        }
      }
      const int is_last = !left && rows == 1;
      if (--left_rows && !is_last)
        continue;
      left_rows = chain_rows;
      if (held)
        RN_EACH acc[p][i] = vaddq_f16(acc[p][i], vld1q_f16(sums + p * 16 + 8 * i));
      if (is_last)
        break;
      if (++held < chains) {
        RN_EACH vst1q_f16(sums + p * 16 + 8 * i, acc[p][i]);
        continue;
      }
      held = 0;
      RN_EACH {
        float32x4_t t[2];
        add_half(acc[p][i], before + p * next + 8 * i, t);
        vst1q_f32(totals + p * 16 + 8 * i, t[0]);
        vst1q_f32(totals + p * 16 + 8 * i + 4, t[1]);
      }
      before = totals;
      next = 16;
    }
    RN_UNROLL for (uint32_t p = 0; p < pixels; p++) input[p] += rest;
  }
#undef RN_TAPS
#undef RN_PIXELS
#undef RN_TAP
#undef RN_AFTER_SUMS
  const float32x4_t low = vdupq_n_f32(a->low);
  const ptrdiff_t step = (ptrdiff_t)g->output_pixel, row = width * step;
  const ptrdiff_t output_wrap = (ptrdiff_t)g->output_row - row;
  const ptrdiff_t residual_wrap = (ptrdiff_t)g->residual_row - row;
  const size_t offset = (s->x + x) * g->output_pixel + oc;
  float *output = a->output + (s->y + y) * g->output_row + offset;
#define RN_FINISH(has_residual)                                                                    \
  RN_UNROLL for (uint32_t p = 0; p < pixels; p++, before += next) {                                \
    float32x4_t t[4];                                                                              \
    add_half(acc[p][0], before, t);                                                                \
    add_half(acc[p][1], before + 8, t + 2);                                                        \
    if (has_residual)                                                                              \
      RN_UNROLL for (uint32_t i = 0; i < 4; i++) t[i] =                                            \
          vaddq_f32(t[i], vld1q_f32(residual + 4 * i));                                            \
    RN_UNROLL for (uint32_t i = 0; i < 4; i++) vst1q_f32(output + 4 * i, vmaxnmq_f32(t[i], low));  \
    residual += step + (has_residual && x + 1 == width ? residual_wrap : 0);                       \
    output += next_pixel(&x, width, step, output_wrap);                                            \
  }
  const float *residual =
      a->residual ? a->residual + (s->y + y) * g->residual_row + offset : output;
  if (a->residual)
    RN_FINISH(1)
  else
    RN_FINISH(0)
#undef RN_FINISH
}
#undef RN_EACH

#define RN_TILE(pixels, ...)                                                                       \
  static __attribute__((noinline)) void tile_##pixels(                                             \
      const rn_conv_float_args *a, const window *s, uint32_t oc, uint32_t y, uint32_t x) {         \
    tile(a, s, oc, y, x, pixels);                                                                  \
  }
#define RN_TILE_NAME(pixels, ...) tile_##pixels,
RN_FOR_1_TO_8(RN_TILE)

static void (*const tile_of[max_pixels + 1])(const rn_conv_float_args *, const window *,
                                             uint32_t oc, uint32_t y,
                                             uint32_t x) = {0, RN_FOR_1_TO_8(RN_TILE_NAME)};

// Rows [from, to) of the window for one pair of blocks.
static void convolve(const rn_conv_float_args *a, const window *s, uint32_t pair, uint32_t from,
                     uint32_t to) {
  const uint32_t left = a->geometry.output_blocks - pair * 2, blocks = left < 2 ? left : 2;
  const uint32_t end = to * s->columns;
  for (uint32_t block = pair * 2; block < pair * 2 + blocks; block++)
    for (uint32_t p = from * s->columns; p < end; p += max_pixels)
      tile_of[end - p < max_pixels ? end - p : max_pixels](a, s, block * RN_CHANNEL_BLOCK,
                                                           p / s->columns, p % s->columns);
}

void rn_conv_f16acc16_neonfp16(const rn_conv_float_args *a, uint32_t first, uint32_t last) {
  const rn_conv_geometry *g = &a->geometry;
  const uint32_t height = g->output_height;
  require_conv(g, 1, a->input, a->weights, a->bias, a->output, last, rn_conv_units(g));
  if (first >= last)
    return;
  // More taps than any ResNet has.
  if ((size_t)g->kernel_rows * (g->run + 8) > window_limit) {
    rn_conv_f16_ref(a, first, last);
    return;
  }
  window s;
  const int is_shared = g->step_x < g->run;
  s.step_x = is_shared ? g->step_x : g->run;
  s.columns = g->output_width;
  // Columns for which one row of outputs fits.
  while (g->kernel_rows * ((s.columns - 1) * s.step_x + g->run + 8) > window_limit)
    s.columns = (s.columns + 1) / 2;
  s.row = ((s.columns - 1) * s.step_x + g->run + 7) / 8 * 8;
  const size_t stride = g->kernel_rows > 1 ? g->step_y / g->input_row : 1;
  const int has_shared_rows = stride * g->input_row == g->step_y && stride < g->kernel_rows;
  s.step_y = has_shared_rows ? (uint32_t)stride : g->kernel_rows;
  const uint32_t most = (uint32_t)((window_limit / s.row - g->kernel_rows) / s.step_y + 1);
  const uint32_t first_pair = first / height, last_pair = (last - 1) / height;
  const uint32_t is_one = first_pair == last_pair;
  const uint32_t start = is_one ? first % height : 0,
                 end = is_one ? (last - 1) % height + 1 : height;
  const uint32_t columns = s.columns;
  for (s.x = 0; s.x < g->output_width; s.x += columns) {
    s.columns = g->output_width - s.x < columns ? g->output_width - s.x : columns;
    for (s.y = start; s.y < end; s.y += s.rows) {
      s.rows = end - s.y < most ? end - s.y : most;
      fill(a, &s);
      for (uint32_t pair = first_pair; pair <= last_pair; pair++) {
        // The units of the pair are rows [from, to).
        const uint32_t from = first > pair * height ? first - pair * height : 0;
        const uint32_t to = last < (pair + 1) * height ? last - pair * height : height;
        const uint32_t top = from > s.y ? from - s.y : 0;
        const uint32_t bottom = to > s.y ? to - s.y : 0;
        if (top < bottom && top < s.rows)
          convolve(a, &s, pair, top, bottom < s.rows ? bottom : s.rows);
      }
    }
  }
  clamp_units_above(a, first, last);
}

RN_TARGET_POP
#endif
