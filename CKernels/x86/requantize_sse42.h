// SPDX-License-Identifier: Apache-2.0
// The epilogue of the int8 convolutions. Included by kernel files within their target, after the
// intrinsics. Twin: rn_requantize_ref
#ifndef RN_REQUANTIZE_SSE42_H
#define RN_REQUANTIZE_SSE42_H

typedef struct requantization {
  __m128 low, high, residual_multiplier;
  __m128i residual_zero, output_zero;
} requantization;

RN_ALWAYS_INLINE requantization requantization_of(const rn_conv_q8_args *a) {
  return (requantization){
      .low = _mm_set1_ps(a->low),
      .high = _mm_set1_ps(a->high),
      .residual_multiplier = _mm_set1_ps(a->residual_multiplier),
      .residual_zero = _mm_set1_epi32(a->residual_zero),
      .output_zero = _mm_set1_epi16((int16_t)a->output_zero),
  };
}

// Multiplies 4 sums, biases included, adds the residual, if there is one, clamps and rounds: to
// -255...255.
RN_ALWAYS_INLINE __m128i rounded4(const requantization *c, __m128i acc, __m128 multiplier,
                                  const uint8_t *residual) {
  __m128 t = _mm_mul_ps(_mm_cvtepi32_ps(acc), multiplier);
  if (residual) {
    int32_t four;
    memcpy(&four, residual, 4);
    const __m128i r = _mm_cvtepu8_epi32(_mm_cvtsi32_si128(four));
    const __m128 centred = _mm_cvtepi32_ps(_mm_sub_epi32(r, c->residual_zero));
    t = _mm_add_ps(t, _mm_mul_ps(centred, c->residual_multiplier));
  }
  // In this order: MAXPS returns its second operand for a NaN.
  return _mm_cvtps_epi32(_mm_min_ps(_mm_max_ps(t, c->low), c->high));
}

// Requantizes 4 sums, biases included, of the channels from oc on and stores 4 bytes.
RN_ALWAYS_INLINE void requantize4(const rn_conv_q8_args *a, __m128i acc, uint32_t oc,
                                  const uint8_t *residual, uint8_t *output) {
  const requantization c = requantization_of(a);
  const __m128i q = rounded4(&c, acc, _mm_load_ps(a->multiplier + oc), residual);
  const __m128i words = _mm_add_epi16(_mm_packs_epi32(q, q), c.output_zero);
  const int32_t stored = _mm_cvtsi128_si32(_mm_packus_epi16(words, words));
  memcpy(output, &stored, 4);
}

// Requantizes 4 sums, biases included, of four pixels and stores 4 bytes of each. `multiplier` is
// that of the first channel.
RN_ALWAYS_INLINE void requantize_four(const requantization *c, const __m128i acc[4],
                                      const float *multiplier, const uint8_t *const residual[4],
                                      uint8_t *const output[4]) {
  const __m128 factor = _mm_load_ps(multiplier);
  __m128i q[4];
  RN_UNROLL for (uint32_t i = 0; i < 4; i++) q[i] =
      rounded4(c, acc[i], factor, residual ? residual[i] : 0);
  const __m128i words0 = _mm_add_epi16(_mm_packs_epi32(q[0], q[1]), c->output_zero);
  const __m128i words1 = _mm_add_epi16(_mm_packs_epi32(q[2], q[3]), c->output_zero);
  const __m128i bytes = _mm_packus_epi16(words0, words1);
  RN_UNROLL for (uint32_t i = 0; i < 4; i++) {
    int32_t stored[4];
    memcpy(stored, &bytes, sizeof stored);
    memcpy(output[i], &stored[i], 4);
  }
}

#endif
