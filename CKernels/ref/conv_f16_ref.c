// SPDX-License-Identifier: Apache-2.0
// Convolution with fp16 weights in float32: the definition of correct.
#include "half.h"
#include "rn_kernels.h"
#include <math.h>

static float accumulate(const rn_conv_f16_args *a, uint32_t y, uint32_t x, uint32_t oc) {
  const rn_conv_geometry *g = &a->geometry;
  const size_t block = (size_t)g->kernel_rows * g->run * RN_CHANNEL_BLOCK;
  const uint16_t *weights = a->weights + oc / 16 * block + oc % 16;
  float acc = a->bias[oc];
  for (uint32_t r = 0; r < g->kernel_rows; r++) {
    const float *input = a->input + y * g->step_y + r * g->input_row + x * g->step_x;
    const uint16_t *row = weights + (size_t)r * g->run * RN_CHANNEL_BLOCK;
    for (uint32_t k = 0; k < g->run; k++)
      acc = fmaf(input[k], half_to_float(row[k * RN_CHANNEL_BLOCK]), acc);
  }
  return acc;
}

void rn_conv_f16_ref(const rn_conv_f16_args *a, uint32_t first, uint32_t last) {
  const rn_conv_geometry *g = &a->geometry;
  for (uint32_t unit = first; unit < last; unit++) {
    const uint32_t y = unit % g->output_height;
    const uint32_t first_oc = unit / g->output_height * 32;
    const uint32_t channels = g->output_blocks * RN_CHANNEL_BLOCK;
    const uint32_t last_oc = first_oc + 32 < channels ? first_oc + 32 : channels;
    for (uint32_t x = 0; x < g->output_width; x++) {
      const size_t pixel = x * g->output_pixel;
      for (uint32_t oc = first_oc; oc < last_oc; oc++) {
        float t = accumulate(a, y, x, oc);
        if (a->residual)
          t = t + a->residual[y * g->residual_row + pixel + oc];
        a->output[y * g->output_row + pixel + oc] = t > a->low ? t : a->low;
      }
    }
  }
}
