// SPDX-License-Identifier: Apache-2.0
// int8 convolution, AVX2 without a dot-product instruction. Twin: ref/conv_q8_ref.c
//
// VPMADDUBSW saturates on full-range data, so both factors are widened to int16 and multiplied by
// VPMADDWD: a vector holds 4 channels x 4 inputs, its products 4 channels x 2 partial sums.
//
// Register tile: 6 output pixels x 8 output channels in 12 accumulators of 8 int32.
//
//                    weights [oc 0-3][4 ic]   weights [oc 4-7][4 ic]
//   pixel 0  4 ic    acc 0                    acc 1
//      ...           ...                      ...          12 VPMADDWD, 12 VPADDD, 8 widenings
//   pixel 5  4 ic    acc 10                   acc 11
//
// Range: a pair of products is at most 2 * 255 * 128 in magnitude.
#if defined(__x86_64__)
#include "../common/rn_target.h"
#include <immintrin.h>
#include <string.h>

RN_TARGET_PUSH("avx2")
#include "requantize_avx2.h"

enum { max_pixels = 6, channels_per_tile = 8 };

RN_ALWAYS_INLINE __m256i widened_pixel(const uint8_t *bytes) {
  int32_t four;
  memcpy(&four, bytes, 4);
  return _mm256_cvtepu8_epi16(_mm_set1_epi32(four));
}

RN_ALWAYS_INLINE __m256i widened_weights(const int8_t *weights) {
  return _mm256_cvtepi8_epi16(_mm_load_si128((const __m128i *)weights));
}

// Requantizes the sums of 8 channels and stores 8 bytes.
RN_ALWAYS_INLINE void store8(const rn_conv_q8_args *a, __m256i low4, __m256i high4, uint32_t oc,
                             const uint8_t *residual, uint8_t *output) {
  // Adding neighbours leaves channels 0 1 4 5 | 2 3 6 7.
  const __m256i sums = _mm256_permute4x64_epi64(_mm256_hadd_epi32(low4, high4), 0xD8);
  const __m256i acc = _mm256_add_epi32(sums, _mm256_load_si256((const __m256i *)(a->bias + oc)));
  requantize8(a, acc, oc, residual, output);
}

// `columns` output pixels of row y from x on, 8 output channels from oc on.
RN_ALWAYS_INLINE void tile(const rn_conv_q8_args *a, uint32_t oc, uint32_t y, uint32_t x,
                           const uint32_t columns) {
  const rn_conv_geometry *g = &a->geometry;
  const uint32_t bases = (columns + 4) / 5;
  const size_t step = g->step_x, step3 = 3 * step;
  const size_t block = (size_t)g->kernel_rows * g->run * RN_CHANNEL_BLOCK;
  const int8_t *weights = a->weights + oc / RN_CHANNEL_BLOCK * block + oc % RN_CHANNEL_BLOCK * 4;

  __m256i acc[max_pixels][2];
  RN_UNROLL for (uint32_t p = 0; p < columns; p++) {
    acc[p][0] = _mm256_setzero_si256();
    acc[p][1] = _mm256_setzero_si256();
  }

  for (uint32_t r = 0; r < g->kernel_rows; r++) {
    const uint8_t *base[2];
    const uint8_t *first = a->input + y * g->step_y + r * g->input_row + x * step;
    RN_UNROLL for (uint32_t i = 0; i < bases; i++) base[i] = first + i * 5 * step;
    for (uint32_t k = 0; k < g->run; k += 4) {
      const __m256i w0 = widened_weights(weights), w1 = widened_weights(weights + 16);
      weights += 64;
      RN_UNROLL for (uint32_t p = 0; p < columns; p++) {
        const size_t offset = p % 5 == 3 ? step3 : p % 5 * step;
        const __m256i pixel = widened_pixel(base[p / 5] + offset);
        acc[p][0] = _mm256_add_epi32(acc[p][0], _mm256_madd_epi16(pixel, w0));
        acc[p][1] = _mm256_add_epi32(acc[p][1], _mm256_madd_epi16(pixel, w1));
      }
      RN_UNROLL for (uint32_t i = 0; i < bases; i++) {
        base[i] += 4;
        RN_OPAQUE(base[i]);
      }
    }
  }

  uint8_t *output = a->output + y * g->output_row + x * g->output_pixel + oc;
  const uint8_t *residual = a->residual;
  if (residual)
    residual += y * g->residual_row + x * g->output_pixel + oc;
  RN_UNROLL for (uint32_t p = 0; p < columns; p++) {
    store8(a, acc[p][0], acc[p][1], oc, residual, output);
    output += g->output_pixel;
    if (residual)
      residual += g->output_pixel;
  }
}

#define RN_TILE(columns)                                                                           \
  static __attribute__((noinline)) void tile_##columns(const rn_conv_q8_args *a, uint32_t oc,      \
                                                       uint32_t y, uint32_t x) {                   \
    tile(a, oc, y, x, columns);                                                                    \
  }
RN_TILE(1)
RN_TILE(2)
RN_TILE(3)
RN_TILE(4)
RN_TILE(5)
RN_TILE(6)

typedef void tile_function(const rn_conv_q8_args *, uint32_t oc, uint32_t y, uint32_t x);

static tile_function *const one_row[max_pixels + 1] = {0,      tile_1, tile_2, tile_3,
                                                       tile_4, tile_5, tile_6};

void rn_conv_q8_avx2(const rn_conv_q8_args *a, uint32_t first, uint32_t last) {
  const rn_conv_geometry *g = &a->geometry;
  const uint32_t width = g->output_width, channels = g->output_blocks * RN_CHANNEL_BLOCK;
  const uint32_t tiles = (width + max_pixels - 1) / max_pixels;
  for (uint32_t unit = first; unit < last; unit++) {
    const uint32_t y = unit % g->output_height, first_oc = unit / g->output_height * 32;
    for (uint32_t oc = first_oc; oc < first_oc + 32 && oc < channels; oc += channels_per_tile) {
      for (uint32_t i = 0; i < tiles; i++) {
        const uint32_t x = width * i / tiles, columns = width * (i + 1) / tiles - x;
        one_row[columns](a, oc, y, x);
      }
    }
  }
}

RN_TARGET_POP
#endif
