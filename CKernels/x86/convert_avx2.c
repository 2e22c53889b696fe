// SPDX-License-Identifier: Apache-2.0
// Conversions between int8 and float32 activations, AVX2: 16 channels at a time. Twin:
// ref/convert_ref.c
#if defined(__x86_64__)
#include "../common/rn_target.h"
#include <immintrin.h>

RN_TARGET_PUSH("avx2")

void rn_dequantize_avx2(const rn_convert_args *a, const uint8_t *stored, float *values) {
  const __m128i flip = _mm_set1_epi8((char)a->flip);
  const __m256i zero = _mm256_set1_epi32(a->zero);
  const __m256 scale = _mm256_set1_ps(a->scale);
  for (uint32_t p = 0; p < a->pixels; p++) {
    for (uint32_t c = 0; c < a->channels; c += RN_CHANNEL_BLOCK) {
      const __m128i bytes = _mm_xor_si128(_mm_loadu_si128((const __m128i *)(stored + c)), flip);
      const __m256i low = _mm256_cvtepu8_epi32(bytes);
      const __m256i high = _mm256_cvtepu8_epi32(_mm_srli_si128(bytes, 8));
      _mm256_storeu_ps(values + c,
                       _mm256_mul_ps(_mm256_cvtepi32_ps(_mm256_sub_epi32(low, zero)), scale));
      _mm256_storeu_ps(values + c + 8,
                       _mm256_mul_ps(_mm256_cvtepi32_ps(_mm256_sub_epi32(high, zero)), scale));
    }
    stored += a->stored_pixel;
    values += a->value_pixel;
  }
}

void rn_quantize_avx2(const rn_convert_args *a, const float *values, uint8_t *stored) {
  const __m128i flip = _mm_set1_epi8((char)a->flip);
  const __m256i zero = _mm256_set1_epi32(a->zero);
  const __m256 inverse = _mm256_set1_ps(1.0f / a->scale);
  const __m256 low = _mm256_set1_ps((float)-a->zero), high = _mm256_set1_ps((float)(255 - a->zero));
  for (uint32_t p = 0; p < a->pixels; p++) {
    for (uint32_t c = 0; c < a->channels; c += RN_CHANNEL_BLOCK) {
      __m256i rounded[2];
      for (int i = 0; i < 2; i++) {
        // In this order: MAXPS returns its second operand for a NaN.
        const __m256 t = _mm256_mul_ps(_mm256_loadu_ps(values + c + 8 * i), inverse);
        const __m256 clamped = _mm256_min_ps(_mm256_max_ps(t, low), high);
        rounded[i] = _mm256_add_epi32(_mm256_cvtps_epi32(clamped), zero);
      }
      // 0...255, in the quarters 0, 2, 1, 3 after the packing of 128-bit halves.
      const __m256i words = _mm256_packus_epi32(rounded[0], rounded[1]);
      const __m256i ordered = _mm256_permute4x64_epi64(words, 0xD8);
      const __m128i bytes =
          _mm_packus_epi16(_mm256_castsi256_si128(ordered), _mm256_extracti128_si256(ordered, 1));
      _mm_storeu_si128((__m128i *)(stored + c), _mm_xor_si128(bytes, flip));
    }
    values += a->value_pixel;
    stored += a->stored_pixel;
  }
}

RN_TARGET_POP
#endif
