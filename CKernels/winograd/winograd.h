// SPDX-License-Identifier: Apache-2.0
// The Winograd convolution in vectors, for winograd_q8.h and winograd_float.h: strips of tiles
// through the input's transform, a multiplication for each position, and the output's transform.
// The kernel file has defined
//   RN_MAX_TILES               Winograd tiles of the largest register tile, and
//   tile_blocks                its blocks of 16 output channels, 1 or 2
//   multiply_tiles(v, tiles, strip_tiles, channels, weights, second, m)
//                              M of `tiles` tiles of a strip of strip_tiles at one position:
//                              weights of the first block, and `second` elements later of the
//                              second one; m [tile][32 oc]
//                              With RN_FETCHES_WEIGHTS it also takes `next` and `next_step`: where
//                              to prefetch weights, and how many bytes further after each 32
//                              weights of a block
// and the format's header, beside what transforms.h needs,
//   winograd_args, conv_args, element, weight, accumulator     arguments; types of V, U and M
//   winograd_units(a)          units of all work
//   lanes                      of `sum`
//   input_lanes                of `value`
//   pad                        elements after each position of V and M
//   load_input(from)           input_lanes inputs
//   v_offset(strip_tiles, channels, tile, channel)     where V of a tile has its channels in a
//   position store_output(...)          the epilogue of `lanes` channels of a pixel
#ifndef RN_WINOGRAD_H
#define RN_WINOGRAD_H

#include "../common/contracts.h"
#include "../common/rn_each.h"
#include "transforms.h"

#ifdef RN_FETCHES_WEIGHTS
#define RN_NEXT , next, next_step
#else
#define RN_NEXT
#endif

// Of both blocks, if `second` is not 0.
#define RN_MULTIPLY(tiles, ...)                                                                    \
  static __attribute__((noinline)) void multiply_##tiles(                                          \
      const element *v, uint32_t strip_tiles, uint32_t channels, const weight *weights,            \
      size_t second, accumulator *m, const char *next, size_t next_step) {                         \
    (void)next, (void)next_step;                                                                   \
    for (uint32_t left = tile_blocks == 1 && second ? 2 : 1; left; left--) {                       \
      multiply_tiles(v, tiles, strip_tiles, channels, weights, second, m RN_NEXT);                 \
      next += second * sizeof *weights;                                                            \
      weights += second;                                                                           \
      m += 16;                                                                                     \
    }                                                                                              \
  }
#define RN_MULTIPLY_NAME(tiles, ...) multiply_##tiles,
#define RN_JOINED(a, b) a##b
#define RN_FOR_TILES(n, X) RN_JOINED(RN_FOR_1_TO_, n)(X)

typedef void multiply_function(const element *v, uint32_t strip_tiles, uint32_t channels,
                               const weight *weights, size_t second, accumulator *m,
                               const char *next, size_t next_step);
RN_FOR_TILES(RN_MAX_TILES, RN_MULTIPLY)
static multiply_function *const multiply_of[RN_MAX_TILES + 1] = {
    0, RN_FOR_TILES(RN_MAX_TILES, RN_MULTIPLY_NAME)};

typedef struct strip {
  uint32_t first, tiles;         // tiles of the strip
  uint32_t parts, least, longer; // register tiles, of `least` tiles, the first ones of one more
  uint32_t across;               // tiles in a row of the image
  uint32_t channels;             // of the input
  size_t v_position, m_position; // from one position to the next
  element *v;                    // [position], then as v_offset has it
  accumulator *m;                // [position][tile][32 oc]
} strip;

// M of one position. The second block of weights is `second` after the first, or missing if that is
// 0; a register tile of two blocks computes a missing one as a copy of the first, which is not
// stored.
RN_ALWAYS_INLINE void multiply(const strip *s, const element *v, const weight *weights,
                               size_t second, accumulator *m) {
  const size_t bytes = (size_t)s->channels * RN_CHANNEL_BLOCK * sizeof *weights;
  // One register tile prefetches shortly ahead; several share what the next position needs, which
  // spreads the reading over all of their time.
  const char *next = (const char *)weights + (s->parts == 1 ? 2048 : bytes);
  for (uint32_t i = 0; i < s->parts; i++) {
    const uint32_t count = i < s->longer ? s->least + 1 : s->least;
    multiply_of[count](v, s->tiles, s->channels, weights, second, m, next, 64 / s->parts);
    next += bytes / s->parts;
    v += v_offset(s->tiles, s->channels, count, 0);
    m += count * 32;
  }
}

RN_ALWAYS_INLINE void transform_strip(const winograd_args *a, const strip *s,
                                      const uint32_t tile_height, const uint32_t tile_width) {
  const rn_conv_geometry *g = &a->conv.geometry;
  const uint32_t rows = tile_height + 2, columns = tile_width + 2;
  const size_t position = s->v_position;
  for (uint32_t tile = 0; tile < s->tiles; tile++) {
    const uint32_t y = (s->first + tile) / s->across * tile_height;
    const uint32_t x = (s->first + tile) % s->across * tile_width;
    size_t row[6], column[6];
    winograd_input(g, y, x, rows, columns, row, column);
    for (uint32_t c = 0; c < s->channels; c += input_lanes) {
      value d[36];
      RN_UNROLL for (uint32_t i = 0; i < rows; i++) {
        RN_UNROLL for (uint32_t j = 0; j < columns; j++) d[i * columns + j] =
            load_input(a->conv.input + row[i] + column[j] + c);
        input_transform(d + i * columns, 1, tile_width);
      }
      RN_UNROLL for (uint32_t j = 0; j < columns; j++) input_transform(d + j, columns, tile_height);
      element *v = s->v + v_offset(s->tiles, s->channels, tile, c);
      RN_UNROLL for (uint32_t i = 0; i < rows; i++) {
        element *to = v + i * columns * position;
        RN_OPAQUE(to);
        RN_UNROLL for (uint32_t j = 0; j < columns; j++) * (value *)(to + j * position) =
            d[i * columns + j];
      }
    }
  }
}

#ifndef RN_STORES_TILES
typedef conv_args epilogue; // a copy, which the stores cannot alias
#define epilogue_of(conv) (*(conv))

// `lanes` channels of a tile.
RN_ALWAYS_INLINE void store_tile(const epilogue *a, const sum *m, uint32_t y, uint32_t x,
                                 uint32_t oc, const uint32_t tile_height,
                                 const uint32_t tile_width) {
  const rn_conv_geometry *g = &a->geometry;
  const sum bias = *(const sum *)(a->bias + oc);
  RN_UNROLL for (uint32_t i = 0; i < tile_height; i++) {
    RN_UNROLL for (uint32_t j = 0; j < tile_width; j++) {
      if (y + i >= g->output_height || x + j >= g->output_width)
        continue;
      const size_t pixel = (x + j) * g->output_pixel + oc;
      store_output(a, m[i * (tile_width + 2) + j], bias, tile_height, tile_width, oc,
                   a->residual ? a->residual + (y + i) * g->residual_row + pixel : 0,
                   a->output + (y + i) * g->output_row + pixel);
    }
  }
}
#endif

RN_ALWAYS_INLINE void store_strip(const winograd_args *a, const strip *s, uint32_t oc,
                                  uint32_t channels, const uint32_t tile_height,
                                  const uint32_t tile_width) {
  const epilogue epilogue = epilogue_of(&a->conv);
  const uint32_t rows = tile_height + 2, columns = tile_width + 2;
  for (uint32_t tile = 0; tile < s->tiles; tile++) {
    const uint32_t y = (s->first + tile) / s->across * tile_height;
    const uint32_t x = (s->first + tile) % s->across * tile_width;
    for (uint32_t c = 0; c < channels; c += lanes) {
      const accumulator *from = s->m + tile * 32 + c;
      sum m[36];
      RN_UNROLL for (uint32_t i = 0; i < rows; i++) {
        const accumulator *row = from + i * columns * s->m_position;
        RN_OPAQUE(row);
        RN_UNROLL for (uint32_t j = 0; j < columns; j++) m[i * columns + j] =
            *(const sum *)(row + j * s->m_position);
        output_transform(m + i * columns, 1, tile_width);
      }
      RN_UNROLL for (uint32_t j = 0; j < tile_width; j++)
          output_transform(m + j, columns, tile_height);
      store_tile(&epilogue, m, y, x, oc + c, tile_height, tile_width);
    }
  }
}

RN_ALWAYS_INLINE void winograd_of(const winograd_args *a, uint32_t first, uint32_t last,
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
      s.parts = (s.tiles + RN_MAX_TILES - 1) / RN_MAX_TILES;
      s.least = s.tiles / s.parts;
      s.longer = s.tiles % s.parts;
      s.v_position = (size_t)s.tiles * s.channels + pad;
      s.m_position = (size_t)s.tiles * 32 + pad;
      s.v = a->scratch;
      s.m = (accumulator *)(s.v + positions * s.v_position);
      transform_strip(a, &s, tile_height, tile_width);
    }
    const uint32_t blocks = g->output_blocks - block < 2 ? 1 : 2;
    const size_t position = (size_t)s.channels * RN_CHANNEL_BLOCK;
    const weight *weights = (const weight *)a->weights + block * positions * position;
    const size_t second = blocks == 2 ? positions * position : 0;
    for (uint32_t p = 0; p < positions; p++)
      multiply(&s, s.v + p * s.v_position, weights + p * position, second, s.m + p * s.m_position);
    store_strip(a, &s, block * 16, blocks * 16, tile_height, tile_width);
  }
}

RN_ALWAYS_INLINE void winograd(const winograd_args *a, uint32_t first, uint32_t last) {
  require_conv(&a->conv.geometry, sizeof *a->conv.input == 1 ? 4 : 1, a->conv.input, a->weights,
               a->conv.bias, a->conv.output, last, winograd_units(a));
  require_winograd(&a->conv.geometry, sizeof *a->conv.input == 1 ? 32 : 16, a->tile_height,
                   a->tile_width, a->scratch);
  if (a->tile_height == 2)
    winograd_of(a, first, last, 2, 2);
  else if (a->tile_width == 2)
    winograd_of(a, first, last, 4, 2);
  else
    winograd_of(a, first, last, 4, 4);
}

#endif
