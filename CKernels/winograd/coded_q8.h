// SPDX-License-Identifier: Apache-2.0
// The coded convolution in vectors: strips of tiles through the input's transform and coding, one
// multiplication for each tap, and the output's transform. Included once by each kernel file, after
// it has defined
//   value                      a vector of int16, with + and -
//   bytes, load_bytes(from)    the inputs of step_channels channels, twice those of a value
//   total(a, b), difference(a, b)      of bytes: `halves`, two values
//   steps, steps_of(c, row, columns)   the steps of a row of taps, of the `coder`
//   store_codes(c, low, high, steps, column, is_zero_tap, to)
//                              codes `step_channels` channels of the tap `column` of the row
//   make_coder(a, scratch)     the coder of a call, at whose scratch a line for each tap is its own
//   RN_MAX_TILES, tile_blocks  tiles of the largest register tile, and what coded_product.h says
//   multiply_tiles(product, tiles)     M of some tiles at some taps
//   epilogue, epilogue_of(conv), store_tile(...)       the output's transform and the epilogue of
//                              a tile
//
// Scratch: a line for each tap, and of one strip, each tap padded by a cache line,
//   codes [tap][channels / step_channels][tile][step_channels]     M [tap][tile][16 * tile_blocks]
#ifndef RN_CODED_Q8_H
#define RN_CODED_Q8_H

#include "../common/contracts.h"
#include "../common/rn_each.h"
#include "coded_product.h"

#define RN_MULTIPLY(tiles, ...)                                                                    \
  static __attribute__((noinline)) void multiply_##tiles(const product *p) {                       \
    multiply_tiles(p, tiles);                                                                      \
  }
#define RN_MULTIPLY_NAME(tiles, ...) multiply_##tiles,
#define RN_JOINED(a, b) a##b
#define RN_FOR_TILES(n, X) RN_JOINED(RN_FOR_1_TO_, n)(X)

typedef void multiply_function(const product *p);
RN_FOR_TILES(RN_MAX_TILES, RN_MULTIPLY)
static multiply_function *const multiply_of[RN_MAX_TILES + 1] = {
    0, RN_FOR_TILES(RN_MAX_TILES, RN_MULTIPLY_NAME)};

typedef struct strip {
  uint32_t first, tiles; // tiles of the strip
  uint32_t across;       // tiles in a row of the image
  uint32_t channels;     // of the input
  size_t codes_tap;
  uint8_t *codes;
  int32_t *m;
} strip;

// The output at which the next tile starts.
RN_ALWAYS_INLINE void next_tile(const rn_coded_q8_args *a, const rn_coded_shape shape, uint32_t *y,
                                uint32_t *x) {
  *x += shape.tile_width;
  if (*x >= a->conv.geometry.output_width) {
    *x = 0;
    *y += shape.tile_height;
  }
}

// B^T x of F(2, 3) and SFC-4(4, 3).
RN_ALWAYS_INLINE void transform_2(const value *x, value *v) {
  v[0] = x[0] - x[2];
  v[1] = x[1] + x[2];
  v[2] = x[2] - x[1];
  v[3] = x[1] - x[3];
}

RN_ALWAYS_INLINE void transform_sfc4(const value *x, value *v) {
  const value s = x[1] + x[3], t = x[2] + x[4];
  v[0] = s + t;
  v[1] = s - t;
  v[2] = x[1] - x[3];
  v[3] = x[4] - x[2];
  v[4] = v[2] + v[3];
  v[5] = x[0] - x[4];
  v[6] = x[5] - x[1];
}

// Where a tile is read: inputs of row i and column j are at row[i] + column[j].
typedef struct tile_input {
  const uint8_t *row[6];
  size_t column[6];
} tile_input;

// Where its codes go: the tap in column j of the row of taps at `row`.
typedef struct tile_codes {
  uint8_t *row;
  size_t column[7], next_row;
} tile_codes;

#define D(i, j) load_bytes(in->row[i] + in->column[j])

// Codes and stores one row of taps.
RN_ALWAYS_INLINE void code_row(const coder *c, tile_codes *to, const value *low, const value *high,
                               const uint32_t row, const rn_coded_shape shape) {
  const steps s = steps_of(c, row, shape.columns);
  RN_UNROLL for (uint32_t j = 0; j < shape.columns; j++)
      store_codes(c, low[j], high[j], s, j, row == shape.zero_row && j == shape.zero_column,
                  to->row + to->column[j]);
  // Keeps what comes next behind, or the compiler starts it too early and spills.
  __asm__ volatile("" ::: "memory");
}

RN_ALWAYS_INLINE void code_row_2(const coder *c, tile_codes *to, const halves *x,
                                 const uint32_t row, const rn_coded_shape shape) {
  value low[4], high[4], v_low[4], v_high[4];
  RN_UNROLL for (uint32_t j = 0; j < 4; j++) { low[j] = x[j].low, high[j] = x[j].high; }
  transform_2(low, v_low);
  transform_2(high, v_high);
  code_row(c, to, v_low, v_high, row, shape);
  to->row += to->next_row;
}

RN_ALWAYS_INLINE void code_tile_2(const coder *c, const tile_input *in, tile_codes *to) {
  const rn_coded_shape shape = {2, 2, 4, 4, 1, 1};
  halves x[4], minus[4];
  RN_UNROLL for (uint32_t j = 0; j < 4; j++) x[j] = difference(D(0, j), D(2, j));
  code_row_2(c, to, x, 0, shape);
  RN_UNROLL for (uint32_t j = 0; j < 4; j++) {
    const bytes d1 = D(1, j), d2 = D(2, j);
    x[j] = total(d1, d2);
    minus[j] = difference(d2, d1);
  }
  code_row_2(c, to, x, 1, shape);
  code_row_2(c, to, minus, 2, shape);
  RN_UNROLL for (uint32_t j = 0; j < 4; j++) x[j] = difference(D(1, j), D(3, j));
  code_row_2(c, to, x, 3, shape);
}

// Rows of taps in the order 5, 6, 2, 3, 4, 0, 1, in which fewest values wait: row 4 is the sum of
// rows 2 and 3, and what row 1 is made of waits in memory.
RN_ALWAYS_INLINE void code_tile_sfc4(const coder *c, const tile_input *in, tile_codes *to) {
  const rn_coded_shape shape = {4, 4, 7, 7, 0, 0};
  uint8_t *const first = to->row;
  value low[6], high[6], v_low[7], v_high[7], w_low[7], w_high[7], later[12];
#define RN_ROW(i, v_low, v_high)                                                                   \
  to->row = first + (i)*to->next_row;                                                              \
  code_row(c, to, v_low, v_high, i, shape)
#define RN_DIFFERENCE_ROW(i, a, b)                                                                 \
  RN_UNROLL for (uint32_t j = 0; j < 6; j++) {                                                     \
    const halves x = difference(D(a, j), D(b, j));                                                 \
    low[j] = x.low, high[j] = x.high;                                                              \
  }                                                                                                \
  transform_sfc4(low, v_low);                                                                      \
  transform_sfc4(high, v_high);                                                                    \
  RN_ROW(i, v_low, v_high)
  RN_DIFFERENCE_ROW(5, 0, 4);
  RN_DIFFERENCE_ROW(6, 5, 1);
  RN_DIFFERENCE_ROW(2, 1, 3);
  RN_UNROLL for (uint32_t j = 0; j < 7; j++) { w_low[j] = v_low[j], w_high[j] = v_high[j]; }
  RN_DIFFERENCE_ROW(3, 4, 2);
  RN_UNROLL for (uint32_t j = 0; j < 7; j++) {
    w_low[j] = w_low[j] + v_low[j], w_high[j] = w_high[j] + v_high[j];
  }
  RN_ROW(4, w_low, w_high);
  RN_UNROLL for (uint32_t j = 0; j < 6; j++) {
    const halves s = total(D(1, j), D(3, j)), t = total(D(2, j), D(4, j));
    later[2 * j] = s.low - t.low;
    later[2 * j + 1] = s.high - t.high;
    low[j] = s.low + t.low;
    high[j] = s.high + t.high;
    __asm__ volatile("" : "+m"(later[2 * j]), "+m"(later[2 * j + 1])::"memory");
  }
  transform_sfc4(low, v_low);
  transform_sfc4(high, v_high);
  RN_ROW(0, v_low, v_high);
  RN_UNROLL for (uint32_t j = 0; j < 6; j++) { low[j] = later[2 * j], high[j] = later[2 * j + 1]; }
  transform_sfc4(low, v_low);
  transform_sfc4(high, v_high);
  RN_ROW(1, v_low, v_high);
#undef RN_DIFFERENCE_ROW
#undef RN_ROW
}

#undef D

RN_ALWAYS_INLINE void code_strip_of(const rn_coded_q8_args *a, const strip *s, const coder *c,
                                    const rn_coded_form form) {
  const rn_conv_geometry *g = &a->conv.geometry;
  const rn_coded_shape shape = rn_coded_shape_of(form);
  const uint32_t last_row = g->output_height + 1, last_column = g->output_width + 1;
  uint32_t y = s->first / s->across * shape.tile_height;
  uint32_t x = s->first % s->across * shape.tile_width;
  for (uint32_t tile = 0; tile < s->tiles; tile++) {
    tile_input in;
    tile_codes to = {.next_row = shape.columns * s->codes_tap};
    RN_UNROLL for (uint32_t i = 0; i < shape.tile_height + 2; i++) in.row[i] =
        a->conv.input + (y + i < last_row ? y + i : last_row) * g->input_row;
    RN_UNROLL for (uint32_t j = 0; j < shape.tile_width + 2; j++) {
      in.column[j] = (x + j < last_column ? x + j : last_column) * g->step_x;
      RN_OPAQUE(in.column[j]);
    }
    RN_UNROLL for (uint32_t j = 0; j < shape.columns; j++) {
      to.column[j] = j * s->codes_tap;
      RN_OPAQUE(to.column[j]);
    }
    uint8_t *codes = s->codes + tile * step_channels;
    for (uint32_t channel = 0; channel < s->channels; channel += step_channels) {
      to.row = codes;
      RN_OPAQUE(to.row);
      if (form == RN_CODED_F2X2)
        code_tile_2(c, &in, &to);
      else
        code_tile_sfc4(c, &in, &to);
      RN_UNROLL for (uint32_t i = 0; i < shape.tile_height + 2; i++) {
        in.row[i] += step_channels;
        RN_OPAQUE(in.row[i]);
      }
      codes += s->tiles * step_channels;
    }
    next_tile(a, shape, &y, &x);
  }
}

#define RN_CODE_STRIP(name, form)                                                                  \
  static __attribute__((noinline)) void name(const rn_coded_q8_args *a, const strip *s,            \
                                             const coder *c) {                                     \
    code_strip_of(a, s, c, form);                                                                  \
  }
RN_CODE_STRIP(code_strip_2, RN_CODED_F2X2)
RN_CODE_STRIP(code_strip_sfc4, RN_CODED_SFC4X4)

// M of a strip for the block of output channels from `weights` on, and for the next one if
// tile_blocks is 2 and there is one.
RN_ALWAYS_INLINE void multiply_strip(const rn_coded_q8_args *a, const strip *s, uint32_t block,
                                     const rn_coded_form form) {
  const rn_coded_shape shape = rn_coded_shape_of(form);
  const uint32_t taps = shape.rows * shape.columns;
  const uint32_t parts = (s->tiles + RN_MAX_TILES - 1) / RN_MAX_TILES;
  const int has_second = tile_blocks == 2 && block + 1 < a->conv.geometry.output_blocks;
  for (uint32_t row = 0; row < shape.rows; row++) {
    const uint32_t tap = row * shape.columns;
    const size_t at = (size_t)block * taps + tap;
    product p = {.codes = s->codes + tap * s->codes_tap,
                 .weights = a->weights + at * s->channels * RN_CHANNEL_BLOCK,
                 .start = a->start + at * RN_CHANNEL_BLOCK,
                 .shift = a->shift + at * RN_CHANNEL_BLOCK,
                 .m = s->m + (size_t)tap * m_tap,
                 .codes_tap = s->codes_tap,
                 .codes_block = s->tiles * step_channels,
                 .second = has_second ? (size_t)taps * s->channels * RN_CHANNEL_BLOCK : 0,
                 .second_start = has_second ? (size_t)taps * RN_CHANNEL_BLOCK : 0,
                 .taps = shape.columns,
                 .channels = s->channels};
    for (uint32_t part = 0, tile = 0; part < parts; part++) {
      const uint32_t next = s->tiles * (part + 1) / parts;
      multiply_of[next - tile](&p);
      p.codes += (next - tile) * step_channels;
      p.m += (next - tile) * 16 * tile_blocks;
      tile = next;
    }
  }
}

RN_ALWAYS_INLINE void store_strip_of(const rn_coded_q8_args *a, const strip *s, uint32_t oc,
                                     uint32_t channels, const rn_coded_form form) {
  const rn_coded_shape shape = rn_coded_shape_of(form);
  const epilogue e = epilogue_of(&a->conv);
  uint32_t y = s->first / s->across * shape.tile_height;
  uint32_t x = s->first % s->across * shape.tile_width;
  for (uint32_t tile = 0; tile < s->tiles; tile++) {
    store_tile(&e, s->m + tile * 16 * tile_blocks, y, x, oc, channels, form);
    next_tile(a, shape, &y, &x);
  }
}

#define RN_STORE_STRIP(name, form)                                                                 \
  static __attribute__((noinline)) void name(const rn_coded_q8_args *a, const strip *s,            \
                                             uint32_t oc, uint32_t channels) {                     \
    store_strip_of(a, s, oc, channels, form);                                                      \
  }
RN_STORE_STRIP(store_strip_2, RN_CODED_F2X2)
RN_STORE_STRIP(store_strip_sfc4, RN_CODED_SFC4X4)

RN_ALWAYS_INLINE void coded_of(const rn_coded_q8_args *a, uint32_t first, uint32_t last,
                               const rn_coded_form form) {
  const rn_conv_geometry *g = &a->conv.geometry;
  const rn_coded_shape shape = rn_coded_shape_of(form);
  const uint32_t taps = shape.rows * shape.columns;
  const uint32_t tiles =
      rn_winograd_tiles(g->output_height, g->output_width, shape.tile_height, shape.tile_width);
  const uint32_t strips = rn_winograd_strips(tiles), pairs = (g->output_blocks + 1) / 2;
  const coder c = make_coder(a, shape);
  strip s = {.across = (g->output_width + shape.tile_width - 1) / shape.tile_width,
             .channels = g->run / 3};
  for (uint32_t unit = first; unit < last; unit++) {
    const uint32_t index = unit / pairs, block = unit % pairs * 2;
    if (unit == first || block == 0) {
      s.first = rn_winograd_strip_start(tiles, index, strips);
      s.tiles = rn_winograd_strip_start(tiles, index + 1, strips) - s.first;
      s.codes_tap = (size_t)s.tiles * ((s.channels + 63) / 64 * 64) + 64;
      s.m = (int32_t *)((uint8_t *)a->scratch + taps * 64);
      s.codes = (uint8_t *)(s.m + (size_t)taps * m_tap);
      form == RN_CODED_F2X2 ? code_strip_2(a, &s, &c) : code_strip_sfc4(a, &s, &c);
    }
    const uint32_t blocks = g->output_blocks - block < 2 ? 1 : 2;
    for (uint32_t b = 0; b < blocks; b += tile_blocks) {
      const uint32_t left = blocks - b < tile_blocks ? blocks - b : tile_blocks;
      multiply_strip(a, &s, block + b, form);
      form == RN_CODED_F2X2 ? store_strip_2(a, &s, (block + b) * 16, left * 16)
                            : store_strip_sfc4(a, &s, (block + b) * 16, left * 16);
    }
  }
}

RN_ALWAYS_INLINE void coded(const rn_coded_q8_args *a, uint32_t first, uint32_t last) {
  require_coded(a, last);
  if (a->form == RN_CODED_F2X2)
    coded_of(a, first, last, RN_CODED_F2X2);
  else
    coded_of(a, first, last, RN_CODED_SFC4X4);
}

#endif
