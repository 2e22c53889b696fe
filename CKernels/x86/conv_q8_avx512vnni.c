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
#include "requantize_avx512.h"

enum { max_pixels = 14, blocks = 2 };

RN_ALWAYS_INLINE __m512i broadcast4(const uint8_t *bytes) {
  int32_t four;
  memcpy(&four, bytes, 4);
  return _mm512_set1_epi32(four);
}

RN_ALWAYS_INLINE void store_pixel(uint8_t *output, __m512i bytes, const int is_second,
                                  int has_second) {
  const __m256i half =
      is_second ? _mm512_extracti64x4_epi64(bytes, 1) : _mm512_castsi512_si256(bytes);
  if (has_second)
    _mm256_storeu_si256((__m256i *)output, half);
  else
    _mm_storeu_si128((__m128i *)output, _mm256_castsi256_si128(half));
}

// Requantizes the sums of the tile and stores 32 bytes for each pixel, or 16 if there is no second
// block, and as many lower ones if there are any. Two pixels at once: narrowing shares its
// instructions among four vectors.
RN_ALWAYS_INLINE void finish(const rn_conv_q8_args *a, __m512i acc[max_pixels][blocks], uint32_t oc,
                             uint32_t y, uint32_t x, const uint32_t rows, const uint32_t columns,
                             const int has_residual) {
  const rn_conv_geometry *g = &a->geometry;
  const int has_second = oc / RN_CHANNEL_BLOCK + 1 < g->output_blocks;
  const uint32_t pixels = rows * columns;
  // Read once: the stores might alias the arguments.
  const __m512 multiplier0 = _mm512_load_ps(a->multiplier + oc);
  const __m512 multiplier1 = _mm512_load_ps(a->multiplier + oc + (has_second ? 16 : 0));
  const requantization constants = requantization_of(a);
  uint8_t *output = a->output + y * g->output_row + x * g->output_pixel + oc;
  const uint8_t *residual = a->residual;
  if (has_residual)
    residual += y * g->residual_row + x * g->output_pixel + oc;
  const size_t second_residual = has_second ? 16 : 0;
  const ptrdiff_t output_lower = a->output_lower, residual_lower = a->residual_lower;

  RN_UNROLL for (uint32_t p = 0; p < pixels; p += 2) {
    __m512i q[2 * blocks];
    uint8_t *to[2];
    RN_UNROLL for (uint32_t i = 0; i < 2; i++) {
      const uint32_t pixel = p + i < pixels ? p + i : p;
      const size_t offset = pixel % columns * g->output_pixel;
      to[i] = output + pixel / columns * g->output_row + offset;
      const uint8_t *r = has_residual ? residual + pixel / columns * g->residual_row + offset : 0;
      q[2 * i] = rounded16(&constants, acc[pixel][0], multiplier0, r, residual_lower);
      q[2 * i + 1] = rounded16(&constants, acc[pixel][1], multiplier1, r ? r + second_residual : 0,
                               residual_lower);
    }
    __m512i bytes, lower;
    if (output_lower) {
      bytes = parted64(&constants, q, &lower);
      RN_UNROLL for (uint32_t i = 0; i < 2 && p + i < pixels; i++)
          store_pixel(to[i] + output_lower, lower, i, has_second);
    } else {
      bytes = narrowed64(&constants, q);
    }
    RN_UNROLL for (uint32_t i = 0; i < 2 && p + i < pixels; i++)
        store_pixel(to[i], bytes, i, has_second);
  }
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
    finish(a, acc, oc, y, x, rows, columns, 1);
  else
    finish(a, acc, oc, y, x, rows, columns, 0);
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
