// SPDX-License-Identifier: Apache-2.0
// The epilogue of the int8 convolutions. Included by kernel files within their target, after the
// intrinsics. Twin: rn_requantize_ref
#ifndef RN_REQUANTIZE_AVX512_H
#define RN_REQUANTIZE_AVX512_H

typedef struct requantization {
  __m512 high, residual_multiplier;
  __m512i residual_zero, output_zero, low, order;
} requantization;

// The zero of an output of 16 bits is added to 32 bits, since it leaves those of a signed word.
RN_ALWAYS_INLINE requantization requantization_of(const rn_conv_q8_args *a) {
  return (requantization){
      .high = _mm512_set1_ps(a->high),
      .residual_multiplier = _mm512_set1_ps(a->residual_multiplier),
      .residual_zero = _mm512_set1_epi32(a->residual_zero),
      .output_zero = a->output_lower ? _mm512_set1_epi32(a->output_zero)
                                     : _mm512_set1_epi16((int16_t)a->output_zero),
      .low = _mm512_set1_epi16((int16_t)(_mm_cvtss_si32(_mm_set_ss(a->low)) + a->output_zero)),
      .order = _mm512_setr_epi32(0, 4, 8, 12, 1, 5, 9, 13, 2, 6, 10, 14, 3, 7, 11, 15),
  };
}

// Multiplies 16 sums, biases included, adds the residual, if there is one, whose lower bytes are
// `lower` behind it, and rounds. What is above the range of the output is clamped here, since the
// conversion wraps; what is below it, and a NaN, stays below it.
RN_ALWAYS_INLINE __m512i rounded16(const requantization *c, __m512i acc, __m512 multiplier,
                                   const uint8_t *residual, ptrdiff_t lower) {
  __m512 t = _mm512_mul_ps(_mm512_cvtepi32_ps(acc), multiplier);
  if (residual) {
    __m512i r = _mm512_cvtepu8_epi32(_mm_loadu_si128((const __m128i *)residual));
    if (lower) {
      const __m128i bytes = _mm_loadu_si128((const __m128i *)(residual + lower));
      r = _mm512_or_si512(_mm512_slli_epi32(r, 8), _mm512_cvtepu8_epi32(bytes));
    }
    const __m512 centred = _mm512_cvtepi32_ps(_mm512_sub_epi32(r, c->residual_zero));
    t = _mm512_add_ps(t, _mm512_mul_ps(centred, c->residual_multiplier));
  }
  // In this order: MINPS returns its second operand for a NaN.
  return _mm512_cvtps_epi32(_mm512_min_ps(c->high, t));
}

// Packing works within lanes: dword 4 l + i has channels 4 l ... of vector i.
RN_ALWAYS_INLINE __m512i ordered64(const requantization *c, __m512i words0, __m512i words1) {
  return _mm512_permutexvar_epi32(c->order, _mm512_packus_epi16(words0, words1));
}

// Four times 16 rounded values to bytes, in order. Rounding is monotonic, so clamping to the
// rounded lower bound is the same before and after it. Range: at most 255 each.
RN_ALWAYS_INLINE __m512i narrowed64(const requantization *c, const __m512i q[4]) {
  const __m512i words0 = _mm512_adds_epi16(_mm512_packs_epi32(q[0], q[1]), c->output_zero);
  const __m512i words1 = _mm512_adds_epi16(_mm512_packs_epi32(q[2], q[3]), c->output_zero);
  return ordered64(c, _mm512_max_epi16(words0, c->low), _mm512_max_epi16(words1, c->low));
}

// The same of an output of 16 bits: upper and lower bytes. Range: at most 65535 each.
RN_ALWAYS_INLINE __m512i parted64(const requantization *c, const __m512i q[4], __m512i *lower) {
  __m512i words[2];
  RN_UNROLL for (uint32_t i = 0; i < 2; i++) words[i] =
      _mm512_max_epu16(_mm512_packus_epi32(_mm512_add_epi32(q[2 * i], c->output_zero),
                                           _mm512_add_epi32(q[2 * i + 1], c->output_zero)),
                       c->low);
  const __m512i low_byte = _mm512_set1_epi16(255);
  *lower = ordered64(c, _mm512_and_si512(words[0], low_byte), _mm512_and_si512(words[1], low_byte));
  return ordered64(c, _mm512_srli_epi16(words[0], 8), _mm512_srli_epi16(words[1], 8));
}

RN_ALWAYS_INLINE void store_four(uint8_t *const output[4], ptrdiff_t offset, __m512i bytes) {
  _mm_storeu_si128((__m128i *)(output[0] + offset), _mm512_castsi512_si128(bytes));
  _mm_storeu_si128((__m128i *)(output[1] + offset), _mm512_extracti32x4_epi32(bytes, 1));
  _mm_storeu_si128((__m128i *)(output[2] + offset), _mm512_extracti32x4_epi32(bytes, 2));
  _mm_storeu_si128((__m128i *)(output[3] + offset), _mm512_extracti32x4_epi32(bytes, 3));
}

// Requantizes 16 sums, biases included, of four pixels and stores 16 bytes of each, and as many
// lower ones if there are any. `multiplier` is that of the first channel.
RN_ALWAYS_INLINE void requantize_four(const requantization *c, const __m512i acc[4],
                                      const float *multiplier, const uint8_t *const residual[4],
                                      ptrdiff_t residual_lower, uint8_t *const output[4],
                                      ptrdiff_t output_lower) {
  const __m512 factor = _mm512_load_ps(multiplier);
  __m512i q[4];
  RN_UNROLL for (uint32_t i = 0; i < 4; i++) q[i] =
      rounded16(c, acc[i], factor, residual ? residual[i] : 0, residual_lower);
  if (output_lower) {
    __m512i lower;
    store_four(output, 0, parted64(c, q, &lower));
    store_four(output, output_lower, lower);
  } else {
    store_four(output, 0, narrowed64(c, q));
  }
}

#endif
