// SPDX-License-Identifier: Apache-2.0
// What the Winograd convolutions of all ISAs share: transforms in vectors, strips of tiles.
// Included once by each kernel file, after it has defined
//   lanes                      int32 lanes of its vectors
//   activation                 uint8_t, or int8_t where activations are flipped
//   multiply(...)              M of one position, see multiply_strip
//   requantize(...)            the epilogue of `lanes` channels
#include "winograd_input.h"
#include <string.h>

typedef int16_t words __attribute__((vector_size(lanes * 4), aligned(2)));
typedef activation bytes __attribute__((vector_size(lanes * 2), aligned(1)));
typedef uint32_t sums __attribute__((vector_size(lanes * 4), aligned(4)));
typedef int32_t signed_sums __attribute__((vector_size(lanes * 4), aligned(4)));

// B^T x in place. Range: 2040 after one transform of bytes, 17340 after two.
RN_ALWAYS_INLINE void input_transform(words *x, const uint32_t stride, const uint32_t tile) {
  const words x0 = x[0], x1 = x[stride], x2 = x[2 * stride], x3 = x[3 * stride];
  if (tile == 2) {
    x[0] = x0 - x2;
    x[stride] = x1 + x2;
    x[2 * stride] = x2 - x1;
    x[3 * stride] = x1 - x3;
    return;
  }
  const words x4 = x[4 * stride], x5 = x[5 * stride];
  const words even = x4 - (x2 << 2), odd = x3 - (x1 << 2);
  const words even2 = x4 - x2, odd2 = (x3 - x1) << 1;
  x[0] = (x0 << 2) - (x2 << 2) - x2 + x4;
  x[stride] = even + odd;
  x[2 * stride] = even - odd;
  x[3 * stride] = even2 + odd2;
  x[4 * stride] = even2 - odd2;
  x[5 * stride] = (x1 << 2) - (x3 << 2) - x3 + x5;
}

// A^T m: the first `tile` of the results are set. Modulo 2^32.
RN_ALWAYS_INLINE void output_transform(sums *m, const uint32_t stride, const uint32_t tile) {
  const sums m0 = m[0], m1 = m[stride], m2 = m[2 * stride], m3 = m[3 * stride];
  const sums even = m1 + m2, odd = m1 - m2;
  if (tile == 2) {
    m[0] = m0 + even;
    m[stride] = odd - m3;
    return;
  }
  const sums m4 = m[4 * stride], m5 = m[5 * stride];
  const sums even2 = m3 + m4, odd2 = m3 - m4;
  m[0] = m0 + even + even2;
  m[stride] = odd + (odd2 << 1);
  m[2 * stride] = even + (even2 << 2);
  m[3 * stride] = odd + (odd2 << 3) + (m5 << 2);
}

// S * sum to sum: by the inverse of 9 or 3 modulo 2^32, which leaves T * sum, and a shift.
RN_ALWAYS_INLINE sums unscaled(sums s, const uint32_t tile_height, const uint32_t tile_width) {
  if (tile_height == 2)
    return (sums)((signed_sums)s >> 2);
  if (tile_width == 2)
    return (sums)((signed_sums)(s * 0xAAAAAAABu) >> 4);
  return (sums)((signed_sums)(s * 0x38E38E39u) >> 6);
}

typedef struct strip {
  uint32_t first, tiles; // tiles of the strip
  uint32_t across;       // tiles in a row of the image
  uint32_t channels;     // of the input
  int16_t *v;            // [position][tile][channel]
  int32_t *m;            // [position][tile][32 oc]
} strip;

RN_ALWAYS_INLINE void transform_strip(const rn_winograd_q8_args *a, const strip *s,
                                      const uint32_t tile_height, const uint32_t tile_width) {
  const rn_conv_geometry *g = &a->conv.geometry;
  const uint32_t rows = tile_height + 2, columns = tile_width + 2;
  const size_t position = (size_t)s->tiles * s->channels;
  for (uint32_t tile = 0; tile < s->tiles; tile++) {
    const uint32_t y = (s->first + tile) / s->across * tile_height;
    const uint32_t x = (s->first + tile) % s->across * tile_width;
    size_t row[6], column[6];
    winograd_input(g, y, x, rows, columns, row, column);
    for (uint32_t c = 0; c < s->channels; c += 2 * lanes) {
      words d[36];
      RN_UNROLL for (uint32_t i = 0; i < rows; i++) {
        RN_UNROLL for (uint32_t j = 0; j < columns; j++) d[i * columns + j] =
            __builtin_convertvector(*(const bytes *)(a->conv.input + row[i] + column[j] + c),
                                    words);
        input_transform(d + i * columns, 1, tile_width);
      }
      RN_UNROLL for (uint32_t j = 0; j < columns; j++) input_transform(d + j, columns, tile_height);
      int16_t *v = s->v + tile * s->channels + c;
      RN_UNROLL for (uint32_t p = 0; p < rows * columns; p++) * (words *)(v + p * position) = d[p];
    }
  }
}

RN_ALWAYS_INLINE void store_strip(const rn_winograd_q8_args *a, const strip *s, uint32_t oc,
                                  uint32_t channels, const uint32_t tile_height,
                                  const uint32_t tile_width) {
  // A copy, which the stores cannot alias.
  const rn_conv_q8_args conv = a->conv;
  const rn_conv_geometry *g = &conv.geometry;
  const uint32_t rows = tile_height + 2, columns = tile_width + 2;
  for (uint32_t tile = 0; tile < s->tiles; tile++) {
    const uint32_t y = (s->first + tile) / s->across * tile_height;
    const uint32_t x = (s->first + tile) % s->across * tile_width;
    for (uint32_t c = 0; c < channels; c += lanes) {
      const int32_t *from = s->m + tile * 32 + c;
      sums m[36];
      RN_UNROLL for (uint32_t i = 0; i < rows; i++) {
        RN_UNROLL for (uint32_t j = 0; j < columns; j++) m[i * columns + j] =
            *(const sums *)(from + (size_t)(i * columns + j) * s->tiles * 32);
        output_transform(m + i * columns, 1, tile_width);
      }
      RN_UNROLL for (uint32_t j = 0; j < tile_width; j++)
          output_transform(m + j, columns, tile_height);
      const sums bias = *(const sums *)(conv.bias + oc + c);
      RN_UNROLL for (uint32_t i = 0; i < tile_height; i++) {
        RN_UNROLL for (uint32_t j = 0; j < tile_width; j++) {
          if (y + i >= g->output_height || x + j >= g->output_width)
            continue;
          const size_t pixel = (x + j) * g->output_pixel + oc + c;
          const uint8_t *residual =
              conv.residual ? conv.residual + (y + i) * g->residual_row + pixel : 0;
          requantize(&conv, unscaled(m[i * columns + j], tile_height, tile_width) + bias, oc + c,
                     residual, conv.output + (y + i) * g->output_row + pixel);
        }
      }
    }
  }
}

RN_ALWAYS_INLINE void winograd(const rn_winograd_q8_args *a, uint32_t first, uint32_t last,
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
      s.v = a->scratch;
      s.m = (int32_t *)(s.v + (size_t)positions * RN_WINOGRAD_TILES * s.channels);
      transform_strip(a, &s, tile_height, tile_width);
    }
    // A missing second block is computed as a copy of the first and not stored.
    const uint32_t blocks = g->output_blocks - block < 2 ? 1 : 2;
    const size_t position = (size_t)s.channels * RN_CHANNEL_BLOCK;
    const int16_t *weights = a->weights + block * positions * position;
    const size_t second = blocks == 2 ? positions * position : 0;
    for (uint32_t p = 0; p < positions; p++)
      multiply(s.v + (size_t)p * s.tiles * s.channels, s.tiles, s.channels, weights + p * position,
               second, s.m + (size_t)p * s.tiles * 32);
    store_strip(a, &s, block * 16, blocks * 16, tile_height, tile_width);
  }
}

static void winograd_q8(const rn_winograd_q8_args *a, uint32_t first, uint32_t last) {
  if (a->tile_height == 2)
    winograd(a, first, last, 2, 2);
  else if (a->tile_width == 2)
    winograd(a, first, last, 4, 2);
  else
    winograd(a, first, last, 4, 4);
}
