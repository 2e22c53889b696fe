// SPDX-License-Identifier: Apache-2.0
// What becomes of the sums of a tile of the dense and the grouped int8 convolution by 512-bit
// vectors: up to max_pixels pixels x 32 output channels in two vectors each. The including file
// targets an instruction set and defines max_pixels and blocks, which is 2.
#ifndef RN_FINISH_Q8_512_H
#define RN_FINISH_Q8_512_H

#include "../common/channel_order.h"
#include "requantize_avx512.h"

RN_ALWAYS_INLINE void store_pixel(uint8_t *output, __m512i bytes, const int is_second,
                                  int has_second) {
  const __m256i half =
      is_second ? _mm512_extracti64x4_epi64(bytes, 1) : _mm512_castsi512_si256(bytes);
  if (has_second)
    _mm256_storeu_si256((__m256i *)output, half);
  else
    _mm_storeu_si128((__m128i *)output, _mm256_castsi256_si128(half));
}

RN_ALWAYS_INLINE __m512i channels_of(const order order) {
  return _mm512_cvtepu8_epi32(order == order_of_4 ? _mm_setr_epi8(RN_CHANNELS_OF_4)
                                                  : _mm_setr_epi8(RN_CHANNELS_OF_8));
}

RN_ALWAYS_INLINE __m128i places_of(const order order) {
  return order == order_of_4 ? _mm_setr_epi8(RN_PLACES_OF_4) : _mm_setr_epi8(RN_PLACES_OF_8);
}

// Requantizes the sums of the tile and stores 32 bytes for each pixel, or 16 if there is no second
// block, and as many lower ones if there are any. Two pixels at once: narrowing shares its
// instructions among four vectors. Where the order is not the natural one, the bytes are put into
// it, or the sums if they meet a residual.
RN_ALWAYS_INLINE void finish(const rn_conv_q8_args *a, __m512i acc[max_pixels][blocks], uint32_t oc,
                             uint32_t y, uint32_t x, const uint32_t rows, const uint32_t columns,
                             const order order, const int has_residual) {
  const rn_conv_geometry *g = &a->geometry;
  const int has_second = oc / RN_CHANNEL_BLOCK + 1 < g->output_blocks;
  const uint32_t pixels = rows * columns;
  // Read once: the stores might alias the arguments.
  __m512 multiplier0 = _mm512_load_ps(a->multiplier + oc);
  __m512 multiplier1 = _mm512_load_ps(a->multiplier + oc + (has_second ? 16 : 0));
  const int orders_bytes = order != natural && !has_residual;
  if (orders_bytes) {
    multiplier0 = _mm512_permutexvar_ps(channels_of(order), multiplier0);
    multiplier1 = _mm512_permutexvar_ps(channels_of(order), multiplier1);
  }
  const __m512i places = _mm512_cvtepu8_epi32(places_of(order));
  __m512i byte_places = _mm512_broadcast_i32x4(places_of(order));
  // Or the compiler makes ten shuffles of this one and that before it.
  if (orders_bytes)
    __asm__("" : "+v"(byte_places));
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
      __m512i sums[blocks] = {acc[pixel][0], acc[pixel][1]};
      if (order != natural && has_residual) {
        sums[0] = _mm512_permutexvar_epi32(places, sums[0]);
        sums[1] = _mm512_permutexvar_epi32(places, sums[1]);
      }
      q[2 * i] = rounded16(&constants, sums[0], multiplier0, r, residual_lower);
      q[2 * i + 1] =
          rounded16(&constants, sums[1], multiplier1, r ? r + second_residual : 0, residual_lower);
    }
    __m512i bytes, lower;
    if (output_lower) {
      bytes = parted64(&constants, q, &lower);
      if (orders_bytes)
        lower = _mm512_shuffle_epi8(lower, byte_places);
      RN_UNROLL for (uint32_t i = 0; i < 2 && p + i < pixels; i++)
          store_pixel(to[i] + output_lower, lower, i, has_second);
    } else {
      bytes = narrowed64(&constants, q);
    }
    if (orders_bytes)
      bytes = _mm512_shuffle_epi8(bytes, byte_places);
    RN_UNROLL for (uint32_t i = 0; i < 2 && p + i < pixels; i++)
        store_pixel(to[i], bytes, i, has_second);
  }
}

#endif
