// SPDX-License-Identifier: Apache-2.0
// int8 convolution by 256-bit VPDPBUSD, for both encodings of the instruction. The including file
// targets an instruction set and defines RN_DOT256(sums, pixels, weights).
//
// Register tile: 6 output pixels x 16 output channels in 12 accumulators of 8 int32. A step
// multiplies 4 input channels (or taps) of each pixel, broadcast, by two vectors of weights:
//
//                  weights[4 ic][oc 0-7]  weights[4 ic][oc 8-15]        ymm12, ymm13
//   pixel  0 4 ic  acc 0                  acc 1
//      ...         ...                    ...                           12 VPDPBUSD, 8 loads
//   pixel  5 4 ic  acc 10                 acc 11
//
// The accumulators, the weights and a broadcast fill the 16 registers of the VEX encoding but for
// one. Where two VPDPBUSD of latency 5 can start in each cycle, a tile of less than 5 pixels is
// bound by the latency, so the pixels of a tile are taken from as many rows as it needs: that
// keeps the tiles of the 7x7 stage full, and every load of its weights serves 5 or 6 pixels.
#ifndef RN_CONV_Q8_DOT256_H
#define RN_CONV_Q8_DOT256_H

typedef rn_conv_q8_args conv_args;
#include "../common/tiles.h"
#include <immintrin.h>
#include <string.h>

enum { max_pixels = 6 };

RN_ALWAYS_INLINE __m256i broadcast4(const uint8_t *bytes) {
  int32_t four;
  memcpy(&four, bytes, 4);
  return _mm256_set1_epi32(four);
}

// Requantizes the sums of the pixels from (y, x) on and stores 16 bytes for each.
RN_ALWAYS_INLINE void finish(const conv_args *a, __m256i acc[max_pixels][2], uint32_t oc,
                             uint32_t y, uint32_t x, const uint32_t pixels,
                             const int has_residual) {
  const rn_conv_geometry *g = &a->geometry;
  // Read once: the stores might alias the arguments.
  const __m256 multiplier[2] = {_mm256_load_ps(a->multiplier + oc),
                                _mm256_load_ps(a->multiplier + oc + 8)};
  const __m256 low = _mm256_set1_ps(a->low), high = _mm256_set1_ps(a->high);
  const __m256 residual_multiplier = _mm256_set1_ps(a->residual_multiplier);
  const __m256i residual_zero = _mm256_set1_epi32(a->residual_zero);
  const ptrdiff_t output_lower = a->output_lower, residual_lower = a->residual_lower;
  // That of an output of 16 bits is added to 32 bits, since it leaves those of a signed word.
  const __m256i output_zero =
      output_lower ? _mm256_set1_epi32(a->output_zero) : _mm256_set1_epi16((int16_t)a->output_zero);
  const __m256i order = _mm256_setr_epi32(0, 4, 1, 5, 0, 4, 1, 5);
  const __m256i both = _mm256_setr_epi32(0, 4, 1, 5, 2, 6, 3, 7);
  const uint32_t width = g->output_width;
  // Signed: behind the last pixel of a single row, whose pitch may be 0, the wrap goes back.
  const ptrdiff_t step = (ptrdiff_t)g->output_pixel, row = width * step;
  const ptrdiff_t wrap = (ptrdiff_t)g->output_row - row;
  const ptrdiff_t residual_wrap = (ptrdiff_t)g->residual_row - row;
  uint8_t *output = a->output + y * g->output_row + x * step + oc;
  const uint8_t *residual = a->residual;
  if (has_residual)
    residual += y * g->residual_row + x * step + oc;

  RN_UNROLL for (uint32_t p = 0; p < pixels; p++) {
    __m256i q[2];
    RN_UNROLL for (uint32_t i = 0; i < 2; i++) {
      __m256 t = _mm256_mul_ps(_mm256_cvtepi32_ps(acc[p][i]), multiplier[i]);
      if (has_residual) {
        const __m128i upper = _mm_loadl_epi64((const __m128i *)(residual + i * 8));
        __m256i r;
        if (residual_lower) {
          const __m128i lower =
              _mm_loadl_epi64((const __m128i *)(residual + residual_lower + i * 8));
          r = _mm256_cvtepu16_epi32(_mm_unpacklo_epi8(lower, upper));
        } else {
          r = _mm256_cvtepu8_epi32(upper);
        }
        const __m256 centred = _mm256_cvtepi32_ps(_mm256_sub_epi32(r, residual_zero));
        t = _mm256_add_ps(t, _mm256_mul_ps(centred, residual_multiplier));
      }
      // In this order: MAXPS returns its second operand for a NaN.
      q[i] = _mm256_cvtps_epi32(_mm256_min_ps(_mm256_max_ps(t, low), high));
    }
    // Range: q is in -255...255, of 16 bits in -65535...65535. Packing works within halves:
    // channels 0-3 8-11 | 4-7 12-15.
    __m256i bytes;
    if (output_lower) {
      const __m256i words = _mm256_packus_epi32(_mm256_add_epi32(q[0], output_zero),
                                                _mm256_add_epi32(q[1], output_zero));
      const __m256i upper = _mm256_srli_epi16(words, 8);
      const __m256i lower = _mm256_and_si256(words, _mm256_set1_epi16(255));
      // Upper bytes in the first half, lower ones in the second.
      bytes = _mm256_permutevar8x32_epi32(_mm256_packus_epi16(upper, lower), both);
      _mm_storeu_si128((__m128i *)(output + output_lower), _mm256_extracti128_si256(bytes, 1));
    } else {
      const __m256i words = _mm256_add_epi16(_mm256_packs_epi32(q[0], q[1]), output_zero);
      bytes = _mm256_permutevar8x32_epi32(_mm256_packus_epi16(words, words), order);
    }
    _mm_storeu_si128((__m128i *)output, _mm256_castsi256_si128(bytes));
    const int is_last_of_row = ++x == width;
    output += step + (is_last_of_row ? wrap : 0);
    if (has_residual)
      residual += step + (is_last_of_row ? residual_wrap : 0);
    x = is_last_of_row ? 0 : x;
  }
}

// `pixels` output pixels from (y, x) on, continuing on the rows below; 16 output channels.
RN_ALWAYS_INLINE void tile(const conv_args *a, uint32_t oc, uint32_t y, uint32_t x,
                           const uint32_t pixels) {
  const rn_conv_geometry *g = &a->geometry;
  const size_t block = (size_t)g->kernel_rows * g->run * RN_CHANNEL_BLOCK;
  const int8_t *weights = a->weights + oc / RN_CHANNEL_BLOCK * block;
  const __m256i bias0 = _mm256_load_si256((const __m256i *)(a->bias + oc));
  const __m256i bias1 = _mm256_load_si256((const __m256i *)(a->bias + oc + 8));

  __m256i acc[max_pixels][2];
  const uint8_t *input[max_pixels], *next = a->input + y * g->step_y + x * g->step_x;
  const size_t wrap = g->step_y - g->output_width * g->step_x;
  uint32_t column = x;
  RN_UNROLL for (uint32_t p = 0; p < pixels; p++) {
    acc[p][0] = bias0;
    acc[p][1] = bias1;
    input[p] = next;
    next += g->step_x;
    if (++column == g->output_width) {
      column = 0;
      next += wrap;
    }
  }

  // One offset from all the pixels' pointers.
  size_t offset = 0;
  for (uint32_t r = 0; r < g->kernel_rows; r++) {
    for (const size_t end = offset + g->run; offset < end;) {
      const __m256i w0 = _mm256_load_si256((const __m256i *)weights);
      const __m256i w1 = _mm256_load_si256((const __m256i *)(weights + 32));
      // The weights of the next block, which may not be in the second cache yet: the reading of
      // one stream alone waits for the memory. Past the last block this does nothing.
      _mm_prefetch((const char *)weights + block, _MM_HINT_T1);
      weights += 64;
      RN_UNROLL for (uint32_t p = 0; p < pixels; p++) {
        const __m256i pixel = broadcast4(input[p] + offset);
        acc[p][0] = RN_DOT256(acc[p][0], pixel, w0);
        acc[p][1] = RN_DOT256(acc[p][1], pixel, w1);
      }
      offset += 4;
    }
    offset += g->input_row - g->run;
  }

  if (a->residual)
    finish(a, acc, oc, y, x, pixels, 1);
  else
    finish(a, acc, oc, y, x, pixels, 0);
}

RN_TILES(tile, 6)

RN_ALWAYS_INLINE void conv_q8_dot256(const conv_args *a, uint32_t first, uint32_t last) {
  each_tile(a, first, last, tile_of, (tile_cut){max_pixels, 16, 32, 0});
}

#endif
