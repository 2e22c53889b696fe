// SPDX-License-Identifier: Apache-2.0
// Convolutions of float32 activations with float32 and with fp16 weights: the definition of
// correct.
#include "../common/contracts.h"
#include "../weights/half.h"
#include <math.h>

static float weight_f32(const void *weights, size_t index) {
  return ((const float *)weights)[index];
}

static float weight_f16(const void *weights, size_t index) {
  return half_to_float(((const uint16_t *)weights)[index]);
}

static float accumulate(const rn_conv_float_args *a, uint32_t y, uint32_t x, uint32_t oc,
                        float (*weight)(const void *, size_t)) {
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

static inline void convolve(const rn_conv_float_args *a, uint32_t first, uint32_t last,
                            float (*weight)(const void *, size_t)) {
  const rn_conv_geometry *g = &a->geometry;
  require_conv(g, 1, a->input, a->weights, a->bias, a->output, last, rn_conv_units(g));
  for (uint32_t unit = first; unit < last; unit++) {
    const uint32_t y = unit % g->output_height;
    const uint32_t first_oc = unit / g->output_height * 32;
    const uint32_t channels = g->output_blocks * RN_CHANNEL_BLOCK;
    const uint32_t last_oc = first_oc + 32 < channels ? first_oc + 32 : channels;
    for (uint32_t x = 0; x < g->output_width; x++) {
      const size_t pixel = x * g->output_pixel;
      for (uint32_t oc = first_oc; oc < last_oc; oc++) {
        float t = accumulate(a, y, x, oc, weight);
        if (a->residual)
          t = t + a->residual[y * g->residual_row + pixel + oc];
        t = t > a->low ? t : a->low;
        a->output[y * g->output_row + pixel + oc] = t < a->high ? t : a->high;
      }
    }
  }
}

void rn_conv_f32_ref(const rn_conv_float_args *a, uint32_t first, uint32_t last) {
  convolve(a, first, last, weight_f32);
}

void rn_conv_f16_ref(const rn_conv_float_args *a, uint32_t first, uint32_t last) {
  convolve(a, first, last, weight_f16);
}
