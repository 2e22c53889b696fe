// SPDX-License-Identifier: Apache-2.0
// The epilogue of the int8 convolutions. Included by kernel files within their target, after the
// intrinsics. Twin: rn_requantize_ref
#ifndef RN_REQUANTIZE_AVX512_H
#define RN_REQUANTIZE_AVX512_H

// Requantizes 16 sums, biases included, of the channels from oc on and stores 16 bytes.
RN_ALWAYS_INLINE void requantize16(const rn_conv_q8_args *a, __m512i acc, uint32_t oc,
                                   const uint8_t *residual, uint8_t *output) {
  __m512 t = _mm512_mul_ps(_mm512_cvtepi32_ps(acc), _mm512_load_ps(a->multiplier + oc));
  if (residual) {
    const __m512i r = _mm512_cvtepu8_epi32(_mm_loadu_si128((const __m128i *)residual));
    const __m512 centred =
        _mm512_cvtepi32_ps(_mm512_sub_epi32(r, _mm512_set1_epi32(a->residual_zero)));
    t = _mm512_add_ps(t, _mm512_mul_ps(centred, _mm512_set1_ps(a->residual_multiplier)));
  }
  // In this order: MAXPS returns its second operand for a NaN.
  t = _mm512_min_ps(_mm512_max_ps(t, _mm512_set1_ps(a->low)), _mm512_set1_ps(a->high));
  const __m512i q = _mm512_add_epi32(_mm512_cvtps_epi32(t), _mm512_set1_epi32(a->output_zero));
  _mm_storeu_si128((__m128i *)output, _mm512_cvtepi32_epi8(q));
}

#endif
