// SPDX-License-Identifier: Apache-2.0
// int8 convolution: the definition of correct.
#include "conv_ref.h"
#include <math.h>

#pragma STDC FP_CONTRACT OFF

static int32_t accumulate(const rn_conv_q8_args *a, uint32_t y, uint32_t x, uint32_t oc) {
  const rn_conv_geometry *g = &a->geometry;
  int32_t acc = a->bias[oc];
  for (uint32_t r = 0; r < g->kernel_rows; r++) {
    const uint8_t *input = a->input + y * g->step_y + r * g->input_row + x * g->step_x;
    for (uint32_t k = 0; k < g->run; k++)
      acc += input[k] * a->weights[rn_weight_index_q8(oc, r, k, g->kernel_rows, g->run)];
  }
  return acc;
}

void rn_requantize_ref(const rn_conv_q8_args *a, int32_t acc, uint32_t oc, const uint8_t *residual,
                       uint8_t *output) {
  float t = (float)acc * a->multiplier[oc];
  if (residual) {
    int32_t r = *residual;
    if (a->residual_lower)
      r = r << 8 | residual[a->residual_lower];
    t = t + (float)(r - a->residual_zero) * a->residual_multiplier;
  }
  t = t > a->low ? t : a->low;
  t = t < a->high ? t : a->high;
  const int32_t w = (int32_t)lrintf(t) + a->output_zero;
  if (a->output_lower)
    output[a->output_lower] = (uint8_t)w;
  *output = (uint8_t)(a->output_lower ? w >> 8 : w);
}

void rn_conv_q8_ref(const rn_conv_q8_args *a, uint32_t first, uint32_t last) {
  convolve_q8(a, first, last, accumulate);
}
