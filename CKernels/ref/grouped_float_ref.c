// SPDX-License-Identifier: Apache-2.0
// Grouped convolutions of float32 activations with float32 and with fp16 weights: the definition of
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

static float accumulate(const rn_grouped_float_args *a, uint32_t y, uint32_t x, uint32_t oc,
                        float (*weight)(const void *, size_t)) {
  const rn_conv_geometry *g = &a->conv.geometry;
  const uint32_t width = a->group_channels, taps = g->kernel_rows * a->kernel_columns;
  float acc = a->conv.bias[oc];
  for (uint32_t tap = 0; tap < taps; tap++) {
    const float *input = a->conv.input + y * g->step_y + tap / a->kernel_columns * g->input_row +
                         x * g->step_x + tap % a->kernel_columns * a->input_column +
                         oc / width * width;
    for (uint32_t k = 0; k < width; k++)
      acc = fmaf(input[k], weight(a->conv.weights, rn_grouped_index_float(oc, tap, k, taps, width)),
                 acc);
  }
  return acc;
}

static inline void convolve(const rn_grouped_float_args *a, uint32_t first, uint32_t last,
                            float (*weight)(const void *, size_t)) {
  const rn_conv_float_args *c = &a->conv;
  const rn_conv_geometry *g = &c->geometry;
  require_conv(g, 1, c->input, c->weights, c->bias, c->output, last, rn_conv_units(g));
  require_grouped(g, a->group_channels, a->kernel_columns);
  for (uint32_t unit = first; unit < last; unit++) {
    const uint32_t y = unit % g->output_height;
    const uint32_t first_oc = unit / g->output_height * 32;
    const uint32_t channels = g->output_blocks * RN_CHANNEL_BLOCK;
    const uint32_t last_oc = first_oc + 32 < channels ? first_oc + 32 : channels;
    for (uint32_t x = 0; x < g->output_width; x++) {
      const size_t pixel = x * g->output_pixel;
      for (uint32_t oc = first_oc; oc < last_oc; oc++) {
        float t = accumulate(a, y, x, oc, weight);
        if (c->residual)
          t = t + c->residual[y * g->residual_row + pixel + oc];
        t = t > c->low ? t : c->low;
        c->output[y * g->output_row + pixel + oc] = t < c->high ? t : c->high;
      }
    }
  }
}

void rn_grouped_f32_ref(const rn_grouped_float_args *a, uint32_t first, uint32_t last) {
  convolve(a, first, last, weight_f32);
}

void rn_grouped_f16_ref(const rn_grouped_float_args *a, uint32_t first, uint32_t last) {
  convolve(a, first, last, weight_f16);
}
