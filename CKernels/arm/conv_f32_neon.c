// SPDX-License-Identifier: Apache-2.0
// float32 convolution, NEON. Twin: ref/conv_f32_ref.c
//
// Register tile: 6 output pixels x 16 output channels in 24 accumulators of 4. A step of 4 taps
// takes one vector of each pixel and multiplies by element: 96 FMLA for 6 + 8 loads. The last taps
// of a row that is no multiple of 4, such as the stem's 21, are taken one by one.
//
//              weights [tap][oc 0-3]   ...   [tap][oc 12-15]
//   pixel 0    acc 0                   ...   acc 3
//     ...      ...                           ...              24 FMLA by element for each tap
//   pixel 5    acc 20                  ...   acc 23
#if defined(__aarch64__)
#include "../common/clamp_above.h"
#include <arm_neon.h>

typedef rn_conv_float_args conv_args;
#include "../common/tiles.h"

enum { max_pixels = 6 };

RN_ALWAYS_INLINE void tile(const rn_conv_float_args *a, uint32_t oc, uint32_t y, uint32_t x,
                           const uint32_t pixels) {
  const rn_conv_geometry *g = &a->geometry;
  const size_t block = (size_t)g->kernel_rows * g->run * RN_CHANNEL_BLOCK;
  const float *weights = (const float *)a->weights + oc / RN_CHANNEL_BLOCK * block;
  float32x4_t acc[max_pixels][4];
  RN_UNROLL for (uint32_t p = 0; p < pixels; p++) RN_UNROLL for (uint32_t i = 0; i < 4; i++)
      acc[p][i] = vld1q_f32(a->bias + oc + 4 * i);
  for (uint32_t r = 0; r < g->kernel_rows; r++) {
    const float *input[max_pixels];
    RN_UNROLL for (uint32_t p = 0; p < pixels; p++) input[p] =
        a->input + y * g->step_y + r * g->input_row + (x + p) * g->step_x;
    uint32_t k = 0;
    for (; k + 4 <= g->run; k += 4) {
      float32x4_t pixel[max_pixels];
      RN_UNROLL for (uint32_t p = 0; p < pixels; p++) pixel[p] = vld1q_f32(input[p] + k);
#define RN_TAP(t)                                                                                  \
  RN_UNROLL for (uint32_t i = 0; i < 4; i++) {                                                     \
    const float32x4_t w = vld1q_f32(weights + 16 * t + 4 * i);                                     \
    RN_UNROLL for (uint32_t p = 0; p < pixels; p++) acc[p][i] =                                    \
        vfmaq_laneq_f32(acc[p][i], w, pixel[p], t);                                                \
  }
      RN_TAP(0);
      RN_TAP(1);
      RN_TAP(2);
      RN_TAP(3);
      weights += 64;
    }
    for (; k < g->run; k++, weights += 16) {
      float32x4_t pixel[max_pixels];
      RN_UNROLL for (uint32_t p = 0; p < pixels; p++) pixel[p] = vdupq_n_f32(input[p][k]);
      RN_TAP(0);
    }
#undef RN_TAP
  }
  const float32x4_t low = vdupq_n_f32(a->low);
  RN_UNROLL for (uint32_t p = 0; p < pixels; p++) {
    const size_t pixel = (x + p) * g->output_pixel + oc;
    RN_UNROLL for (uint32_t i = 0; i < 4; i++) {
      float32x4_t t = acc[p][i];
      if (a->residual)
        t = vaddq_f32(t, vld1q_f32(a->residual + y * g->residual_row + pixel + 4 * i));
      // A comparison: FMAXNM would make 0 of max(-0, 0) or not, by the order.
      vst1q_f32(a->output + y * g->output_row + pixel + 4 * i,
                vbslq_f32(vcgtq_f32(t, low), t, low));
    }
  }
}

RN_TILES(tile, 6)

void rn_conv_f32_neon(const rn_conv_float_args *a, uint32_t first, uint32_t last) {
  each_tile(a, first, last, tile_of, (tile_cut){max_pixels, 16, 16, 1});
  clamp_units_above(a, first, last);
}
#endif
