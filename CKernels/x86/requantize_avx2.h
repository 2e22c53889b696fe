// SPDX-License-Identifier: Apache-2.0
// The epilogue of the int8 convolutions. Included by kernel files within their target, after the
// intrinsics. Twin: rn_requantize_ref
#ifndef RN_REQUANTIZE_AVX2_H
#define RN_REQUANTIZE_AVX2_H

typedef struct requantization {
  __m256 low, high, residual_multiplier;
  __m256i residual_zero, output_zero, order;
} requantization;

// The zero of an output of 16 bits is added to 32 bits, since it leaves those of a signed word.
RN_ALWAYS_INLINE requantization requantization_of(const rn_conv_q8_args *a) {
  return (requantization){
      .low = _mm256_set1_ps(a->low),
      .high = _mm256_set1_ps(a->high),
      .residual_multiplier = _mm256_set1_ps(a->residual_multiplier),
      .residual_zero = _mm256_set1_epi32(a->residual_zero),
      .output_zero = a->output_lower ? _mm256_set1_epi32(a->output_zero)
                                     : _mm256_set1_epi16((int16_t)a->output_zero),
      .order = _mm256_setr_epi32(0, 4, 1, 5, 2, 6, 3, 7),
  };
}

// Multiplies 8 sums, biases included, adds the residual, if there is one, whose lower bytes are
// `lower` behind it, clamps and rounds: to -255...255, of 16 bits to -65535...65535.
RN_ALWAYS_INLINE __m256i rounded8(const requantization *c, __m256i acc, __m256 multiplier,
                                  const uint8_t *residual, ptrdiff_t lower) {
  __m256 t = _mm256_mul_ps(_mm256_cvtepi32_ps(acc), multiplier);
  if (residual) {
    const __m128i bytes = _mm_loadl_epi64((const __m128i *)residual);
    __m256i r;
    if (lower) {
      const __m128i lower_bytes = _mm_loadl_epi64((const __m128i *)(residual + lower));
      r = _mm256_cvtepu16_epi32(_mm_unpacklo_epi8(lower_bytes, bytes));
    } else {
      r = _mm256_cvtepu8_epi32(bytes);
    }
    const __m256 centred = _mm256_cvtepi32_ps(_mm256_sub_epi32(r, c->residual_zero));
    t = _mm256_add_ps(t, _mm256_mul_ps(centred, c->residual_multiplier));
  }
  // In this order: MAXPS returns its second operand for a NaN.
  t = _mm256_min_ps(_mm256_max_ps(t, c->low), c->high);
  return _mm256_cvtps_epi32(t);
}

// Twice 8 rounded values and the output's zero as words, within halves.
RN_ALWAYS_INLINE __m256i narrowed(const requantization *c, __m256i q0, __m256i q1) {
  return _mm256_add_epi16(_mm256_packs_epi32(q0, q1), c->output_zero);
}

// The same of an output of 16 bits.
RN_ALWAYS_INLINE __m256i narrowed_wide(const requantization *c, __m256i q0, __m256i q1) {
  return _mm256_packus_epi32(_mm256_add_epi32(q0, c->output_zero),
                             _mm256_add_epi32(q1, c->output_zero));
}

// The upper or the lower bytes of twice 16 words, within halves.
RN_ALWAYS_INLINE __m256i upper_bytes(__m256i words0, __m256i words1) {
  return _mm256_packus_epi16(_mm256_srli_epi16(words0, 8), _mm256_srli_epi16(words1, 8));
}

RN_ALWAYS_INLINE __m256i lower_bytes(__m256i words0, __m256i words1) {
  const __m256i mask = _mm256_set1_epi16(255);
  return _mm256_packus_epi16(_mm256_and_si256(words0, mask), _mm256_and_si256(words1, mask));
}

// Requantizes 8 sums, biases included, of the channels from oc on and stores 8 bytes, and as many
// lower ones if there are any.
RN_ALWAYS_INLINE void requantize8(const rn_conv_q8_args *a, __m256i acc, uint32_t oc,
                                  const uint8_t *residual, uint8_t *output) {
  const requantization c = requantization_of(a);
  const ptrdiff_t lower = a->output_lower;
  const __m256i q =
      rounded8(&c, acc, _mm256_load_ps(a->multiplier + oc), residual, a->residual_lower);
  const __m256i other = _mm256_permute2x128_si256(q, q, 1);
  const __m256i words = lower ? narrowed_wide(&c, q, other) : narrowed(&c, q, other);
  const __m256i bytes = lower ? upper_bytes(words, words) : _mm256_packus_epi16(words, words);
  if (lower)
    _mm_storel_epi64((__m128i *)(output + lower),
                     _mm256_castsi256_si128(lower_bytes(words, words)));
  _mm_storel_epi64((__m128i *)output, _mm256_castsi256_si128(bytes));
}

// Packing works within halves: dword 4 h + i has channels 4 h ... of pixel i.
RN_ALWAYS_INLINE void store_four(const requantization *c, __m256i bytes, uint8_t *const output[4],
                                 ptrdiff_t offset) {
  const __m256 ordered = _mm256_castsi256_ps(_mm256_permutevar8x32_epi32(bytes, c->order));
  const __m128 first = _mm256_castps256_ps128(ordered), last = _mm256_extractf128_ps(ordered, 1);
  _mm_storel_pi((__m64 *)(output[0] + offset), first);
  _mm_storeh_pi((__m64 *)(output[1] + offset), first);
  _mm_storel_pi((__m64 *)(output[2] + offset), last);
  _mm_storeh_pi((__m64 *)(output[3] + offset), last);
}

// Requantizes 8 sums, biases included, of four pixels and stores 8 bytes of each, and as many lower
// ones if there are any. `multiplier` is that of the first channel.
RN_ALWAYS_INLINE void requantize_four(const requantization *c, const __m256i acc[4],
                                      const float *multiplier, const uint8_t *const residual[4],
                                      ptrdiff_t residual_lower, uint8_t *const output[4],
                                      ptrdiff_t output_lower) {
  const __m256 factor = _mm256_load_ps(multiplier);
  __m256i q[4];
  RN_UNROLL for (uint32_t i = 0; i < 4; i++) q[i] =
      rounded8(c, acc[i], factor, residual ? residual[i] : 0, residual_lower);
  if (output_lower) {
    const __m256i words0 = narrowed_wide(c, q[0], q[1]), words1 = narrowed_wide(c, q[2], q[3]);
    store_four(c, upper_bytes(words0, words1), output, 0);
    store_four(c, lower_bytes(words0, words1), output, output_lower);
  } else {
    const __m256i words0 = narrowed(c, q[0], q[1]), words1 = narrowed(c, q[2], q[3]);
    store_four(c, _mm256_packus_epi16(words0, words1), output, 0);
  }
}

#endif
