// SPDX-License-Identifier: Apache-2.0
// What the Winograd convolutions with floating-point weights share on ARM: transforms and strips of
// tiles. Included once by each kernel file, after it has defined
//   weight                     of weights
//   element                    type of V and M in scratch
//   value, channels_step       vector of the input's transform, and its lanes
//   load_input(from)           one of those
//   plus_product, minus_product     its arithmetic, see transforms.h
//   scale                      what M has to be multiplied by, 1 or a power of two
//   v_offset(...)              where V of a channel and of 4 tiles from one on begins in a position
//   store_v(...)               stores V of 4 tiles, transposed to [channel][tile]
//   load_m(...)                4 sums as float32
//   multiply(...)              M of tiles [from, to) of one position
//
// V has the tiles innermost, so that of a vector FMLA takes one by element for a vector of output
// channels.
#ifndef RN_WINOGRAD_FLOAT_STRIPS_H
#define RN_WINOGRAD_FLOAT_STRIPS_H

#include "../common/clamp_above.h"
#include "../common/contracts.h"

typedef float32x4_t sum;
#define plus_sum_product(y, m, factor) vfmaq_f32(y, m, vdupq_n_f32(factor))
#define end_of_input(x, y, z) plus_product(minus_product(z, y, 5), x, 4)
#define end_of_output(y, m, last) (plus_sum_product(y, m, 8) + (last))
#include "../winograd/transforms.h"

typedef struct strip {
  uint32_t first, tiles;                // tiles of the strip
  uint8_t order[RN_WINOGRAD_TILES];     // the strip's tiles as V and M have them, see arrange()
  uint32_t full_row[2], full_column[2]; // [first, last) in that order
  uint32_t padded;                      // tiles, to a multiple of 4
  uint32_t across;                      // tiles in a row of the image
  uint32_t channels;                    // of the input
  size_t v_position, m_position;        // from one position to the next
  element *v;                           // [position], then as v_offset has it
  element *m;                           // [position][tile][32 oc]
} strip;

// Where the rows and columns of a tile are, in elements.
typedef struct place {
  const float *column[6];
  size_t row[6];
} place;

// Keeps an array in memory: of 36 vectors the compiler would otherwise spill one by one what it
// can load and store in pairs.
#define RN_IN_MEMORY(array) __asm__ volatile("" : : "r"(array) : "memory")

// V of the channels from c on, of one tile.
RN_ALWAYS_INLINE void transform_tile(const place *at, uint32_t c, value *v,
                                     const uint32_t tile_height, const uint32_t tile_width) {
  const uint32_t rows = tile_height + 2, columns = tile_width + 2;
  const float *column[6];
  RN_UNROLL for (uint32_t j = 0; j < columns; j++) {
    column[j] = at->column[j] + c;
    RN_OPAQUE(column[j]);
  }
  value array[36], *d = array;
  RN_OPAQUE(d);
  RN_UNROLL for (uint32_t i = 0; i < rows; i++) {
    value x[6];
    const size_t row = at->row[i];
    RN_UNROLL for (uint32_t j = 0; j < columns; j++) x[j] = load_input(column[j] + row);
    input_transform(x, 1, tile_width);
    RN_UNROLL for (uint32_t j = 0; j < columns; j++) d[i * columns + j] = x[j];
  }
  RN_IN_MEMORY(d);
  RN_UNROLL for (uint32_t j = 0; j < columns; j += 2) {
    value x[12];
    RN_UNROLL for (uint32_t i = 0; i < rows; i++) RN_UNROLL for (uint32_t k = 0; k < 2; k++)
        x[i * 2 + k] = d[i * columns + j + k];
    input_transform(x, 2, tile_height);
    input_transform(x + 1, 2, tile_height);
    RN_UNROLL for (uint32_t i = 0; i < rows; i++) RN_UNROLL for (uint32_t k = 0; k < 2; k++)
        v[i * columns + j + k] = x[i * 2 + k];
  }
}

// Two positions at a time, which are loaded in pairs.
RN_ALWAYS_INLINE void store_positions(const strip *s, value v[4][36], element *to,
                                      const uint32_t padded, const uint32_t positions) {
  const size_t position = s->v_position; // a copy, which the stores cannot alias
  for (uint32_t p = 0; p < positions; p += 2) {
    store_v(v, p, to, padded);
    to += position;
    RN_OPAQUE(to);
    store_v(v, p + 1, to, padded);
    to += position;
    RN_OPAQUE(to);
  }
}

RN_ALWAYS_INLINE void transform_strip(const rn_winograd_float_args *a, const strip *s,
                                      const uint32_t tile_height, const uint32_t tile_width) {
  const rn_conv_geometry *g = &a->conv.geometry;
  const uint32_t rows = tile_height + 2, columns = tile_width + 2;
  for (uint32_t first = 0; first < s->tiles; first += 4) {
    const uint32_t count = s->tiles - first < 4 ? s->tiles - first : 4;
    place at[4];
    for (uint32_t t = 0; t < count; t++) {
      const uint32_t y = (s->first + s->order[first + t]) / s->across * tile_height;
      const uint32_t x = (s->first + s->order[first + t]) % s->across * tile_width;
      size_t column[6];
      winograd_input(g, y, x, rows, columns, at[t].row, column);
      for (uint32_t j = 0; j < columns; j++)
        at[t].column[j] = a->conv.input + column[j];
    }
    for (uint32_t c = 0; c < s->channels; c += channels_step) {
      value v[4][36]; // [tile][position]
      for (uint32_t t = 0; t < count; t++)
        transform_tile(&at[t], c, v[t], tile_height, tile_width);
      RN_IN_MEMORY(v);
      element *to = s->v + v_offset(s, first, c);
      if (s->padded == 4)
        store_positions(s, v, to, 4, rows * columns);
      else
        store_positions(s, v, to, s->padded, rows * columns);
    }
  }
}

// Where a tile's 4 channels go.
typedef struct target {
  float *output;
  const float *residual; // or null
  size_t output_row, residual_row, pixel;
  float32x4_t bias, low;
} target;

RN_ALWAYS_INLINE void store_pixel(const target *to, float32x4_t t, uint32_t i, uint32_t j,
                                  const int has_residual) {
  t = scale == 1 ? vaddq_f32(t, to->bias) : vfmaq_n_f32(to->bias, t, scale);
  if (has_residual)
    t = vaddq_f32(t, vld1q_f32(to->residual + i * to->residual_row + j * to->pixel));
  // FMAXNM makes low of a NaN and has 0 above -0.
  vst1q_f32(to->output + i * to->output_row + j * to->pixel, vmaxnmq_f32(t, to->low));
}

// 4 channels of a tile, of which `height` x `width` pixels are of the image.
RN_ALWAYS_INLINE void store_tile(const target *to, const element *m, size_t position,
                                 uint32_t height, uint32_t width, const int has_residual,
                                 const uint32_t tile_height, const uint32_t tile_width) {
  const uint32_t rows = tile_height + 2, columns = tile_width + 2;
  float32x4_t y[24];
  const size_t next = columns * position;
  RN_UNROLL for (uint32_t i = 0; i < rows; i++, m += next) {
    RN_OPAQUE(m);
    float32x4_t x[6];
    RN_UNROLL for (uint32_t j = 0; j < columns; j++) x[j] = load_m(m + j * position);
    output_transform(x, 1, tile_width);
    RN_UNROLL for (uint32_t j = 0; j < tile_width; j++) y[i * tile_width + j] = x[j];
  }
  RN_UNROLL for (uint32_t j = 0; j < tile_width; j++)
      output_transform(y + j, tile_width, tile_height);
  if (height >= tile_height && width >= tile_width) {
    target next_row = *to;
    RN_UNROLL for (uint32_t i = 0; i < tile_height; i++) {
      RN_OPAQUE(next_row.output);
      RN_UNROLL for (uint32_t j = 0; j < tile_width; j++)
          store_pixel(&next_row, y[i * tile_width + j], 0, j, has_residual);
      next_row.output += to->output_row;
      next_row.residual += has_residual ? to->residual_row : 0;
    }
    return;
  }
  RN_IN_MEMORY(y);
  for (uint32_t i = 0; i < tile_height && i < height; i++)
    for (uint32_t j = 0; j < tile_width && j < width; j++)
      store_pixel(to, y[i * tile_width + j], i, j, has_residual);
}

RN_ALWAYS_INLINE void store_strip(const rn_winograd_float_args *a, const strip *s, uint32_t oc,
                                  uint32_t channels, const uint32_t tile_height,
                                  const uint32_t tile_width) {
  const rn_conv_geometry *g = &a->conv.geometry;
  target to = {.output_row = g->output_row,
               .residual_row = g->residual_row,
               .pixel = g->output_pixel,
               .low = vdupq_n_f32(a->conv.low)};
  for (uint32_t tile = 0; tile < s->tiles; tile++) {
    const uint32_t y = (s->first + s->order[tile]) / s->across * tile_height;
    const uint32_t x = (s->first + s->order[tile]) % s->across * tile_width;
    const uint32_t height = g->output_height - y, width = g->output_width - x;
    const size_t column = x * g->output_pixel + oc;
    for (uint32_t c = 0; c < channels; c += 4) {
      const element *m = s->m + tile * 32 + c;
      to.output = a->conv.output + y * g->output_row + column + c;
      to.bias = vld1q_f32(a->conv.bias + oc + c);
      if (a->conv.residual) {
        to.residual = a->conv.residual + y * g->residual_row + column + c;
        store_tile(&to, m, s->m_position, height, width, 1, tile_height, tile_width);
      } else {
        store_tile(&to, m, s->m_position, height, width, 0, tile_height, tile_width);
      }
    }
  }
  if (a->conv.high < INFINITY)
    for (uint32_t tile = s->first; tile < s->first + s->tiles; tile++)
      clamp_above(&a->conv, tile / s->across * tile_height, tile % s->across * tile_width,
                  tile_height, tile_width, oc, channels);
}

// The last row of positions has a part only in the last row of a tile's outputs, so it can be left
// out where that is beyond the image, and so can the last column. The strip's tiles are arranged so
// that those with a last row are neighbours, and those with a last column too: first the ones
// with a row alone, then with both, with a column alone and with neither.
RN_ALWAYS_INLINE void arrange(const rn_conv_geometry *g, strip *s, const uint32_t tile_height,
                              const uint32_t tile_width) {
  uint32_t count = 0, ends[4];
  for (uint32_t kind = 0; kind < 4; kind++) {
    for (uint32_t tile = 0; tile < s->tiles; tile++) {
      const uint32_t y = (s->first + tile) / s->across * tile_height;
      const uint32_t x = (s->first + tile) % s->across * tile_width;
      const int has_row = y + tile_height <= g->output_height;
      const int has_column = x + tile_width <= g->output_width;
      if (has_row == (kind < 2) && has_column == (kind == 1 || kind == 2))
        s->order[count++] = (uint8_t)tile;
    }
    ends[kind] = count;
  }
  s->full_row[0] = 0, s->full_row[1] = ends[1];
  s->full_column[0] = ends[0], s->full_column[1] = ends[2];
}

typedef void transform_function(const rn_winograd_float_args *, const strip *);
typedef void store_function(const rn_winograd_float_args *, const strip *, uint32_t oc,
                            uint32_t channels);

RN_ALWAYS_INLINE void winograd(const rn_winograd_float_args *a, uint32_t first, uint32_t last,
                               transform_function *transform, store_function *store,
                               const uint32_t tile_height, const uint32_t tile_width) {
  const rn_conv_geometry *g = &a->conv.geometry;
  const uint32_t positions = rn_winograd_positions(tile_height, tile_width);
  const uint32_t tiles =
      rn_winograd_tiles(g->output_height, g->output_width, tile_height, tile_width);
  const uint32_t strips = rn_winograd_strips(tiles), pairs = (g->output_blocks + 1) / 2;
  strip s = {.across = (g->output_width + tile_width - 1) / tile_width, .channels = g->run / 3};
  for (uint32_t unit = first; unit < last; unit++) {
    const uint32_t index = unit / pairs, block = unit % pairs * 2;
    if (unit == first || block == 0) {
      s.first = rn_winograd_strip_start(tiles, index, strips);
      s.tiles = rn_winograd_strip_start(tiles, index + 1, strips) - s.first;
      arrange(g, &s, tile_height, tile_width);
      s.padded = (s.tiles + 3) / 4 * 4;
      // A line more between positions: multiples of 4096 bytes would crowd few sets of the cache.
      s.v_position = (size_t)s.padded * s.channels + 64 / sizeof(element);
      s.m_position = (size_t)s.tiles * 32 + 64 / sizeof(element);
      s.v = a->scratch;
      s.m = s.v + positions * s.v_position;
      transform(a, &s);
    }
    const uint32_t blocks = g->output_blocks - block < 2 ? 1 : 2;
    const size_t position = (size_t)s.channels * RN_CHANNEL_BLOCK;
    const weight *weights = (const weight *)a->weights + block * positions * position;
    for (uint32_t p = 0; p < positions; p++) {
      const int is_last_row = p >= positions - tile_width - 2;
      const int is_last_column = p % (tile_width + 2) == tile_width + 1;
      uint32_t from = 0, to = s.tiles;
      if (is_last_column)
        from = s.full_column[0], to = s.full_column[1];
      if (is_last_row && to > s.full_row[1])
        to = s.full_row[1];
      if (from < to)
        multiply(&s, p, from, to, weights + p * position, blocks, positions * position);
    }
    store(a, &s, block * 16, blocks * 16);
  }
}

#define RN_FORM(height, width)                                                                     \
  static __attribute__((noinline)) void transform_##height##x##width(                              \
      const rn_winograd_float_args *a, const strip *s) {                                           \
    transform_strip(a, s, height, width);                                                          \
  }                                                                                                \
  static __attribute__((noinline)) void store_##height##x##width(                                  \
      const rn_winograd_float_args *a, const strip *s, uint32_t oc, uint32_t channels) {           \
    store_strip(a, s, oc, channels, height, width);                                                \
  }
RN_FORM(2, 2)
RN_FORM(4, 2)
RN_FORM(4, 4)

static void winograd_float(const rn_winograd_float_args *a, uint32_t first, uint32_t last) {
  require_conv(&a->conv.geometry, sizeof *a->conv.input == 1 ? 4 : 1, a->conv.input, a->weights,
               a->conv.bias, a->conv.output, last, rn_winograd_float_units(a));
  require_winograd(&a->conv.geometry, sizeof *a->conv.input == 1 ? 32 : 16, a->tile_height,
                   a->tile_width, a->scratch);
  if (a->tile_height == 2)
    winograd(a, first, last, transform_2x2, store_2x2, 2, 2);
  else if (a->tile_width == 2)
    winograd(a, first, last, transform_4x2, store_4x2, 4, 2);
  else
    winograd(a, first, last, transform_4x4, store_4x4, 4, 4);
}

#endif
