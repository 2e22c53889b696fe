// SPDX-License-Identifier: Apache-2.0
// What the definitions of dense and of grouped convolutions share: all but the sums. Grouped
// arguments start with those of a dense convolution, from which their sums come back to them.
#ifndef RN_CONV_REF_H
#define RN_CONV_REF_H

#include "../common/contracts.h"
#include "../weights/half.h"
#include "requantize_ref.h"

typedef int32_t sum_q8(const rn_conv_q8_args *a, uint32_t y, uint32_t x, uint32_t oc);

static inline void convolve_q8(const rn_conv_q8_args *a, uint32_t first, uint32_t last,
                               sum_q8 *sum) {
  const rn_conv_geometry *g = &a->geometry;
  require_conv(g, 4, a->input, a->weights, a->bias, a->output, last, rn_conv_units(g));
  for (uint32_t unit = first; unit < last; unit++) {
    const uint32_t y = unit % g->output_height;
    const uint32_t first_oc = unit / g->output_height * 32;
    const uint32_t channels = g->output_blocks * RN_CHANNEL_BLOCK;
    const uint32_t last_oc = first_oc + 32 < channels ? first_oc + 32 : channels;
    for (uint32_t x = 0; x < g->output_width; x++) {
      const size_t pixel = x * g->output_pixel;
      for (uint32_t oc = first_oc; oc < last_oc; oc++) {
        const uint8_t *residual = a->residual ? &a->residual[y * g->residual_row + pixel + oc] : 0;
        rn_requantize_ref(a, sum(a, y, x, oc), oc, residual,
                          &a->output[y * g->output_row + pixel + oc]);
      }
    }
  }
}

typedef float weight_function(const void *weights, size_t index);

static inline float weight_f32(const void *weights, size_t index) {
  return ((const float *)weights)[index];
}

static inline float weight_f16(const void *weights, size_t index) {
  return half_to_float(((const uint16_t *)weights)[index]);
}

typedef float sum_float(const rn_conv_float_args *a, uint32_t y, uint32_t x, uint32_t oc,
                        weight_function *weight);

static inline void convolve_float(const rn_conv_float_args *a, uint32_t first, uint32_t last,
                                  sum_float *sum, weight_function *weight) {
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
        float t = sum(a, y, x, oc, weight);
        if (a->residual)
          t = t + a->residual[y * g->residual_row + pixel + oc];
        t = t > a->low ? t : a->low;
        a->output[y * g->output_row + pixel + oc] = t < a->high ? t : a->high;
      }
    }
  }
}

#endif
