// SPDX-License-Identifier: Apache-2.0
// What the float32 Winograd convolutions of all ISAs share: transforms in vectors, strips of tiles.
// Included once by each kernel file, after it has defined
//   lanes                      floats of its vectors, at most 16
//   clamp(t, low, high)        t > low ? t : low and then t < high ? t : high, in each lane
//   multiply(...)              M of one position:
//     multiply(const float *v, uint32_t tiles, uint32_t channels, const uint16_t *weights,
//              size_t second, float *m)
//     v [channels/16][tiles][16 channels], weights [channel][16 oc] of the first block and,
//     `second` elements later, of the second one; m [tiles][32 oc]. There is no second block if it
//     is 0.
//
// Scratch of one strip, each position padded by a vector: pitches that are multiples of 4096 bytes
// would crowd the few cache sets of one address.
//   V [position][channels/16][tile][16 channels]     M [position][tile][32 oc]
// A multiplication reads V from its first to its last byte.

#include "winograd_input.h"

// Only an fma that is written down is fused.
#pragma STDC FP_CONTRACT OFF

typedef float floats __attribute__((vector_size(lanes * 4), aligned(4)));

enum { winograd_pad = 16 }; // floats

RN_ALWAYS_INLINE floats fused(float factor, floats x, floats sum) {
  return __builtin_elementwise_fma((floats){} + factor, x, sum);
}

// B^T x in place.
RN_ALWAYS_INLINE void input_transform(floats *x, const uint32_t stride, const uint32_t tile) {
  const floats x0 = x[0], x1 = x[stride], x2 = x[2 * stride], x3 = x[3 * stride];
  if (tile == 2) {
    x[0] = x0 - x2;
    x[stride] = x1 + x2;
    x[2 * stride] = x2 - x1;
    x[3 * stride] = x1 - x3;
    return;
  }
  const floats x4 = x[4 * stride], x5 = x[5 * stride];
  const floats even = fused(-4, x2, x4), odd = fused(-4, x1, x3);
  const floats even2 = x4 - x2, odd2 = x3 - x1;
  x[0] = fused(4, x0, fused(-5, x2, x4));
  x[stride] = even + odd;
  x[2 * stride] = even - odd;
  x[3 * stride] = fused(2, odd2, even2);
  x[4 * stride] = fused(-2, odd2, even2);
  x[5 * stride] = fused(4, x1, fused(-5, x3, x5));
}

// A^T m: the first `tile` of the results are set.
RN_ALWAYS_INLINE void output_transform(floats *m, const uint32_t stride, const uint32_t tile) {
  const floats m0 = m[0], m1 = m[stride], m2 = m[2 * stride], m3 = m[3 * stride];
  const floats even = m1 + m2, odd = m1 - m2;
  if (tile == 2) {
    m[0] = m0 + even;
    m[stride] = odd - m3;
    return;
  }
  const floats m4 = m[4 * stride], m5 = m[5 * stride];
  const floats even2 = m3 + m4, odd2 = m3 - m4;
  m[0] = m0 + even + even2;
  m[stride] = fused(2, odd2, odd);
  m[2 * stride] = fused(4, even2, even);
  m[3 * stride] = fused(8, odd2, odd) + m5;
}

typedef struct strip {
  uint32_t first, tiles;         // tiles of the strip
  uint32_t across;               // tiles in a row of the image
  uint32_t channels;             // of the input
  size_t v_position, m_position; // from one position to the next
  float *v, *m;
} strip;

RN_ALWAYS_INLINE void transform_strip(const rn_winograd_float_args *a, const strip *s,
                                      const uint32_t tile_height, const uint32_t tile_width) {
  const rn_conv_geometry *g = &a->conv.geometry;
  const uint32_t rows = tile_height + 2, columns = tile_width + 2;
  for (uint32_t tile = 0; tile < s->tiles; tile++) {
    const uint32_t y = (s->first + tile) / s->across * tile_height;
    const uint32_t x = (s->first + tile) % s->across * tile_width;
    size_t row[6], column[6];
    winograd_input(g, y, x, rows, columns, row, column);
    for (uint32_t c = 0; c < s->channels; c += lanes) {
      floats d[36];
      RN_UNROLL for (uint32_t i = 0; i < rows; i++) {
        RN_UNROLL for (uint32_t j = 0; j < columns; j++) d[i * columns + j] =
            *(const floats *)(a->conv.input + row[i] + column[j] + c);
        input_transform(d + i * columns, 1, tile_width);
      }
      RN_UNROLL for (uint32_t j = 0; j < columns; j++) input_transform(d + j, columns, tile_height);
      float *v = s->v + (size_t)(c / 16 * s->tiles + tile) * 16 + c % 16;
      RN_UNROLL for (uint32_t p = 0; p < rows * columns; p++) * (floats *)(v + p * s->v_position) =
          d[p];
    }
  }
}

RN_ALWAYS_INLINE void store_strip(const rn_winograd_float_args *a, const strip *s, uint32_t oc,
                                  uint32_t channels, const uint32_t tile_height,
                                  const uint32_t tile_width) {
  // A copy, which the stores cannot alias.
  const rn_conv_float_args conv = a->conv;
  const rn_conv_geometry *g = &conv.geometry;
  const uint32_t rows = tile_height + 2, columns = tile_width + 2;
  for (uint32_t tile = 0; tile < s->tiles; tile++) {
    const uint32_t y = (s->first + tile) / s->across * tile_height;
    const uint32_t x = (s->first + tile) % s->across * tile_width;
    for (uint32_t c = 0; c < channels; c += lanes) {
      const float *from = s->m + tile * 32 + c;
      floats m[36];
      RN_UNROLL for (uint32_t i = 0; i < rows; i++) {
        RN_UNROLL for (uint32_t j = 0; j < columns; j++) m[i * columns + j] =
            *(const floats *)(from + (i * columns + j) * s->m_position);
        output_transform(m + i * columns, 1, tile_width);
      }
      RN_UNROLL for (uint32_t j = 0; j < tile_width; j++)
          output_transform(m + j, columns, tile_height);
      const floats bias = *(const floats *)(conv.bias + oc + c), low = (floats){} + conv.low;
      const floats high = (floats){} + conv.high;
      RN_UNROLL for (uint32_t i = 0; i < tile_height; i++) {
        RN_UNROLL for (uint32_t j = 0; j < tile_width; j++) {
          if (y + i >= g->output_height || x + j >= g->output_width)
            continue;
          const size_t pixel = (x + j) * g->output_pixel + oc + c;
          floats t = m[i * columns + j] + bias;
          if (conv.residual)
            t = t + *(const floats *)(conv.residual + (y + i) * g->residual_row + pixel);
          *(floats *)(conv.output + (y + i) * g->output_row + pixel) = clamp(t, low, high);
        }
      }
    }
  }
}

RN_ALWAYS_INLINE void winograd(const rn_winograd_float_args *a, uint32_t first, uint32_t last,
                               const uint32_t tile_height, const uint32_t tile_width) {
  const rn_conv_geometry *g = &a->conv.geometry;
  const uint32_t positions = rn_winograd_positions(tile_height, tile_width);
  const uint32_t tiles =
      rn_winograd_tiles(g->output_height, g->output_width, tile_height, tile_width);
  const uint32_t channels = g->run / 3, pairs = (g->output_blocks + 1) / 2;
  const uint32_t strips = rn_winograd_strips(tiles);
  strip s = {.across = (g->output_width + tile_width - 1) / tile_width, .channels = channels};
  for (uint32_t unit = first; unit < last; unit++) {
    const uint32_t index = unit / pairs, block = unit % pairs * 2;
    if (unit == first || block == 0) {
      s.first = rn_winograd_strip_start(tiles, index, strips);
      s.tiles = rn_winograd_strip_start(tiles, index + 1, strips) - s.first;
      s.v_position = (size_t)s.tiles * channels + winograd_pad;
      s.m_position = (size_t)s.tiles * 32 + winograd_pad;
      s.v = a->scratch;
      s.m = s.v + positions * s.v_position;
      transform_strip(a, &s, tile_height, tile_width);
    }
    const uint32_t blocks = g->output_blocks - block < 2 ? 1 : 2;
    const size_t position = (size_t)channels * RN_CHANNEL_BLOCK;
    const uint16_t *weights = a->weights + block * positions * position;
    const size_t second = blocks == 2 ? positions * position : 0;
    for (uint32_t p = 0; p < positions; p++)
      multiply(s.v + p * s.v_position, s.tiles, channels, weights + p * position, second,
               s.m + p * s.m_position);
    store_strip(a, &s, block * 16, blocks * 16, tile_height, tile_width);
  }
}

static void winograd_f16(const rn_winograd_float_args *a, uint32_t first, uint32_t last) {
  if (a->tile_height == 2)
    winograd(a, first, last, 2, 2);
  else if (a->tile_width == 2)
    winograd(a, first, last, 4, 2);
  else
    winograd(a, first, last, 4, 4);
}
