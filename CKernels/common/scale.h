// SPDX-License-Identifier: Apache-2.0
// The loops of scale_q8 and scale_f32 over rows, pixels and channels.
#ifndef RN_SCALE_H
#define RN_SCALE_H

#include "contracts.h"

// Calls blocks(a, c, input, residual, output, n) for all channels of all pixels of the rows, with n
// blocks from channel c on: `most` of them and then one at a time. `residual` is null if there is
// none.
#define RN_SCALE_EACH(a, first_row, last_row, most, blocks)                                        \
  require_scale((a)->input, (a)->output, (a)->multiplier, (a)->offset, (a)->width, (a)->channels); \
  for (size_t y = first_row; y < last_row; y++) {                                                  \
    for (uint32_t x = 0; x < (a)->width; x++) {                                                    \
      const size_t pixel = (size_t)x * (a)->channels;                                              \
      RN_SCALE_PIXEL(a, (a)->input + y * (a)->input_row + pixel,                                   \
                     (a)->residual ? (a)->residual + y * (a)->residual_row + pixel : 0,            \
                     (a)->output + y * (a)->output_row + pixel, most, blocks)                      \
    }                                                                                              \
  }

#define RN_SCALE_PIXEL(a, input_pixel, residual_pixel, output_pixel, most, blocks)                 \
  const __typeof__(*(a)->input) *const input = input_pixel, *const residual = residual_pixel;      \
  __typeof__(*(a)->output) *const output = output_pixel;                                           \
  uint32_t c = 0;                                                                                  \
  for (; c + most * RN_CHANNEL_BLOCK <= (a)->channels; c += most * RN_CHANNEL_BLOCK)               \
    blocks(a, c, input + c, residual ? residual + c : 0, output + c, most);                        \
  for (; most > 1 && c < (a)->channels; c += RN_CHANNEL_BLOCK)                                     \
    blocks(a, c, input + c, residual ? residual + c : 0, output + c, 1);

#endif
