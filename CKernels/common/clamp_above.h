// SPDX-License-Identifier: Apache-2.0
// The upper clamp of float32 outputs, for kernels that store them without it. Few layers have one,
// so it is a pass of its own over what lies in the cache, and layers without it pay one comparison.
#ifndef RN_CLAMP_ABOVE_H
#define RN_CLAMP_ABOVE_H

#include "rn_target.h"
#include <math.h>

// Clamps `channels` channels from oc on of the pixels [y, y + rows) x [x, x + columns), as far as
// they are in the output.
RN_ALWAYS_INLINE void clamp_above(const rn_conv_float_args *a, uint32_t y, uint32_t x,
                                  uint32_t rows, uint32_t columns, uint32_t oc, uint32_t channels) {
  const rn_conv_geometry *g = &a->geometry;
  const float high = a->high;
  for (uint32_t i = y; i < y + rows && i < g->output_height; i++) {
    for (uint32_t j = x; j < x + columns && j < g->output_width; j++) {
      float *output = a->output + i * g->output_row + j * g->output_pixel + oc;
      for (uint32_t c = 0; c < channels; c++)
        output[c] = output[c] < high ? output[c] : high;
    }
  }
}

// Clamps the units [first, last) of a direct convolution.
RN_ALWAYS_INLINE void clamp_units_above(const rn_conv_float_args *a, uint32_t first,
                                        uint32_t last) {
  const rn_conv_geometry *g = &a->geometry;
  if (a->high == INFINITY)
    return;
  for (uint32_t unit = first; unit < last; unit++) {
    const uint32_t oc = unit / g->output_height * 32, left = g->output_blocks * 16 - oc;
    clamp_above(a, unit % g->output_height, 0, 1, g->output_width, oc, left < 32 ? left : 32);
  }
}

#endif
