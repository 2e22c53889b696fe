// SPDX-License-Identifier: Apache-2.0
// Grouped int8 convolution: the definition of correct.
#include "conv_ref.h"

static int32_t accumulate(const rn_conv_q8_args *conv, uint32_t y, uint32_t x, uint32_t oc) {
  const rn_grouped_q8_args *a = (const rn_grouped_q8_args *)conv;
  const rn_conv_geometry *g = &conv->geometry;
  const uint32_t width = a->group_channels, taps = g->kernel_rows * a->kernel_columns;
  int32_t acc = conv->bias[oc];
  for (uint32_t tap = 0; tap < taps; tap++) {
    const uint8_t *input = conv->input + y * g->step_y + tap / a->kernel_columns * g->input_row +
                           x * g->step_x + tap % a->kernel_columns * a->input_column +
                           oc / width * width;
    for (uint32_t k = 0; k < width; k++)
      acc += input[k] * conv->weights[rn_grouped_index_q8(oc, tap, k, taps, width)];
  }
  return acc;
}

void rn_grouped_q8_ref(const rn_grouped_q8_args *a, uint32_t first, uint32_t last) {
  require_grouped(&a->conv.geometry, a->group_channels, a->kernel_columns);
  convolve_q8(&a->conv, first, last, accumulate);
}
