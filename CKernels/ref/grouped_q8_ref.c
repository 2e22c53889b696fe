// SPDX-License-Identifier: Apache-2.0
// Grouped int8 convolution: the definition of correct.
#include "../common/contracts.h"
#include "requantize_ref.h"

static int32_t accumulate(const rn_grouped_q8_args *a, uint32_t y, uint32_t x, uint32_t oc) {
  const rn_conv_geometry *g = &a->conv.geometry;
  const uint32_t width = a->group_channels, taps = g->kernel_rows * a->kernel_columns;
  int32_t acc = a->conv.bias[oc];
  for (uint32_t tap = 0; tap < taps; tap++) {
    const uint8_t *input = a->conv.input + y * g->step_y + tap / a->kernel_columns * g->input_row +
                           x * g->step_x + tap % a->kernel_columns * a->input_column +
                           oc / width * width;
    for (uint32_t k = 0; k < width; k++)
      acc += input[k] * a->conv.weights[rn_grouped_index_q8(oc, tap, k, taps, width)];
  }
  return acc;
}

void rn_grouped_q8_ref(const rn_grouped_q8_args *a, uint32_t first, uint32_t last) {
  const rn_conv_q8_args *c = &a->conv;
  const rn_conv_geometry *g = &c->geometry;
  require_conv(g, 4, c->input, c->weights, c->bias, c->output, last, rn_conv_units(g));
  require_grouped(g, a->group_channels, a->kernel_columns);
  for (uint32_t unit = first; unit < last; unit++) {
    const uint32_t y = unit % g->output_height;
    const uint32_t first_oc = unit / g->output_height * 32;
    const uint32_t channels = g->output_blocks * RN_CHANNEL_BLOCK;
    const uint32_t last_oc = first_oc + 32 < channels ? first_oc + 32 : channels;
    for (uint32_t x = 0; x < g->output_width; x++) {
      const size_t pixel = x * g->output_pixel;
      for (uint32_t oc = first_oc; oc < last_oc; oc++) {
        const uint8_t *residual = c->residual ? &c->residual[y * g->residual_row + pixel + oc] : 0;
        rn_requantize_ref(c, accumulate(a, y, x, oc), oc, residual,
                          &c->output[y * g->output_row + pixel + oc]);
      }
    }
  }
}
