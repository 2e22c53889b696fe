// SPDX-License-Identifier: Apache-2.0
// The epilogue of the int8 convolutions. Included by kernel files within their target, after the
// intrinsics. Twin: rn_requantize_ref
#ifndef RN_REQUANTIZE_SSE42_H
#define RN_REQUANTIZE_SSE42_H

// Requantizes 4 sums, biases included, of the channels from oc on and stores 4 bytes.
RN_ALWAYS_INLINE void requantize4(const rn_conv_q8_args *a, __m128i acc, uint32_t oc,
                                  const uint8_t *residual, uint8_t *output) {
  __m128 t = _mm_mul_ps(_mm_cvtepi32_ps(acc), _mm_load_ps(a->multiplier + oc));
  if (residual) {
    int32_t four;
    memcpy(&four, residual, 4);
    const __m128i r = _mm_cvtepu8_epi32(_mm_cvtsi32_si128(four));
    const __m128 centred = _mm_cvtepi32_ps(_mm_sub_epi32(r, _mm_set1_epi32(a->residual_zero)));
    t = _mm_add_ps(t, _mm_mul_ps(centred, _mm_set1_ps(a->residual_multiplier)));
  }
  // In this order: MAXPS returns its second operand for a NaN.
  t = _mm_min_ps(_mm_max_ps(t, _mm_set1_ps(a->low)), _mm_set1_ps(a->high));
  const __m128i q = _mm_add_epi32(_mm_cvtps_epi32(t), _mm_set1_epi32(a->output_zero));
  const __m128i words = _mm_packus_epi32(q, q);
  const int32_t stored = _mm_cvtsi128_si32(_mm_packus_epi16(words, words));
  memcpy(output, &stored, 4);
}

#endif
