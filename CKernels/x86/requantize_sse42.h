// SPDX-License-Identifier: Apache-2.0
// The epilogue of the int8 convolutions. Included by kernel files within their target, after the
// intrinsics. Twin: rn_requantize_ref
#ifndef RN_REQUANTIZE_SSE42_H
#define RN_REQUANTIZE_SSE42_H

typedef struct requantization {
  __m128 low, high, residual_multiplier;
  __m128i residual_zero, output_zero;
} requantization;

// The zero of an output of 16 bits is added to 32 bits, since it leaves those of a signed word.
RN_ALWAYS_INLINE requantization requantization_of(const rn_conv_q8_args *a) {
  return (requantization){
      .low = _mm_set1_ps(a->low),
      .high = _mm_set1_ps(a->high),
      .residual_multiplier = _mm_set1_ps(a->residual_multiplier),
      .residual_zero = _mm_set1_epi32(a->residual_zero),
      .output_zero = a->output_lower ? _mm_set1_epi32(a->output_zero)
                                     : _mm_set1_epi16((int16_t)a->output_zero),
  };
}

RN_ALWAYS_INLINE __m128i four_bytes(const uint8_t *bytes) {
  int32_t four;
  memcpy(&four, bytes, 4);
  return _mm_cvtsi32_si128(four);
}

// Multiplies 4 sums, biases included, adds the residual, if there is one, whose lower bytes are
// `lower` behind it, clamps and rounds: to -255...255, of 16 bits to -65535...65535.
RN_ALWAYS_INLINE __m128i rounded4(const requantization *c, __m128i acc, __m128 multiplier,
                                  const uint8_t *residual, ptrdiff_t lower) {
  __m128 t = _mm_mul_ps(_mm_cvtepi32_ps(acc), multiplier);
  if (residual) {
    const __m128i bytes = four_bytes(residual);
    const __m128i r =
        lower ? _mm_cvtepu16_epi32(_mm_unpacklo_epi8(four_bytes(residual + lower), bytes))
              : _mm_cvtepu8_epi32(bytes);
    const __m128 centred = _mm_cvtepi32_ps(_mm_sub_epi32(r, c->residual_zero));
    t = _mm_add_ps(t, _mm_mul_ps(centred, c->residual_multiplier));
  }
  // In this order: MAXPS returns its second operand for a NaN.
  return _mm_cvtps_epi32(_mm_min_ps(_mm_max_ps(t, c->low), c->high));
}

// Twice 4 rounded values and the output's zero as words.
RN_ALWAYS_INLINE __m128i narrowed(const requantization *c, __m128i q0, __m128i q1) {
  return _mm_add_epi16(_mm_packs_epi32(q0, q1), c->output_zero);
}

// The same of an output of 16 bits.
RN_ALWAYS_INLINE __m128i narrowed_wide(const requantization *c, __m128i q0, __m128i q1) {
  return _mm_packus_epi32(_mm_add_epi32(q0, c->output_zero), _mm_add_epi32(q1, c->output_zero));
}

// The upper or the lower bytes of twice 8 words.
RN_ALWAYS_INLINE __m128i upper_bytes(__m128i words0, __m128i words1) {
  return _mm_packus_epi16(_mm_srli_epi16(words0, 8), _mm_srli_epi16(words1, 8));
}

RN_ALWAYS_INLINE __m128i lower_bytes(__m128i words0, __m128i words1) {
  const __m128i mask = _mm_set1_epi16(255);
  return _mm_packus_epi16(_mm_and_si128(words0, mask), _mm_and_si128(words1, mask));
}

RN_ALWAYS_INLINE void store4(uint8_t *output, __m128i bytes) {
  const int32_t stored = _mm_cvtsi128_si32(bytes);
  memcpy(output, &stored, 4);
}

// Requantizes 4 sums, biases included, of the channels from oc on and stores 4 bytes, and as many
// lower ones if there are any.
RN_ALWAYS_INLINE void requantize4(const rn_conv_q8_args *a, __m128i acc, uint32_t oc,
                                  const uint8_t *residual, uint8_t *output) {
  const requantization c = requantization_of(a);
  const ptrdiff_t lower = a->output_lower;
  const __m128i q = rounded4(&c, acc, _mm_load_ps(a->multiplier + oc), residual, a->residual_lower);
  const __m128i words = lower ? narrowed_wide(&c, q, q) : narrowed(&c, q, q);
  if (lower)
    store4(output + lower, lower_bytes(words, words));
  store4(output, lower ? upper_bytes(words, words) : _mm_packus_epi16(words, words));
}

RN_ALWAYS_INLINE void store_four(__m128i bytes, uint8_t *const output[4], ptrdiff_t offset) {
  RN_UNROLL for (uint32_t i = 0; i < 4; i++) {
    int32_t stored[4];
    memcpy(stored, &bytes, sizeof stored);
    memcpy(output[i] + offset, &stored[i], 4);
  }
}

// Requantizes 4 sums, biases included, of four pixels and stores 4 bytes of each, and as many lower
// ones if there are any. `multiplier` is that of the first channel.
RN_ALWAYS_INLINE void requantize_four(const requantization *c, const __m128i acc[4],
                                      const float *multiplier, const uint8_t *const residual[4],
                                      ptrdiff_t residual_lower, uint8_t *const output[4],
                                      ptrdiff_t output_lower) {
  const __m128 factor = _mm_load_ps(multiplier);
  __m128i q[4];
  RN_UNROLL for (uint32_t i = 0; i < 4; i++) q[i] =
      rounded4(c, acc[i], factor, residual ? residual[i] : 0, residual_lower);
  if (output_lower) {
    const __m128i words0 = narrowed_wide(c, q[0], q[1]), words1 = narrowed_wide(c, q[2], q[3]);
    store_four(upper_bytes(words0, words1), output, 0);
    store_four(lower_bytes(words0, words1), output, output_lower);
  } else {
    store_four(_mm_packus_epi16(narrowed(c, q[0], q[1]), narrowed(c, q[2], q[3])), output, 0);
  }
}

#endif
