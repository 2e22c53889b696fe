// SPDX-License-Identifier: Apache-2.0
// Integer Winograd convolution. Included once by each kernel file, after it has defined what
// winograd.h says and
//   lanes                      int32 lanes of its vectors
//   activation                 uint8_t, or int8_t where activations are flipped
//   requantized                such a vector as requantize_four takes it
//   requantization             constants of the epilogue, which requantization_of(conv) makes
//   requantize_four(...)       the epilogue of `lanes` channels of four pixels
//
// Scratch of one strip, each position padded as in winograd_float.h:
//   V [position][tile][channel]     M [position][tile][32 oc]
#ifndef RN_WINOGRAD_Q8_H
#define RN_WINOGRAD_Q8_H

#include "../common/rn_target.h"
#include <string.h>

typedef rn_winograd_q8_args winograd_args;
typedef rn_conv_q8_args conv_args;
typedef int16_t element, weight;
typedef int32_t accumulator;
typedef int16_t value __attribute__((vector_size(lanes * 4), aligned(2)));
typedef activation bytes __attribute__((vector_size(lanes * 2), aligned(1)));
typedef uint32_t sum __attribute__((vector_size(lanes * 4), aligned(4))); // modulo 2^32
typedef int32_t signed_sum __attribute__((vector_size(lanes * 4), aligned(4)));

enum { input_lanes = 2 * lanes, pad = 32 };

#define winograd_units rn_winograd_q8_units
#define load_input(from) __builtin_convertvector(*(const bytes *)(from), value)
#define v_offset(strip_tiles, channels, tile, channel) ((size_t)(tile) * (channels) + (channel))

#define plus_product(y, x, factor) ((y) + (x) * (factor))
#define minus_product(y, x, factor) ((y) - (x) * (factor))
#define plus_sum_product(y, m, factor) ((y) + (m) * (factor))
// Of parts that the other results have too.
#define end_of_input(x, y, z) (((z) - (y)) + (((x) - (y)) << 2))
#define end_of_output(y, m, last) ((y) + (((m)*2 + (last)) << 2))

// S * sum to sum: by the inverse of 9 or 3 modulo 2^32, which leaves T * sum, and a shift.
RN_ALWAYS_INLINE sum unscaled(sum s, const uint32_t tile_height, const uint32_t tile_width) {
  if (tile_height == 2)
    return (sum)((signed_sum)s >> 2);
  if (tile_width == 2)
    return (sum)((signed_sum)(s * 0xAAAAAAABu) >> 4);
  return (sum)((signed_sum)(s * 0x38E38E39u) >> 6);
}

#include "epilogue_q8.h"

// Where a tile is read and written.
typedef struct place {
  uint8_t *output;
  const uint8_t *residual; // or null
  size_t output_row, residual_row, pixel;
  ptrdiff_t output_lower, residual_lower; // as in the arguments
} place;

RN_ALWAYS_INLINE void store_pixels(const epilogue *e, const sum *m, const place *to, uint32_t oc,
                                   const uint32_t tile_height, const uint32_t tile_width) {
  const sum bias = *(const sum *)(e->conv.bias + oc);
  RN_UNROLL for (uint32_t first = 0; first < tile_height * tile_width; first += 4) {
    requantized acc[4];
    const uint8_t *residual[4] = {0};
    uint8_t *output[4];
    RN_UNROLL for (uint32_t k = 0; k < 4; k++) {
      const uint32_t i = (first + k) / tile_width, j = (first + k) % tile_width;
      acc[k] = (requantized)(unscaled(m[i * (tile_width + 2) + j], tile_height, tile_width) + bias);
      output[k] = to->output + i * to->output_row + j * to->pixel;
      if (to->residual)
        residual[k] = to->residual + i * to->residual_row + j * to->pixel;
    }
    requantize_four(&e->requantization, acc, e->conv.multiplier + oc, to->residual ? residual : 0,
                    to->residual_lower, output, to->output_lower);
  }
}

// A tile that reaches beyond the output is put together elsewhere.
#define RN_STORES_TILES
RN_ALWAYS_INLINE void store_tile(const epilogue *e, const sum *m, uint32_t y, uint32_t x,
                                 uint32_t oc, const uint32_t tile_height,
                                 const uint32_t tile_width) {
  const rn_conv_geometry *g = &e->conv.geometry;
  const size_t pixel = x * g->output_pixel + oc;
  const place whole = {e->conv.output + y * g->output_row + pixel,
                       e->conv.residual ? e->conv.residual + y * g->residual_row + pixel : 0,
                       g->output_row,
                       g->residual_row,
                       g->output_pixel,
                       e->conv.output_lower,
                       e->conv.residual_lower};
  const uint32_t height = g->output_height - y, width = g->output_width - x;
  if (height >= tile_height && width >= tile_width)
    return store_pixels(e, m, &whole, oc, tile_height, tile_width);
  // Upper bytes and lower ones.
  uint8_t output[2][16][lanes], residual[2][16][lanes] = {0};
  const size_t row = tile_width * lanes;
  const ptrdiff_t lower = sizeof output[0];
  const place part = {output[0][0],
                      whole.residual ? residual[0][0] : 0,
                      row,
                      row,
                      lanes,
                      whole.output_lower ? lower : 0,
                      whole.residual_lower ? lower : 0};
  for (uint32_t i = 0; i < tile_height && i < height && whole.residual; i++)
    for (uint32_t j = 0; j < tile_width && j < width; j++) {
      const uint8_t *from = whole.residual + i * whole.residual_row + j * whole.pixel;
      memcpy(residual[0][i * tile_width + j], from, lanes);
      if (whole.residual_lower)
        memcpy(residual[1][i * tile_width + j], from + whole.residual_lower, lanes);
    }
  store_pixels(e, m, &part, oc, tile_height, tile_width);
  for (uint32_t i = 0; i < tile_height && i < height; i++)
    for (uint32_t j = 0; j < tile_width && j < width; j++) {
      uint8_t *to = whole.output + i * whole.output_row + j * whole.pixel;
      memcpy(to, output[0][i * tile_width + j], lanes);
      if (whole.output_lower)
        memcpy(to + whole.output_lower, output[1][i * tile_width + j], lanes);
    }
}

#include "winograd.h"

#endif
