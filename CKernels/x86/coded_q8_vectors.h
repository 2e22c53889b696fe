// SPDX-License-Identifier: Apache-2.0
// What the coded convolutions of x86 share: coding, and the output's transform with the epilogue.
// Included by each kernel file within its target, after it has defined
//   RN_MAX_TILES, multiply_tiles(product, tiles), what coded_product.h says
//   lanes                      int32 lanes of
//   vector                     a vector, as many channels' bytes as step_channels
//   load(from), store(to, a)
//   interleaved_low(a, b), interleaved_high(a, b), byte_products(a, b)
//                              (V)PUNPCKLBW, (V)PUNPCKHBW and (V)PMADDUBSW
//   rounded_product(a, b)      (V)PMULHRSW
//   packed_signed(a, b), packed_unsigned(a, b)         (V)PACKSSWB and (V)PACKUSWB
//   saturating_sum(a, b)       (V)PADDSW
//   and what requantize_*.h has: requantization, requantize_four
//
// A vector of bytes is interleaved with another one, so that one multiplication of pairs by 1 and
// +-1 adds or subtracts them as int16; packing puts the channels in order again.
#ifndef RN_CODED_Q8_VECTORS_H
#define RN_CODED_Q8_VECTORS_H

typedef vector bytes;
typedef int16_t value __attribute__((vector_size(lanes * 4)));
typedef uint8_t flips __attribute__((vector_size(lanes * 4)));
typedef uint32_t sum __attribute__((vector_size(lanes * 4), aligned(4))); // modulo 2^32

typedef struct halves {
  value low, high;
} halves;

// `table` has a line for each tap: its step in all lanes. `offset` is what V of the zero tap has
// from the 128 that inputs are not less here.
typedef struct coder {
  const int16_t (*table)[32];
  value offset, zero;
} coder;

typedef const int16_t (*steps)[32];

RN_ALWAYS_INLINE coder make_coder(const rn_coded_q8_args *a, const rn_coded_shape shape) {
  int16_t(*table)[32] = a->scratch;
  for (uint32_t tap = 0; tap < shape.rows * shape.columns; tap++)
    for (uint32_t i = 0; i < 32; i++)
      table[tap][i] = a->step[tap / shape.columns * 8 + tap % shape.columns];
  const int16_t offset = shape.tile_height == 2 ? 4 * 128 : 16 * 128;
  return (coder){(const int16_t(*)[32])table, (value){} + offset, (value){} + (int16_t)a->zero};
}

RN_ALWAYS_INLINE steps steps_of(const coder *c, uint32_t row, uint32_t columns) {
  return c->table + row * columns;
}

RN_ALWAYS_INLINE bytes load_bytes(const uint8_t *from) { return load(from); }

RN_ALWAYS_INLINE halves signed_total(bytes a, bytes b, const int16_t factors) {
  const vector pairs = (vector)((value){} + factors);
  return (halves){(value)byte_products(interleaved_low(a, b), pairs),
                  (value)byte_products(interleaved_high(a, b), pairs)};
}

RN_ALWAYS_INLINE halves total(bytes a, bytes b) { return signed_total(a, b, 0x0101); }

// The pair's factors are 1 and, in the upper byte, -1.
RN_ALWAYS_INLINE halves difference(bytes a, bytes b) { return signed_total(a, b, (int16_t)0xff01); }

RN_ALWAYS_INLINE void store_codes(const coder *c, value low, value high, steps s,
                                  const uint32_t column, const int is_zero_tap, uint8_t *to) {
  const vector step = load(s[column]);
  if (is_zero_tap) {
    low -= c->offset;
    high -= c->offset;
  }
  vector x = rounded_product((vector)low, step), y = rounded_product((vector)high, step);
  if (is_zero_tap) {
    x = saturating_sum(x, (vector)c->zero);
    y = saturating_sum(y, (vector)c->zero);
    store(to, packed_unsigned(x, y));
  } else {
    store(to, (vector)((flips)packed_signed(x, y) ^ ((flips){} + 0x80)));
  }
}

#include "../winograd/epilogue_q8.h"

RN_ALWAYS_INLINE sum load_sum(const int32_t *from) { return *(const sum *)from; }
#include "../winograd/coded_output.h"

// A tile; is_whole tells that all of its pixels are in the image. What is beyond it is left out, or
// written as the nearest pixel of its four once more: requantize_four reads before it writes.
RN_ALWAYS_INLINE void store_part(const epilogue *e, const int32_t *m, uint32_t y, uint32_t x,
                                 uint32_t oc, uint32_t channels, const rn_coded_form form,
                                 const int has_residual, const int is_whole) {
  const rn_conv_q8_args *a = &e->conv;
  const rn_conv_geometry *g = &a->geometry;
  const uint32_t width = form == RN_CODED_F2X2 ? 2 : 4;
  const uint32_t rows = g->output_height - y, columns = g->output_width - x;
  for (uint32_t c = 0; c < channels; c += lanes) {
    sum acc[16];
    if (form == RN_CODED_F2X2)
      transform_output_2(m + c, acc);
    else
      transform_output_sfc4(m + c, acc);
    const size_t first = x * g->output_pixel + oc + c;
    uint8_t *output = a->output + y * g->output_row + first;
    const uint8_t *residual = has_residual ? a->residual + y * g->residual_row + first : 0;
    RN_UNROLL for (uint32_t four = 0; four < width * width; four += 4) {
      if (!is_whole && four / width >= rows)
        continue;
      uint8_t *to[4];
      const uint8_t *from[4];
      vector sums[4];
      RN_UNROLL for (uint32_t k = 0; k < 4; k++) {
        uint32_t i = k / width, j = k % width;
        if (!is_whole && four / width + i >= rows)
          i = 0;
        if (!is_whole && j >= columns)
          j = columns - 1;
        to[k] = output + i * g->output_row + j * g->output_pixel;
        if (has_residual)
          from[k] = residual + i * g->residual_row + j * g->output_pixel;
        sums[k] = (vector)acc[four + i * width + j];
      }
      requantize_four(&e->requantization, sums, a->multiplier + oc + c, has_residual ? from : 0,
                      a->residual_lower, to, a->output_lower);
      // One pointer, or the compiler keeps those of all pixels, in memory.
      output += 4 / width * g->output_row;
      RN_OPAQUE(output);
      if (has_residual) {
        residual += 4 / width * g->residual_row;
        RN_OPAQUE(residual);
      }
    }
  }
}

RN_ALWAYS_INLINE void store_tile(const epilogue *e, const int32_t *m, uint32_t y, uint32_t x,
                                 uint32_t oc, uint32_t channels, const rn_coded_form form) {
  const rn_conv_geometry *g = &e->conv.geometry;
  const uint32_t width = form == RN_CODED_F2X2 ? 2 : 4;
  const int is_whole = g->output_height - y >= width && g->output_width - x >= width;
  if (e->conv.residual && is_whole)
    store_part(e, m, y, x, oc, channels, form, 1, 1);
  else if (e->conv.residual)
    store_part(e, m, y, x, oc, channels, form, 1, 0);
  else if (is_whole)
    store_part(e, m, y, x, oc, channels, form, 0, 1);
  else
    store_part(e, m, y, x, oc, channels, form, 0, 0);
}

#include "../winograd/coded_q8.h"

#endif
