// SPDX-License-Identifier: Apache-2.0
// Grouped int8 convolution by 256-bit VPDPBUSD, for both encodings of the instruction. The
// including file targets an instruction set and defines RN_DOT256(sums, pixels, weights).
//
// Register tiles of 16 output channels in 12 accumulators of 8 int32. In groups of 4 and 8 a step
// multiplies the 16 input channels of a tap, broadcast to both lanes, by two or four vectors of
// weights. Dword j has the input channels 4j ... 4j + 3, so each dword of an accumulator has output
// channels of that group:
//
//   groups of 4   weights[L < 2][oc 4j + L][4 ic]   [L >= 2]            ymm12, ymm13
//   pixel 0       acc 0                             acc 1
//     ...         ...                               ...      12 VPDPBUSD, 8 loads
//   pixel 5       acc 10                            acc 11
//
//   groups of 8   weights[L < 2][oc 8(j/2) + L][4 ic] [L >= 2]  and of oc 8(j/2) + 4 + L
//   pixel 0       acc 0                               acc 1     acc 2, 3
//     ...         ...                                 ...                  12 VPDPBUSD, 7 loads
//   pixel 2       acc 8                               acc 9     acc 10, 11
//
// A sum of the latter is in two neighbouring dwords, each of one half of the group's channels;
// bytes are put in order at the end. In wider groups a step multiplies 4 input channels, broadcast,
// as in the dense convolution.
#ifndef RN_GROUPED_Q8_DOT256_H
#define RN_GROUPED_Q8_DOT256_H

typedef rn_conv_q8_args conv_args;
#include "../common/tiles.h"
#include <immintrin.h>
#include <string.h>

enum { max_pixels = 6 };
#include "finish_q8_256.h"

// Groups of 4, of 8, and wider ones.
typedef enum kind { of_4, of_8, wide } kind;

RN_ALWAYS_INLINE __m256i broadcast(const uint8_t *bytes, const kind kind) {
  if (kind != wide)
    return _mm256_broadcastsi128_si256(_mm_loadu_si128((const __m128i *)bytes));
  int32_t four;
  memcpy(&four, bytes, 4);
  return _mm256_set1_epi32(four);
}

// `pixels` output pixels from (y, x) on, continuing on the rows below; 16 output channels.
RN_ALWAYS_INLINE void tile(const conv_args *a, uint32_t oc, uint32_t y, uint32_t x,
                           const uint32_t pixels, const kind kind) {
  const rn_grouped_q8_args *grouped = (const rn_grouped_q8_args *)a;
  const rn_conv_geometry *g = &a->geometry;
  const uint32_t width = kind == of_4 ? 4 : kind == of_8 ? 8 : grouped->group_channels;
  const uint32_t kernel_columns = grouped->kernel_columns, vectors = kind == of_8 ? 4 : 2;
  const order order = kind == of_4 ? order_of_4 : kind == of_8 ? order_of_8 : natural;
  const size_t block = (size_t)g->kernel_rows * kernel_columns * width * RN_CHANNEL_BLOCK;
  const int8_t *weights = a->weights + oc / RN_CHANNEL_BLOCK * block;
  __m256i bias[2];
  load_ordered(a->bias + oc, order, bias);

  __m256i acc[max_pixels][4];
  const uint8_t *input[max_pixels];
  const uint8_t *next = a->input + y * g->step_y + x * g->step_x + oc / g->run * g->run;
  const size_t wrap = g->step_y - g->output_width * g->step_x;
  uint32_t column = x;
  RN_UNROLL for (uint32_t p = 0; p < pixels; p++) {
    RN_UNROLL for (uint32_t i = 0; i < vectors; i++) acc[p][i] =
        kind == of_8 ? _mm256_setzero_si256() : bias[i];
    input[p] = next;
    next += g->step_x;
    if (++column == g->output_width) {
      column = 0;
      next += wrap;
    }
  }

  // One offset from all the pixels' pointers.
  size_t row = 0;
  for (uint32_t r = 0; r < g->kernel_rows; r++, row += g->input_row) {
    size_t offset = row;
    for (uint32_t c = 0; c < kernel_columns; c++, offset += grouped->input_column) {
      for (uint32_t k = 0; k < width; k += kind == wide ? 4 : width) {
        __m256i pixel[max_pixels];
        if (kind == of_8)
          RN_UNROLL for (uint32_t p = 0; p < pixels; p++) pixel[p] =
              broadcast(input[p] + offset, kind);
        RN_UNROLL for (uint32_t i = 0; i < vectors; i += 2) {
          const __m256i w0 = _mm256_load_si256((const __m256i *)weights + i);
          const __m256i w1 = _mm256_load_si256((const __m256i *)weights + i + 1);
          RN_UNROLL for (uint32_t p = 0; p < pixels; p++) {
            if (kind != of_8)
              pixel[p] = broadcast(input[p] + offset + k, kind);
            acc[p][i] = RN_DOT256(acc[p][i], pixel[p], w0);
            acc[p][i + 1] = RN_DOT256(acc[p][i + 1], pixel[p], w1);
          }
        }
        weights += 32 * vectors;
      }
    }
  }

  __m256i sums[max_pixels][2];
  RN_UNROLL for (uint32_t p = 0; p < pixels; p++) RN_UNROLL for (uint32_t i = 0; i < 2; i++)
      sums[p][i] =
          kind == of_8 ? _mm256_add_epi32(_mm256_hadd_epi32(acc[p][i], acc[p][i + 2]), bias[i])
                       : acc[p][i];
  if (a->residual)
    finish(a, sums, oc, y, x, pixels, order, 1);
  else
    finish(a, sums, oc, y, x, pixels, order, 0);
}

RN_KIND_OF_TILES(of_4, of_4, 6)
RN_KIND_OF_TILES(of_8, of_8, 3)
RN_KIND_OF_TILES(wide, wide, 6)

RN_ALWAYS_INLINE void grouped_q8_dot256(const rn_grouped_q8_args *a, uint32_t first,
                                        uint32_t last) {
  static tile_function *const *const tiles[] = {tile_of_4_of, tile_of_8_of, tile_wide_of};
  const uint32_t width = a->group_channels;
  const kind kind = width == 4 ? of_4 : width == 8 ? of_8 : wide;
  require_grouped(&a->conv.geometry, width, a->kernel_columns);
  each_tile(&a->conv, first, last, tiles[kind], (tile_cut){kind == of_8 ? 3 : 6, 16, 32, 0});
}

#endif
