// SPDX-License-Identifier: Apache-2.0
// What becomes of the sums of a tile of the dense and the grouped int8 convolution by 256-bit
// vectors: up to max_pixels pixels x 16 output channels in two vectors each. The including file
// targets an instruction set and defines max_pixels.
#ifndef RN_FINISH_Q8_256_H
#define RN_FINISH_Q8_256_H

#include "../common/channel_order.h"
#include "../common/rn_target.h"
#include <immintrin.h>

RN_ALWAYS_INLINE __m128i places_of(const order order) {
  return order == order_of_4 ? _mm_setr_epi8(RN_PLACES_OF_4) : _mm_setr_epi8(RN_PLACES_OF_8);
}

RN_ALWAYS_INLINE __m128i channels_of(const order order) {
  return order == order_of_4 ? _mm_setr_epi8(RN_CHANNELS_OF_4) : _mm_setr_epi8(RN_CHANNELS_OF_8);
}

// Brings 16 numbers, aligned, into the order of sums.
RN_ALWAYS_INLINE void load_ordered(const void *from, const order order, __m256i to[2]) {
  const __m256i low = _mm256_load_si256((const __m256i *)from);
  const __m256i high = _mm256_load_si256((const __m256i *)from + 1);
  to[0] = low;
  to[1] = high;
  if (order == natural)
    return;
  RN_UNROLL for (int i = 0; i < 2; i++) {
    const __m256i lane = _mm256_set1_epi32(2 * i);
    const __m256i from_low = order == order_of_4 ? _mm256_setr_epi32(0, 4, 0, 4, 1, 5, 1, 5)
                                                 : _mm256_setr_epi32(0, 0, 4, 4, 1, 1, 5, 5);
    const __m256i places = _mm256_add_epi32(from_low, lane);
    const __m256i a = _mm256_permutevar8x32_epi32(low, places);
    const __m256i b = _mm256_permutevar8x32_epi32(high, places);
    to[i] = order == order_of_4 ? _mm256_blend_epi32(a, b, 0xcc) : _mm256_blend_epi32(a, b, 0xaa);
  }
}

// The first or the second 8 bytes of a residual in the order of sums.
RN_ALWAYS_INLINE __m128i residual8(const uint8_t *residual, uint32_t i, const order order) {
  if (order == natural)
    return _mm_loadl_epi64((const __m128i *)(residual + i * 8));
  const __m128i bytes = _mm_loadu_si128((const __m128i *)residual);
  const __m128i ordered = _mm_shuffle_epi8(bytes, channels_of(order));
  return i == 0 ? ordered : _mm_unpackhi_epi64(ordered, ordered);
}

// Requantizes the sums of the pixels from (y, x) on and stores 16 bytes for each.
RN_ALWAYS_INLINE void finish(const conv_args *a, __m256i acc[max_pixels][2], uint32_t oc,
                             uint32_t y, uint32_t x, const uint32_t pixels, const order order,
                             const int has_residual) {
  const rn_conv_geometry *g = &a->geometry;
  // Read once: the stores might alias the arguments.
  __m256i factors[2];
  load_ordered(a->multiplier + oc, order, factors);
  const __m256 multiplier[2] = {_mm256_castsi256_ps(factors[0]), _mm256_castsi256_ps(factors[1])};
  const __m256 low = _mm256_set1_ps(a->low), high = _mm256_set1_ps(a->high);
  const __m256 residual_multiplier = _mm256_set1_ps(a->residual_multiplier);
  const __m256i residual_zero = _mm256_set1_epi32(a->residual_zero);
  const ptrdiff_t output_lower = a->output_lower, residual_lower = a->residual_lower;
  // That of an output of 16 bits is added to 32 bits, since it leaves those of a signed word.
  const __m256i output_zero =
      output_lower ? _mm256_set1_epi32(a->output_zero) : _mm256_set1_epi16((int16_t)a->output_zero);
  const __m256i lanes = _mm256_setr_epi32(0, 4, 1, 5, 0, 4, 1, 5);
  const __m256i both = _mm256_setr_epi32(0, 4, 1, 5, 2, 6, 3, 7);
  __m256i places = _mm256_broadcastsi128_si256(places_of(order));
  // Or the compiler makes more shuffles of this one and that before it.
  if (order != natural)
    __asm__("" : "+x"(places));
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
        const __m128i upper = residual8(residual, i, order);
        __m256i r;
        if (residual_lower) {
          const __m128i lower = residual8(residual + residual_lower, i, order);
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
      if (order != natural)
        bytes = _mm256_shuffle_epi8(bytes, places);
      _mm_storeu_si128((__m128i *)(output + output_lower), _mm256_extracti128_si256(bytes, 1));
    } else {
      const __m256i words = _mm256_add_epi16(_mm256_packs_epi32(q[0], q[1]), output_zero);
      bytes = _mm256_permutevar8x32_epi32(_mm256_packus_epi16(words, words), lanes);
      if (order != natural)
        bytes = _mm256_shuffle_epi8(bytes, places);
    }
    _mm_storeu_si128((__m128i *)output, _mm256_castsi256_si128(bytes));
    const int is_last_of_row = ++x == width;
    output += step + (is_last_of_row ? wrap : 0);
    if (has_residual)
      residual += step + (is_last_of_row ? residual_wrap : 0);
    x = is_last_of_row ? 0 : x;
  }
}

#endif
