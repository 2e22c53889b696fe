// SPDX-License-Identifier: Apache-2.0
// Convolutions of float32 activations with float32 and with fp16 weights: the definition of
// correct.
#include "conv_ref.h"
#include <math.h>

static float accumulate(const rn_conv_float_args *a, uint32_t y, uint32_t x, uint32_t oc,
                        weight_function *weight) {
  const rn_conv_geometry *g = &a->geometry;
  size_t index = rn_weight_index_float(oc, 0, 0, g->kernel_rows, g->run);
  float acc = a->bias[oc];
  for (uint32_t r = 0; r < g->kernel_rows; r++) {
    const float *input = a->input + y * g->step_y + r * g->input_row + x * g->step_x;
    for (uint32_t k = 0; k < g->run; k++, index += RN_CHANNEL_BLOCK)
      acc = fmaf(input[k], weight(a->weights, index), acc);
  }
  return acc;
}

void rn_conv_f32_ref(const rn_conv_float_args *a, uint32_t first, uint32_t last) {
  convolve_float(a, first, last, accumulate, weight_f32);
}

void rn_conv_f16_ref(const rn_conv_float_args *a, uint32_t first, uint32_t last) {
  convolve_float(a, first, last, accumulate, weight_f16);
}
