// SPDX-License-Identifier: Apache-2.0
// Grouped convolution of float32 activations, NEON. The including file defines
//   weight                     the type of the weights
//   load_weights(from)         4 weights as float32
//
// Register tile: 6 output pixels x 16 output channels in 24 accumulators of 4. A vector of a pixel
// has 4 channels of a group, each of which FMLA multiplies by element with the output channels of
// that group, of which 4, 8 or 16 are in the block:
//
//              weights [channel k][oc 0-3]   ...   [channel k][oc 12-15]
//   pixel 0    acc 0                         ...   acc 3
//     ...      ...                           ...
//   pixel 5    acc 20                        ...   acc 23
#ifndef RN_GROUPED_FLOAT_NEON_H
#define RN_GROUPED_FLOAT_NEON_H

#include "../common/clamp_above.h"

typedef rn_conv_float_args conv_args;
#include "../common/tiles.h"

enum { max_pixels = 6 };

// `quads` of 4 output channels are of one group: 1, 2 or, of wider groups, all 4.
RN_ALWAYS_INLINE void tile(const rn_conv_float_args *a, uint32_t oc, uint32_t y, uint32_t x,
                           const uint32_t pixels, const uint32_t quads) {
  const rn_grouped_float_args *grouped = (const rn_grouped_float_args *)a;
  const rn_conv_geometry *g = &a->geometry;
  const uint32_t width = quads < 4 ? 4 * quads : grouped->group_channels;
  const uint32_t kernel_columns = grouped->kernel_columns;
  const weight *weights =
      (const weight *)a->weights + (size_t)oc * g->kernel_rows * kernel_columns * width;
  float32x4_t acc[max_pixels][4];
  RN_UNROLL for (uint32_t p = 0; p < pixels; p++) RN_UNROLL for (uint32_t i = 0; i < 4; i++)
      acc[p][i] = vld1q_f32(a->bias + oc + 4 * i);
  const float *row = a->input + y * g->step_y + x * g->step_x + oc / g->run * g->run;
  for (uint32_t r = 0; r < g->kernel_rows; r++, row += g->input_row) {
    const float *tap = row;
    for (uint32_t c = 0; c < kernel_columns; c++, tap += grouped->input_column) {
      const float *input[max_pixels];
      RN_UNROLL for (uint32_t p = 0; p < pixels; p++) input[p] = tap + p * g->step_x;
      RN_UNROLL for (uint32_t first = 0; first < 4; first += quads) {
        const uint32_t group = quads < 4 ? 4 * first : 0; // from the block's channels
        for (uint32_t k = 0; k < width; k += 4) {
          float32x4_t pixel[max_pixels];
          RN_UNROLL for (uint32_t p = 0; p < pixels; p++) pixel[p] =
              vld1q_f32(input[p] + group + k);
#define RN_CHANNEL(t)                                                                              \
  RN_UNROLL for (uint32_t i = first; i < first + quads; i++) {                                     \
    const float32x4_t w = load_weights(weights + 16 * (k + t) + 4 * i);                            \
    RN_UNROLL for (uint32_t p = 0; p < pixels; p++) acc[p][i] =                                    \
        vfmaq_laneq_f32(acc[p][i], w, pixel[p], t);                                                \
  }
          RN_CHANNEL(0)
          RN_CHANNEL(1)
          RN_CHANNEL(2)
          RN_CHANNEL(3)
#undef RN_CHANNEL
        }
      }
      weights += 16 * width;
    }
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

RN_KIND_OF_TILES(of_4, 1, 6)
RN_KIND_OF_TILES(of_8, 2, 6)
RN_KIND_OF_TILES(wide, 4, 6)

static void convolve(const rn_grouped_float_args *a, uint32_t first, uint32_t last) {
  const uint32_t width = a->group_channels;
  require_grouped(&a->conv.geometry, width, a->kernel_columns);
  each_tile(&a->conv, first, last,
            width == 4   ? tile_of_4_of
            : width == 8 ? tile_of_8_of
                         : tile_wide_of,
            (tile_cut){max_pixels, 16, 32, 1});
  clamp_units_above(&a->conv, first, last);
}

#endif
