// SPDX-License-Identifier: Apache-2.0
// Grouped int8 convolution, AVX-512 VNNI. Twin: ref/grouped_q8_ref.c
//
// Register tiles of two blocks of 16 output channels, in 28 accumulators of 16 int32. In groups of
// 4 and 8 a step multiplies the 16 input channels of a tap, broadcast to the four lanes L, by one
// or two vectors of weights. Dword j has the input channels 4j ... 4j + 3, so each dword of an
// accumulator has output channels of that group:
//
//   groups of 4    weights[L][oc 4j + L][4 ic]  of the second block           zmm28, zmm29
//   pixel  0       acc 0                        acc 1
//      ...         ...                          ...     28 VPDPBUSD, 30 loads
//   pixel 13       acc 26                       acc 27
//
//   groups of 8    weights[L][oc 8(j/2) + L][4 ic]  [L][oc 8(j/2) + 4 + L][4 ic]  second block
//   pixel 0        acc 0                            acc 1                         acc 2, 3
//      ...         ...                              ...     28 VPDPBUSD, 18 loads
//   pixel 6        acc 24                           acc 25                        acc 26, 27
//
// A sum of the latter is in two neighbouring dwords, each of one half of the group's channels. Sums
// or bytes are put in order at the end.
//
// In wider groups a step multiplies 4 input channels, broadcast, as in the dense convolution: those
// of each block by its weights, or if the two are of one group, the same by both.
#if defined(__x86_64__)
#include <immintrin.h>
#include <string.h>

#include "../common/rn_target.h"

typedef rn_conv_q8_args conv_args;
#include "../common/tiles.h"

RN_TARGET_PUSH("avx512f,avx512bw,avx512vl,avx512vnni")

enum { max_pixels = 14, blocks = 2 };
#include "finish_q8_512.h"

// Groups of 4, of 8, and wider ones whose blocks are taken one by one or in pairs.
typedef enum kind { of_4, of_8, ones, pairs } kind;

RN_ALWAYS_INLINE __m512i broadcast(const uint8_t *bytes, const kind kind) {
  if (kind <= of_8)
    return _mm512_broadcast_i32x4(_mm_loadu_si128((const __m128i *)bytes));
  int32_t four;
  memcpy(&four, bytes, 4);
  return _mm512_set1_epi32(four);
}

// Starts the accumulators of a block with its bias: in groups of 8 the first of two halves.
RN_ALWAYS_INLINE void start(const int32_t *from, const kind kind, __m512i bias[2]) {
  bias[0] = _mm512_load_si512(from);
  if (kind == of_4)
    bias[0] = _mm512_permutexvar_epi32(channels_of(order_of_4), bias[0]);
  if (kind == of_8) {
    const __m512i channels = _mm512_setr_epi32(0, 0, 8, 8, 1, 1, 9, 9, 2, 2, 10, 10, 3, 3, 11, 11);
    const __m512i four = _mm512_set1_epi32(4);
    bias[1] = _mm512_maskz_permutexvar_epi32(0x5555, _mm512_add_epi32(channels, four), bias[0]);
    bias[0] = _mm512_maskz_permutexvar_epi32(0x5555, channels, bias[0]);
  }
}

// Adds the halves of groups of 8.
RN_ALWAYS_INLINE __m512i added(const __m512i acc[2]) {
  const __m512 a = _mm512_castsi512_ps(acc[0]), b = _mm512_castsi512_ps(acc[1]);
  return _mm512_add_epi32(_mm512_castps_si512(_mm512_shuffle_ps(a, b, 0x88)),
                          _mm512_castps_si512(_mm512_shuffle_ps(a, b, 0xdd)));
}

// `columns` output pixels of row y from x on; `oc` is the first of 32 output channels, or of 16 if
// it starts the last block of an odd number. Reaching pixel p as base + {0, 1, 2, 3, 4} * step_x
// keeps the addresses in few registers.
RN_ALWAYS_INLINE void tile(const rn_conv_q8_args *a, uint32_t oc, uint32_t y, uint32_t x,
                           const uint32_t columns, const kind kind) {
  const rn_grouped_q8_args *grouped = (const rn_grouped_q8_args *)a;
  const rn_conv_geometry *g = &a->geometry;
  const uint32_t bases = (columns + 4) / 5, halves = kind == of_8 ? 2 : 1;
  const uint32_t width = kind == of_4 ? 4 : kind == of_8 ? 8 : grouped->group_channels;
  const uint32_t kernel_columns = grouped->kernel_columns;
  const size_t step = g->step_x, step3 = 3 * step;
  const size_t block = (size_t)g->kernel_rows * kernel_columns * width * RN_CHANNEL_BLOCK;
  const int has_second = oc / RN_CHANNEL_BLOCK + 1 < g->output_blocks;
  // A missing second block is computed as a copy of the first and not stored.
  const size_t second = has_second ? block : 0;
  const uint32_t second_oc = has_second ? oc + RN_CHANNEL_BLOCK : oc;
  const int8_t *weights = a->weights + oc / RN_CHANNEL_BLOCK * block;
  // From the input channels of the first block to those of the second.
  const uint32_t channel = kind <= of_8 ? oc : oc / width * width;
  const size_t apart = (kind <= of_8 ? second_oc : second_oc / width * width) - channel;
  const size_t next_column = grouped->input_column - (kind <= of_8 ? 0 : width);
  const uint8_t *input = a->input + y * g->step_y + x * step + channel;

  __m512i acc[max_pixels][blocks][2], bias[blocks][2];
  start(a->bias + oc, kind, bias[0]);
  start(a->bias + second_oc, kind, bias[1]);
  RN_UNROLL for (uint32_t p = 0; p < columns; p++) RN_UNROLL for (uint32_t b = 0; b < blocks; b++)
      RN_UNROLL for (uint32_t i = 0; i < halves; i++) acc[p][b][i] = bias[b][i];

  for (uint32_t r = 0; r < g->kernel_rows; r++, input += g->input_row) {
    const uint8_t *base[3];
    RN_UNROLL for (uint32_t i = 0; i < bases; i++) base[i] = input + i * 5 * step;
    for (uint32_t c = 0; c < kernel_columns; c++) {
      for (uint32_t k = 0; k < width; k += kind <= of_8 ? width : 4) {
        RN_UNROLL for (uint32_t b = 0; b < (kind == pairs ? 1 : blocks); b++) {
          __m512i w[2];
          RN_UNROLL for (uint32_t i = 0; i < halves; i++) w[i] =
              _mm512_load_si512(weights + b * second + i * 64);
          const __m512i w1 = _mm512_load_si512(weights + second);
          RN_UNROLL for (uint32_t p = 0; p < columns; p++) {
            const size_t offset = p % 5 == 3 ? step3 : p % 5 * step;
            const __m512i pixel = broadcast(base[p / 5] + b * apart + offset, kind);
            RN_UNROLL for (uint32_t i = 0; i < halves; i++) acc[p][b][i] =
                _mm512_dpbusd_epi32(acc[p][b][i], pixel, w[i]);
            if (kind == pairs)
              acc[p][1][0] = _mm512_dpbusd_epi32(acc[p][1][0], pixel, w1);
          }
        }
        weights += kind == of_8 ? 128 : 64;
        RN_UNROLL for (uint32_t i = 0; i < bases; i++) {
          base[i] += kind <= of_8 ? next_column : 4;
          RN_OPAQUE(base[i]);
        }
      }
      if (kind > of_8)
        RN_UNROLL for (uint32_t i = 0; i < bases; i++) base[i] += next_column;
    }
  }

  __m512i sums[max_pixels][blocks];
  RN_UNROLL for (uint32_t p = 0; p < columns; p++) RN_UNROLL for (uint32_t b = 0; b < blocks; b++)
      sums[p][b] = kind == of_8 ? added(acc[p][b]) : acc[p][b][0];
  const order order = kind == of_4 ? order_of_4 : kind == of_8 ? order_of_8 : natural;
  if (a->residual)
    finish(a, sums, oc, y, x, 1, columns, order, 1);
  else
    finish(a, sums, oc, y, x, 1, columns, order, 0);
}

RN_KIND_OF_TILES(of_4, of_4, 14)
RN_KIND_OF_TILES(of_8, of_8, 7)
RN_KIND_OF_TILES(ones, ones, 14)
RN_KIND_OF_TILES(pairs, pairs, 14)

void rn_grouped_q8_avx512vnni(const rn_grouped_q8_args *a, uint32_t first, uint32_t last) {
  static tile_function *const *const tiles[] = {tile_of_4_of, tile_of_8_of, tile_ones_of,
                                                tile_pairs_of};
  const uint32_t width = a->group_channels;
  const kind kind = width == 4 ? of_4 : width == 8 ? of_8 : width % 32 ? ones : pairs;
  require_grouped(&a->conv.geometry, width, a->kernel_columns);
  each_tile(&a->conv, first, last, tiles[kind], (tile_cut){kind == of_8 ? 7 : 14, 32, 32, 1});
}

RN_TARGET_POP
#endif
