// SPDX-License-Identifier: Apache-2.0
// int8 convolution, AVX-512 VNNI. Twin: ref/conv_q8_ref.c
//
// Register tile: 14 output pixels x 32 output channels in 28 accumulators of 16 int32. A step
// multiplies 4 input channels (or taps) of each pixel, broadcast, by two vectors of weights:
//
//                  weights[4 ic][oc 0-15]  weights[4 ic][oc 16-31]      zmm28, zmm29
//   pixel  0 4 ic  acc 0                   acc 1
//   pixel  1 4 ic  acc 2                   acc 3
//      ...         ...                     ...                          28 VPDPBUSD, 16 loads
//   pixel 13 4 ic  acc 26                  acc 27
//
// Two VPDPBUSD and two loads can start in each cycle, so a step is bound by the multiplications.
// The pixels lie on one row, or on two rows where a row has at most 7: the 7x7 stage streams its
// weights from beyond the first cache and needs every load of them to serve 14 pixels.
#if defined(__x86_64__)
#include <immintrin.h>
#include <string.h>

#include "../common/rn_target.h"

typedef rn_conv_q8_args conv_args;
#include "../common/tiles.h"

RN_TARGET_PUSH("avx512f,avx512bw,avx512vl,avx512vnni")
enum { max_pixels = 14, blocks = 2 };
#include "finish_q8_512.h"

RN_ALWAYS_INLINE __m512i broadcast4(const uint8_t *bytes) {
  int32_t four;
  memcpy(&four, bytes, 4);
  return _mm512_set1_epi32(four);
}

// `rows` x `columns` output pixels from (y, x) on; `oc` is the first of 32 output channels, or of
// 16 if it starts the last block of an odd number. Reaching pixel p as base + {0, 1, 2, 3, 4} *
// step_x keeps the addresses in few registers.
RN_ALWAYS_INLINE void tile(const rn_conv_q8_args *a, uint32_t oc, uint32_t y, uint32_t x,
                           const uint32_t rows, const uint32_t columns) {
  const rn_conv_geometry *g = &a->geometry;
  const uint32_t bases = (columns + 4) / 5;
  const size_t step = g->step_x, step3 = 3 * step;
  const size_t block = (size_t)g->kernel_rows * g->run * RN_CHANNEL_BLOCK;
  const int has_second = oc / RN_CHANNEL_BLOCK + 1 < g->output_blocks;
  // A missing second block is computed as a copy of the first and not stored.
  const size_t second = has_second ? block : 0;
  const int8_t *weights = a->weights + oc / RN_CHANNEL_BLOCK * block;

  __m512i acc[max_pixels][blocks];
  const __m512i bias0 = _mm512_load_si512(a->bias + oc);
  const __m512i bias1 = _mm512_load_si512(a->bias + oc + (has_second ? RN_CHANNEL_BLOCK : 0));
  RN_UNROLL for (uint32_t p = 0; p < rows * columns; p++) {
    acc[p][0] = bias0;
    acc[p][1] = bias1;
  }

  for (uint32_t r = 0; r < g->kernel_rows; r++) {
    const uint8_t *base[6];
    RN_UNROLL for (uint32_t row = 0; row < rows; row++) {
      const uint8_t *first = a->input + (y + row) * g->step_y + r * g->input_row + x * step;
      RN_UNROLL for (uint32_t i = 0; i < bases; i++) base[row * bases + i] = first + i * 5 * step;
    }
    for (uint32_t k = 0; k < g->run; k += 4) {
      const __m512i w0 = _mm512_load_si512(weights);
      const __m512i w1 = _mm512_load_si512(weights + second);
      // The weights of the next pair of blocks, which may not be in the second cache yet: the
      // reading of one stream alone waits for the memory. Past the last pair these are the next
      // step's, or nothing.
      _mm_prefetch((const char *)weights + 2 * block, _MM_HINT_T1);
      _mm_prefetch((const char *)weights + 3 * block, _MM_HINT_T1);
      weights += 64;
      RN_UNROLL for (uint32_t row = 0; row < rows; row++) {
        RN_UNROLL for (uint32_t p = 0; p < columns; p++) {
          const size_t offset = p % 5 == 3 ? step3 : p % 5 * step;
          const __m512i pixel = broadcast4(base[row * bases + p / 5] + offset);
          __m512i *sums = acc[row * columns + p];
          sums[0] = _mm512_dpbusd_epi32(sums[0], pixel, w0);
          sums[1] = _mm512_dpbusd_epi32(sums[1], pixel, w1);
        }
      }
      RN_UNROLL for (uint32_t i = 0; i < rows * bases; i++) {
        base[i] += 4;
        RN_OPAQUE(base[i]);
      }
    }
  }

  if (a->residual)
    finish(a, acc, oc, y, x, rows, columns, natural, 1);
  else
    finish(a, acc, oc, y, x, rows, columns, natural, 0);
}

RN_ALWAYS_INLINE void row(const conv_args *a, uint32_t oc, uint32_t y, uint32_t x,
                          const uint32_t columns) {
  tile(a, oc, y, x, 1, columns);
}

RN_ALWAYS_INLINE void two_rows(const conv_args *a, uint32_t oc, uint32_t y, uint32_t x,
                               const uint32_t columns) {
  tile(a, oc, y, x, 2, columns);
}

RN_TILES(row, 14)
RN_TILES(two_rows, 7)

void rn_conv_q8_avx512vnni(const rn_conv_q8_args *a, uint32_t first, uint32_t last) {
  const uint32_t height = a->geometry.output_height, width = a->geometry.output_width;
  while (first < last) {
    const uint32_t y = first % height, left = last - first < height - y ? last - first : height - y;
    const uint32_t rows = width <= 7 && left > 1 ? 2 : 1;
    if (rows == 2)
      two_rows_of[width](a, first / height * 32, y, 0);
    else
      each_tile(a, first, first + 1, row_of, (tile_cut){max_pixels, 32, 32, 1});
    first += rows;
  }
}

RN_TARGET_POP
#endif
