// SPDX-License-Identifier: Apache-2.0
// The epilogue of the int8 convolutions. Included by kernel files within their target, after the
// intrinsics. Twin: rn_requantize_ref
#ifndef RN_REQUANTIZE_AVX512_H
#define RN_REQUANTIZE_AVX512_H

typedef struct requantization {
  __m512 high, residual_multiplier;
  __m512i residual_zero, output_zero, low, order;
} requantization;

RN_ALWAYS_INLINE requantization requantization_of(const rn_conv_q8_args *a) {
  return (requantization){
      .high = _mm512_set1_ps(a->high),
      .residual_multiplier = _mm512_set1_ps(a->residual_multiplier),
      .residual_zero = _mm512_set1_epi32(a->residual_zero),
      .output_zero = _mm512_set1_epi16((int16_t)a->output_zero),
      .low = _mm512_set1_epi16((int16_t)(_mm_cvtss_si32(_mm_set_ss(a->low)) + a->output_zero)),
      .order = _mm512_setr_epi32(0, 4, 8, 12, 1, 5, 9, 13, 2, 6, 10, 14, 3, 7, 11, 15),
  };
}

// Multiplies 16 sums, biases included, adds the residual, if there is one, and rounds. What is
// above the range of the output is clamped here, since the conversion wraps; what is below it, and
// a NaN, stays below it.
RN_ALWAYS_INLINE __m512i rounded16(const requantization *c, __m512i acc, __m512 multiplier,
                                   const uint8_t *residual) {
  __m512 t = _mm512_mul_ps(_mm512_cvtepi32_ps(acc), multiplier);
  if (residual) {
    const __m512i r = _mm512_cvtepu8_epi32(_mm_loadu_si128((const __m128i *)residual));
    const __m512 centred = _mm512_cvtepi32_ps(_mm512_sub_epi32(r, c->residual_zero));
    t = _mm512_add_ps(t, _mm512_mul_ps(centred, c->residual_multiplier));
  }
  // In this order: MINPS returns its second operand for a NaN.
  return _mm512_cvtps_epi32(_mm512_min_ps(c->high, t));
}

// Four times 16 rounded values to bytes, in order. Rounding is monotonic, so clamping to the
// rounded lower bound is the same before and after it. Range: at most 255 each.
RN_ALWAYS_INLINE __m512i narrowed64(const requantization *c, __m512i q0, __m512i q1, __m512i q2,
                                    __m512i q3) {
  __m512i words0 = _mm512_adds_epi16(_mm512_packs_epi32(q0, q1), c->output_zero);
  __m512i words1 = _mm512_adds_epi16(_mm512_packs_epi32(q2, q3), c->output_zero);
  words0 = _mm512_max_epi16(words0, c->low);
  words1 = _mm512_max_epi16(words1, c->low);
  // Packing works within lanes: dword 4 l + i has channels 4 l ... of vector i.
  return _mm512_permutexvar_epi32(c->order, _mm512_packus_epi16(words0, words1));
}

// Requantizes 16 sums of the channels from oc on and stores 16 bytes.
RN_ALWAYS_INLINE void requantize16(const rn_conv_q8_args *a, __m512i acc, uint32_t oc,
                                   const uint8_t *residual, uint8_t *output) {
  const requantization constants = requantization_of(a);
  const __m512i q = rounded16(&constants, acc, _mm512_load_ps(a->multiplier + oc), residual);
  const __m512i bytes = narrowed64(&constants, q, q, q, q);
  _mm_storeu_si128((__m128i *)output, _mm512_castsi512_si128(bytes));
}

#endif
