// SPDX-License-Identifier: Apache-2.0
// The epilogue of the int8 convolutions. Included by kernel files within their target, after the
// intrinsics. Twin: rn_requantize_ref
#ifndef RN_REQUANTIZE_AVX2_H
#define RN_REQUANTIZE_AVX2_H

// Requantizes 8 sums, biases included, of the channels from oc on and stores 8 bytes.
RN_ALWAYS_INLINE void requantize8(const rn_conv_q8_args *a, __m256i acc, uint32_t oc,
                                  const uint8_t *residual, uint8_t *output) {
  __m256 t = _mm256_mul_ps(_mm256_cvtepi32_ps(acc), _mm256_load_ps(a->multiplier + oc));
  if (residual) {
    const __m256i r = _mm256_cvtepu8_epi32(_mm_loadl_epi64((const __m128i *)residual));
    const __m256 centred =
        _mm256_cvtepi32_ps(_mm256_sub_epi32(r, _mm256_set1_epi32(a->residual_zero)));
    t = _mm256_add_ps(t, _mm256_mul_ps(centred, _mm256_set1_ps(a->residual_multiplier)));
  }
  // In this order: MAXPS returns its second operand for a NaN.
  t = _mm256_min_ps(_mm256_max_ps(t, _mm256_set1_ps(a->low)), _mm256_set1_ps(a->high));
  const __m256i q = _mm256_add_epi32(_mm256_cvtps_epi32(t), _mm256_set1_epi32(a->output_zero));
  const __m128i words = _mm_packus_epi32(_mm256_castsi256_si128(q), _mm256_extracti128_si256(q, 1));
  _mm_storel_epi64((__m128i *)output, _mm_packus_epi16(words, words));
}

#endif
