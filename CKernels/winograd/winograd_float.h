// SPDX-License-Identifier: Apache-2.0
// Winograd convolution in float32 with float32 or fp16 weights. Included once by each kernel file,
// after it has defined what winograd.h says and
//   weight                     of weights
//   lanes                      floats of its vectors, at most 16
//   clamp(t, low, high)        t > low ? t : low and then t < high ? t : high, in each lane
//
// Scratch of one strip, each position padded by a cache line: pitches that are multiples of 4096
// bytes would crowd the few cache sets of one address.
//   V [position][channels/16][tile][16 channels]     M [position][tile][32 oc]
// A multiplication reads V from its first to its last byte.
#ifndef RN_WINOGRAD_FLOAT_H
#define RN_WINOGRAD_FLOAT_H

#include "../common/rn_target.h"

typedef rn_winograd_float_args winograd_args;
typedef rn_conv_float_args conv_args;
typedef float element, accumulator;
typedef float value __attribute__((vector_size(lanes * 4), aligned(4)));
typedef value sum;

enum { input_lanes = lanes, pad = 16 };

#define winograd_units rn_winograd_float_units
#define load_input(from) (*(const value *)(from))
#define v_offset(strip_tiles, channels, tile, channel)                                             \
  ((size_t)((channel) / 16 * (strip_tiles) + (tile)) * 16 + (channel) % 16)

RN_ALWAYS_INLINE value plus_product(value y, value x, float factor) {
  return __builtin_elementwise_fma((value){} + factor, x, y);
}
#define minus_product(y, x, factor) plus_product(y, x, -(factor))
#define plus_sum_product plus_product
#define end_of_input(x, y, z) plus_product(minus_product(z, y, 5), x, 4)
#define end_of_output(y, m, last) (plus_sum_product(y, m, 8) + (last))

RN_ALWAYS_INLINE void store_output(const conv_args *a, sum m, sum bias, const uint32_t tile_height,
                                   const uint32_t tile_width, uint32_t oc, const float *residual,
                                   float *output) {
  (void)tile_height, (void)tile_width, (void)oc;
  sum t = m + bias;
  if (residual)
    t = t + *(const sum *)residual;
  *(sum *)output = clamp(t, (sum){} + a->low, (sum){} + a->high);
}

#include "winograd.h"

#endif
