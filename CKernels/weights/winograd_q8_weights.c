// SPDX-License-Identifier: Apache-2.0
// The weights of the integer Winograd convolution, and their greatest sum. A session makes them as
// it loads, so both are vector loops of the baseline.
#include "../common/rn_target.h"
#include <string.h>

// Of 4 output channels, 4 or 2 input channels of each.
typedef int8_t bytes __attribute__((vector_size(16), aligned(1)));
typedef int16_t quads __attribute__((vector_size(32)));
typedef int16_t value __attribute__((vector_size(16)));

// Elements that are gathered for each position: 4 input channels of 16 output channels.
enum { group = 64 };

// 2 G or 24 G times g, in place. Range: |g| grows by 4 in F(2) and by 12 in F(4) at most, so twice
// to 18432.
RN_ALWAYS_INLINE void transform_weights(value *u, const uint32_t stride, const uint32_t tile) {
  const value g0 = u[0], g1 = u[stride], g2 = u[2 * stride], outer = g0 + g2;
  if (tile == 2) {
    u[0] = g0 * 2;
    u[stride] = outer + g1;
    u[2 * stride] = outer - g1;
    u[3 * stride] = g2 * 2;
    return;
  }
  const value outer2 = g0 + g2 * 4, middle2 = g1 * 2;
  u[0] = g0 * 4 + g0 * 2;
  u[stride] = (outer + g1) * -4;
  u[2 * stride] = (outer - g1) * -4;
  u[3 * stride] = outer2 + middle2;
  u[4 * stride] = outer2 - middle2;
  u[5 * stride] = g2 * 4 + g2 * 2;
}

// U of 4 output and 4 input channels, from taps that are `column` apart.
RN_ALWAYS_INLINE void transform_quarter(const int8_t *weights, size_t column, int16_t *transformed,
                                        const uint32_t tile_height, const uint32_t tile_width) {
  const uint32_t rows = tile_height + 2, columns = tile_width + 2;
  value u[2][36];
  RN_UNROLL for (uint32_t i = 0; i < 3; i++) {
    RN_UNROLL for (uint32_t j = 0; j < 3; j++) {
      const bytes *from = (const bytes *)(weights + (3 * i + j) * column);
      const quads g = __builtin_convertvector(*from, quads);
      u[0][i * columns + j] = __builtin_shufflevector(g, g, 0, 1, 4, 5, 8, 9, 12, 13);
      u[1][i * columns + j] = __builtin_shufflevector(g, g, 2, 3, 6, 7, 10, 11, 14, 15);
    }
  }
  RN_UNROLL for (uint32_t pair = 0; pair < 2; pair++) {
    RN_UNROLL for (uint32_t i = 0; i < 3; i++)
        transform_weights(u[pair] + i * columns, 1, tile_width);
    RN_UNROLL for (uint32_t j = 0; j < columns; j++)
        transform_weights(u[pair] + j, columns, tile_height);
    RN_UNROLL for (uint32_t p = 0; p < rows * columns; p++) *
        (value *)(transformed + p * group + pair * 32) = u[pair][p];
  }
}

RN_ALWAYS_INLINE void transform_blocks(const int8_t *weights, uint32_t first_block,
                                       uint32_t last_block, uint32_t channels, int16_t *transformed,
                                       const uint32_t tile_height, const uint32_t tile_width) {
  const uint32_t positions = rn_winograd_positions(tile_height, tile_width);
  const size_t column = (size_t)channels * RN_CHANNEL_BLOCK;
  for (uint32_t block = first_block; block < last_block; block++) {
    const int8_t *from = weights + block * 9 * column;
    int16_t *to = transformed + block * positions * column;
    // Positions are a power of two apart, more of them in one set of the cache than it has ways:
    // what they get is gathered first.
    for (size_t i = 0; i < column; i += group) {
      int16_t u[36][group] __attribute__((aligned(64)));
      for (uint32_t quarter = 0; quarter < 4; quarter++)
        transform_quarter(from + i + 16 * quarter, column, u[0] + 8 * quarter, tile_height,
                          tile_width);
      for (uint32_t p = 0; p < positions; p++)
        memcpy(to + p * column + i, u[p], sizeof u[p]);
    }
  }
}

void rn_winograd_q8_weights(uint32_t tile_height, uint32_t tile_width, const int8_t *weights,
                            uint32_t first_block, uint32_t last_block, uint32_t channels,
                            int16_t *transformed) {
  if (tile_height == 2)
    transform_blocks(weights, first_block, last_block, channels, transformed, 2, 2);
  else if (tile_width == 2)
    transform_blocks(weights, first_block, last_block, channels, transformed, 4, 2);
  else
    transform_blocks(weights, first_block, last_block, channels, transformed, 4, 4);
}

// Pairs of weights of 4 output channels, and their sums.
typedef int16_t pairs __attribute__((vector_size(64), aligned(1)));
typedef uint32_t sums __attribute__((vector_size(64)));

// Adds both halves.
RN_ALWAYS_INLINE void add_halves(sums *to, const pairs *x) {
  *to += ((sums)*x & 0xffff) + ((sums)*x >> 16);
}

uint32_t rn_winograd_q8_greatest_sum(const int8_t *weights, uint32_t output_blocks,
                                     uint32_t channels) {
  enum { most = 64 }; // of the pairs' sums, 256 a vector, in int16
  const uint32_t vectors = 9 * channels / 4;
  uint32_t greatest = 0;
  for (uint32_t block = 0; block < output_blocks; block++) {
    const pairs *from = (const pairs *)weights + (size_t)block * vectors, zero = {0};
    sums positive = {0}, negative = {0};
    for (uint32_t first = 0; first < vectors; first += most) {
      const uint32_t last = vectors - first < most ? vectors : first + most;
      pairs above = {0}, below = {0};
      for (uint32_t i = first; i < last; i++) {
        const pairs odd = from[i] >> 8, even = (from[i] << 8) >> 8;
        above += __builtin_elementwise_max(odd, zero) + __builtin_elementwise_max(even, zero);
        below -= __builtin_elementwise_min(odd, zero) + __builtin_elementwise_min(even, zero);
      }
      add_halves(&positive, &above);
      add_halves(&negative, &below);
    }
    for (uint32_t oc = 0; oc < RN_CHANNEL_BLOCK; oc++) {
      greatest = positive[oc] > greatest ? positive[oc] : greatest;
      greatest = negative[oc] > greatest ? negative[oc] : greatest;
    }
  }
  // Of int8 the greatest sum, 127 * positive + 128 * negative, is no more than that of uint8.
  return greatest > UINT32_MAX / 255 ? UINT32_MAX : 255 * greatest;
}
