// SPDX-License-Identifier: Apache-2.0
// Grouped convolutions of float32 activations with float32 and with fp16 weights: the definition of
// correct.
#include "conv_ref.h"
#include <math.h>

static float accumulate(const rn_conv_float_args *conv, uint32_t y, uint32_t x, uint32_t oc,
                        weight_function *weight) {
  const rn_grouped_float_args *a = (const rn_grouped_float_args *)conv;
  const rn_conv_geometry *g = &conv->geometry;
  const uint32_t width = a->group_channels, taps = g->kernel_rows * a->kernel_columns;
  float acc = conv->bias[oc];
  for (uint32_t tap = 0; tap < taps; tap++) {
    const float *input = conv->input + y * g->step_y + tap / a->kernel_columns * g->input_row +
                         x * g->step_x + tap % a->kernel_columns * a->input_column +
                         oc / width * width;
    for (uint32_t k = 0; k < width; k++)
      acc = fmaf(input[k], weight(conv->weights, rn_grouped_index_float(oc, tap, k, taps, width)),
                 acc);
  }
  return acc;
}

static inline void convolve(const rn_grouped_float_args *a, uint32_t first, uint32_t last,
                            weight_function *weight) {
  require_grouped(&a->conv.geometry, a->group_channels, a->kernel_columns);
  convolve_float(&a->conv, first, last, accumulate, weight);
}

void rn_grouped_f32_ref(const rn_grouped_float_args *a, uint32_t first, uint32_t last) {
  convolve(a, first, last, weight_f32);
}

void rn_grouped_f16_ref(const rn_grouped_float_args *a, uint32_t first, uint32_t last) {
  convolve(a, first, last, weight_f16);
}
