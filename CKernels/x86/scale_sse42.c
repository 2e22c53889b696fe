// SPDX-License-Identifier: Apache-2.0
// Scale and offset of channels, SSE4.2: 16 at a time. Twin: ref/scale_ref.c
#if defined(__x86_64__)
#include "../common/scale.h"
#include <immintrin.h>

#pragma STDC FP_CONTRACT OFF

RN_TARGET_PUSH("sse4.2")

// The arguments, which the stores cannot alias, and their constants.
typedef struct scale_q8 {
  rn_scale_q8_args args;
  __m128 high, residual_multiplier, input_zero, residual_zero;
  __m128i output_zero, low;
} scale_q8;

// 16 values less their zero, to which 2^23 is added: with 0x4B00 in front, a word x is the float
// 2^23 + x, and the difference is exact.
RN_ALWAYS_INLINE void centred16(const uint8_t *bytes, ptrdiff_t lower, __m128 zero, __m128 x[4]) {
  const __m128i exponent = _mm_set1_epi16(0x4B00);
  const __m128i upper = _mm_loadu_si128((const __m128i *)bytes);
  __m128i words[2];
  if (lower) {
    const __m128i below = _mm_loadu_si128((const __m128i *)(bytes + lower));
    words[0] = _mm_unpacklo_epi8(below, upper);
    words[1] = _mm_unpackhi_epi8(below, upper);
  } else {
    words[0] = _mm_unpacklo_epi8(upper, _mm_setzero_si128());
    words[1] = _mm_unpackhi_epi8(upper, _mm_setzero_si128());
  }
  RN_UNROLL for (uint32_t i = 0; i < 4; i++) {
    const __m128i whole = i % 2 ? _mm_unpackhi_epi16(words[i / 2], exponent)
                                : _mm_unpacklo_epi16(words[i / 2], exponent);
    x[i] = _mm_sub_ps(_mm_castsi128_ps(whole), zero);
  }
}

RN_ALWAYS_INLINE __m128 with_slope(__m128 t, const float *slope) {
  const __m128 below = _mm_mul_ps(t, _mm_loadu_ps(slope));
  return _mm_blendv_ps(t, below, _mm_cmplt_ps(t, _mm_setzero_ps()));
}

RN_ALWAYS_INLINE void block_q8(const scale_q8 *s, uint32_t c, const uint8_t *input,
                               const uint8_t *residual, uint8_t *output) {
  const rn_scale_q8_args *a = &s->args;
  __m128 t[4], r[4];
  centred16(input, a->input_lower, s->input_zero, t);
  RN_UNROLL for (uint32_t i = 0; i < 4; i++) {
    t[i] = _mm_mul_ps(t[i], _mm_loadu_ps(a->multiplier + c + 4 * i));
    t[i] = _mm_add_ps(t[i], _mm_loadu_ps(a->offset + c + 4 * i));
  }
  if (residual) {
    centred16(residual, a->residual_lower, s->residual_zero, r);
    RN_UNROLL for (uint32_t i = 0; i < 4; i++) t[i] =
        _mm_add_ps(t[i], _mm_mul_ps(r[i], s->residual_multiplier));
  }
  if (a->slope)
    RN_UNROLL for (uint32_t i = 0; i < 4; i++) t[i] = with_slope(t[i], a->slope + c + 4 * i);
  // What is above the range is clamped here, since the conversion wraps; what is below it, and a
  // NaN, stays below it. In this order: MINPS returns its second operand for a NaN.
  __m128i q[4], words[2];
  RN_UNROLL for (uint32_t i = 0; i < 4; i++) q[i] = _mm_cvtps_epi32(_mm_min_ps(s->high, t[i]));
  if (a->output_lower) {
    RN_UNROLL for (uint32_t i = 0; i < 2; i++) {
      words[i] = _mm_packus_epi32(_mm_add_epi32(q[2 * i], s->output_zero),
                                  _mm_add_epi32(q[2 * i + 1], s->output_zero));
      words[i] = _mm_max_epu16(words[i], s->low);
    }
    const __m128i mask = _mm_set1_epi16(255);
    const __m128i lower =
        _mm_packus_epi16(_mm_and_si128(words[0], mask), _mm_and_si128(words[1], mask));
    _mm_storeu_si128((__m128i *)(output + a->output_lower), lower);
    RN_UNROLL for (uint32_t i = 0; i < 2; i++) words[i] = _mm_srli_epi16(words[i], 8);
  } else {
    RN_UNROLL for (uint32_t i = 0; i < 2; i++) {
      words[i] = _mm_adds_epi16(_mm_packs_epi32(q[2 * i], q[2 * i + 1]), s->output_zero);
      words[i] = _mm_max_epi16(words[i], s->low);
    }
  }
  _mm_storeu_si128((__m128i *)output, _mm_packus_epi16(words[0], words[1]));
}

RN_ALWAYS_INLINE void rows_q8(scale_q8 s, uint32_t first_row, uint32_t last_row) {
#define BLOCKS(a, c, input, residual, output, n) block_q8(&s, c, input, residual, output)
  RN_SCALE_EACH(&s.args, first_row, last_row, 1, BLOCKS)
#undef BLOCKS
}

void rn_scale_q8_sse42(const rn_scale_q8_args *a, uint32_t first_row, uint32_t last_row) {
  // Rounding is monotonic, so clamping to the rounded lower bound is the same before and after it.
  const int32_t low = _mm_cvtss_si32(_mm_set_ss(a->low)) + a->output_zero;
  scale_q8 s = {
      .args = *a,
      .high = _mm_set1_ps(a->high),
      .residual_multiplier = _mm_set1_ps(a->residual_multiplier),
      .input_zero = _mm_set1_ps(0x1p23f + (float)a->input_zero),
      .residual_zero = _mm_set1_ps(0x1p23f + (float)a->residual_zero),
      .output_zero = a->output_lower ? _mm_set1_epi32(a->output_zero)
                                     : _mm_set1_epi16((int16_t)a->output_zero),
      .low = _mm_set1_epi16((int16_t)low),
  };
  // Of bytes alone, loops without the branches.
  if (a->input_lower || a->residual_lower || a->output_lower) {
    rows_q8(s, first_row, last_row);
  } else {
    s.args.input_lower = s.args.residual_lower = s.args.output_lower = 0;
    rows_q8(s, first_row, last_row);
  }
}

RN_ALWAYS_INLINE void block_f32(const rn_scale_f32_args *a, uint32_t c, const float *input,
                                const float *residual, float *output) {
  const __m128 low = _mm_set1_ps(a->low), high = _mm_set1_ps(a->high);
  __m128 t[4];
  RN_UNROLL for (uint32_t i = 0; i < 4; i++) {
    t[i] = _mm_mul_ps(_mm_loadu_ps(input + 4 * i), _mm_loadu_ps(a->multiplier + c + 4 * i));
    t[i] = _mm_add_ps(t[i], _mm_loadu_ps(a->offset + c + 4 * i));
  }
  if (residual)
    RN_UNROLL for (uint32_t i = 0; i < 4; i++) t[i] =
        _mm_add_ps(t[i], _mm_loadu_ps(residual + 4 * i));
  if (a->slope)
    RN_UNROLL for (uint32_t i = 0; i < 4; i++) t[i] = with_slope(t[i], a->slope + c + 4 * i);
  // In this order: MAXPS and MINPS return their second operand for a NaN and for two zeros.
  RN_UNROLL for (uint32_t i = 0; i < 4; i++)
      _mm_storeu_ps(output + 4 * i, _mm_min_ps(_mm_max_ps(t[i], low), high));
}

void rn_scale_f32_sse42(const rn_scale_f32_args *args, uint32_t first_row, uint32_t last_row) {
  const rn_scale_f32_args a = *args;
#define BLOCKS(a, c, input, residual, output, n) block_f32(a, c, input, residual, output)
  RN_SCALE_EACH(&a, first_row, last_row, 1, BLOCKS)
#undef BLOCKS
}

RN_TARGET_POP
#endif
