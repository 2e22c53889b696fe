// SPDX-License-Identifier: Apache-2.0
// Integer Winograd convolution. Included once by each kernel file, after it has defined what
// winograd.h says and
//   lanes                      int32 lanes of its vectors
//   activation                 uint8_t, or int8_t where activations are flipped
//   requantize(...)            the epilogue of `lanes` channels
//
// Scratch of one strip:  V [position][tile][channel]     M [position][tile][32 oc]
#ifndef RN_WINOGRAD_Q8_H
#define RN_WINOGRAD_Q8_H

#include "../common/rn_target.h"

typedef rn_winograd_q8_args winograd_args;
typedef rn_conv_q8_args conv_args;
typedef int16_t element, weight;
typedef int32_t accumulator;
typedef int16_t value __attribute__((vector_size(lanes * 4), aligned(2)));
typedef activation bytes __attribute__((vector_size(lanes * 2), aligned(1)));
typedef uint32_t sum __attribute__((vector_size(lanes * 4), aligned(4))); // modulo 2^32
typedef int32_t signed_sum __attribute__((vector_size(lanes * 4), aligned(4)));

enum { input_lanes = 2 * lanes, pad = 0 };

#define winograd_units rn_winograd_q8_units
#define load_input(from) __builtin_convertvector(*(const bytes *)(from), value)
#define v_offset(strip_tiles, channels, tile, channel) ((size_t)(tile) * (channels) + (channel))

// Factors of 2, 4 and 5, by shifts.
#define product(x, factor) ((factor) == 5 ? ((x) << 2) + (x) : (x) * (factor))
#define plus_product(y, x, factor) ((y) + product(x, factor))
#define minus_product(y, x, factor) ((y)-product(x, factor))
#define plus_sum_product(y, m, factor) ((y) + (m) * (factor))
#define last_sum(m) ((m) << 2)

// S * sum to sum: by the inverse of 9 or 3 modulo 2^32, which leaves T * sum, and a shift.
RN_ALWAYS_INLINE sum unscaled(sum s, const uint32_t tile_height, const uint32_t tile_width) {
  if (tile_height == 2)
    return (sum)((signed_sum)s >> 2);
  if (tile_width == 2)
    return (sum)((signed_sum)(s * 0xAAAAAAABu) >> 4);
  return (sum)((signed_sum)(s * 0x38E38E39u) >> 6);
}

RN_ALWAYS_INLINE void store_output(const conv_args *a, sum m, sum bias, const uint32_t tile_height,
                                   const uint32_t tile_width, uint32_t oc, const uint8_t *residual,
                                   uint8_t *output) {
  requantize(a, unscaled(m, tile_height, tile_width) + bias, oc, residual, output);
}

#include "winograd.h"

#endif
