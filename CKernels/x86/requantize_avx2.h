// SPDX-License-Identifier: Apache-2.0
// The epilogue of the int8 convolutions. Included by kernel files within their target, after the
// intrinsics. Twin: rn_requantize_ref
#ifndef RN_REQUANTIZE_AVX2_H
#define RN_REQUANTIZE_AVX2_H

typedef struct requantization {
  __m256 low, high, residual_multiplier;
  __m256i residual_zero, output_zero, order;
} requantization;

RN_ALWAYS_INLINE requantization requantization_of(const rn_conv_q8_args *a) {
  return (requantization){
      .low = _mm256_set1_ps(a->low),
      .high = _mm256_set1_ps(a->high),
      .residual_multiplier = _mm256_set1_ps(a->residual_multiplier),
      .residual_zero = _mm256_set1_epi32(a->residual_zero),
      .output_zero = _mm256_set1_epi16((int16_t)a->output_zero),
      .order = _mm256_setr_epi32(0, 4, 1, 5, 2, 6, 3, 7),
  };
}

// Multiplies 8 sums, biases included, adds the residual, if there is one, clamps and rounds: to
// -255...255.
RN_ALWAYS_INLINE __m256i rounded8(const requantization *c, __m256i acc, __m256 multiplier,
                                  const uint8_t *residual) {
  __m256 t = _mm256_mul_ps(_mm256_cvtepi32_ps(acc), multiplier);
  if (residual) {
    const __m256i r = _mm256_cvtepu8_epi32(_mm_loadl_epi64((const __m128i *)residual));
    const __m256 centred = _mm256_cvtepi32_ps(_mm256_sub_epi32(r, c->residual_zero));
    t = _mm256_add_ps(t, _mm256_mul_ps(centred, c->residual_multiplier));
  }
  // In this order: MAXPS returns its second operand for a NaN.
  t = _mm256_min_ps(_mm256_max_ps(t, c->low), c->high);
  return _mm256_cvtps_epi32(t);
}

// Requantizes 8 sums, biases included, of the channels from oc on and stores 8 bytes.
RN_ALWAYS_INLINE void requantize8(const rn_conv_q8_args *a, __m256i acc, uint32_t oc,
                                  const uint8_t *residual, uint8_t *output) {
  const requantization c = requantization_of(a);
  const __m256i q = rounded8(&c, acc, _mm256_load_ps(a->multiplier + oc), residual);
  const __m128i halves = _mm_packs_epi32(_mm256_castsi256_si128(q), _mm256_extracti128_si256(q, 1));
  const __m128i words = _mm_add_epi16(halves, _mm256_castsi256_si128(c.output_zero));
  _mm_storel_epi64((__m128i *)output, _mm_packus_epi16(words, words));
}

// Requantizes 8 sums, biases included, of four pixels and stores 8 bytes of each. `multiplier` is
// that of the first channel.
RN_ALWAYS_INLINE void requantize_four(const requantization *c, const __m256i acc[4],
                                      const float *multiplier, const uint8_t *const residual[4],
                                      uint8_t *const output[4]) {
  const __m256 factor = _mm256_load_ps(multiplier);
  __m256i q[4];
  RN_UNROLL for (uint32_t i = 0; i < 4; i++) q[i] =
      rounded8(c, acc[i], factor, residual ? residual[i] : 0);
  // Packing works within halves: dword 4 h + i has channels 4 h ... of
  // pixel i.
  const __m256i words0 = _mm256_add_epi16(_mm256_packs_epi32(q[0], q[1]), c->output_zero);
  const __m256i words1 = _mm256_add_epi16(_mm256_packs_epi32(q[2], q[3]), c->output_zero);
  const __m256i bytes = _mm256_packus_epi16(words0, words1);
  const __m256 ordered = _mm256_castsi256_ps(_mm256_permutevar8x32_epi32(bytes, c->order));
  const __m128 first = _mm256_castps256_ps128(ordered), last = _mm256_extractf128_ps(ordered, 1);
  _mm_storel_pi((__m64 *)output[0], first);
  _mm_storeh_pi((__m64 *)output[1], first);
  _mm_storel_pi((__m64 *)output[2], last);
  _mm_storeh_pi((__m64 *)output[3], last);
}

#endif
