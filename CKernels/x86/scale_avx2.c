// SPDX-License-Identifier: Apache-2.0
// Scale and offset of channels, AVX2: 32 channels at a time. Twin: ref/scale_ref.c
//
//   t 0 ... t 3    8 channels each, from the bytes to the clamp
//   words 0, 1     packed within halves: t0 low half, t1 low half | t0 high half, t1 high half
//   bytes          dword 4 h + i has the channels of half h of t i, and is put in order
#if defined(__x86_64__)
#include "../common/scale.h"
#include <immintrin.h>

#pragma STDC FP_CONTRACT OFF

RN_TARGET_PUSH("avx2")

enum { most_blocks = 2, most_vectors = 2 * most_blocks };

// The arguments, which the stores cannot alias, and their constants.
typedef struct scale_q8 {
  rn_scale_q8_args args;
  __m256 high, residual_multiplier;
  __m256i input_zero, residual_zero, output_zero, low, order;
} scale_q8;

RN_ALWAYS_INLINE __m256 centred8(const uint8_t *bytes, ptrdiff_t lower, __m256i zero) {
  const __m128i upper = _mm_loadl_epi64((const __m128i *)bytes);
  __m256i x = _mm256_cvtepu8_epi32(upper);
  if (lower) {
    const __m128i below = _mm_loadl_epi64((const __m128i *)(bytes + lower));
    x = _mm256_cvtepu16_epi32(_mm_unpacklo_epi8(below, upper));
  }
  return _mm256_cvtepi32_ps(_mm256_sub_epi32(x, zero));
}

RN_ALWAYS_INLINE void store(__m256i words0, __m256i words1, __m256i order, uint8_t *output,
                            const uint32_t blocks) {
  const __m256i bytes = _mm256_permutevar8x32_epi32(_mm256_packus_epi16(words0, words1), order);
  if (blocks == 2)
    _mm256_storeu_si256((__m256i *)output, bytes);
  else
    _mm_storeu_si128((__m128i *)output, _mm256_castsi256_si128(bytes));
}

RN_ALWAYS_INLINE __m256 with_slope(__m256 t, const float *slope) {
  const __m256 below = _mm256_mul_ps(t, _mm256_loadu_ps(slope));
  return _mm256_blendv_ps(t, below, _mm256_cmp_ps(t, _mm256_setzero_ps(), _CMP_LT_OQ));
}

RN_ALWAYS_INLINE void blocks_q8(const scale_q8 *s, uint32_t c, const uint8_t *input,
                                const uint8_t *residual, uint8_t *output, const uint32_t blocks) {
  const rn_scale_q8_args *a = &s->args;
  __m256 t[most_vectors];
  RN_UNROLL for (uint32_t i = 0; i < 2 * blocks; i++) {
    const __m256 x = centred8(input + 8 * i, a->input_lower, s->input_zero);
    t[i] = _mm256_mul_ps(x, _mm256_loadu_ps(a->multiplier + c + 8 * i));
    t[i] = _mm256_add_ps(t[i], _mm256_loadu_ps(a->offset + c + 8 * i));
  }
  if (residual)
    RN_UNROLL for (uint32_t i = 0; i < 2 * blocks; i++) {
      const __m256 r = centred8(residual + 8 * i, a->residual_lower, s->residual_zero);
      t[i] = _mm256_add_ps(t[i], _mm256_mul_ps(r, s->residual_multiplier));
    }
  if (a->slope)
    RN_UNROLL for (uint32_t i = 0; i < 2 * blocks; i++) t[i] =
        with_slope(t[i], a->slope + c + 8 * i);
  // What is above the range is clamped here, since the conversion wraps; what is below it, and a
  // NaN, stays below it. In this order: MINPS returns its second operand for a NaN.
  __m256i q[most_vectors], words[most_blocks];
  RN_UNROLL for (uint32_t i = 0; i < 2 * blocks; i++) q[i] =
      _mm256_cvtps_epi32(_mm256_min_ps(s->high, t[i]));
  if (a->output_lower) {
    const __m256i mask = _mm256_set1_epi16(255);
    __m256i upper[most_blocks], lower[most_blocks];
    RN_UNROLL for (uint32_t i = 0; i < blocks; i++) {
      words[i] = _mm256_packus_epi32(_mm256_add_epi32(q[2 * i], s->output_zero),
                                     _mm256_add_epi32(q[2 * i + 1], s->output_zero));
      words[i] = _mm256_max_epu16(words[i], s->low);
      upper[i] = _mm256_srli_epi16(words[i], 8);
      lower[i] = _mm256_and_si256(words[i], mask);
    }
    store(upper[0], upper[blocks - 1], s->order, output, blocks);
    store(lower[0], lower[blocks - 1], s->order, output + a->output_lower, blocks);
  } else {
    RN_UNROLL for (uint32_t i = 0; i < blocks; i++) {
      words[i] = _mm256_packs_epi32(q[2 * i], q[2 * i + 1]);
      words[i] = _mm256_max_epi16(_mm256_adds_epi16(words[i], s->output_zero), s->low);
    }
    store(words[0], words[blocks - 1], s->order, output, blocks);
  }
}

RN_ALWAYS_INLINE void rows_q8(scale_q8 s, uint32_t first_row, uint32_t last_row) {
#define BLOCKS(a, c, input, residual, output, n) blocks_q8(&s, c, input, residual, output, n)
  RN_SCALE_EACH(&s.args, first_row, last_row, most_blocks, BLOCKS)
#undef BLOCKS
}

void rn_scale_q8_avx2(const rn_scale_q8_args *a, uint32_t first_row, uint32_t last_row) {
  // Rounding is monotonic, so clamping to the rounded lower bound is the same before and after it.
  const int32_t low = _mm_cvtss_si32(_mm_set_ss(a->low)) + a->output_zero;
  scale_q8 s = {
      .args = *a,
      .high = _mm256_set1_ps(a->high),
      .residual_multiplier = _mm256_set1_ps(a->residual_multiplier),
      .input_zero = _mm256_set1_epi32(a->input_zero),
      .residual_zero = _mm256_set1_epi32(a->residual_zero),
      .output_zero = a->output_lower ? _mm256_set1_epi32(a->output_zero)
                                     : _mm256_set1_epi16((int16_t)a->output_zero),
      .low = _mm256_set1_epi16((int16_t)low),
      .order = _mm256_setr_epi32(0, 4, 1, 5, 2, 6, 3, 7),
  };
  // Of bytes alone, loops without the branches.
  if (a->input_lower || a->residual_lower || a->output_lower) {
    rows_q8(s, first_row, last_row);
  } else {
    s.args.input_lower = s.args.residual_lower = s.args.output_lower = 0;
    rows_q8(s, first_row, last_row);
  }
}

RN_ALWAYS_INLINE void blocks_f32(const rn_scale_f32_args *a, uint32_t c, const float *input,
                                 const float *residual, float *output, const uint32_t blocks) {
  const __m256 low = _mm256_set1_ps(a->low), high = _mm256_set1_ps(a->high);
  __m256 t[most_vectors];
  RN_UNROLL for (uint32_t i = 0; i < 2 * blocks; i++) {
    const __m256 factor = _mm256_loadu_ps(a->multiplier + c + 8 * i);
    t[i] = _mm256_mul_ps(_mm256_loadu_ps(input + 8 * i), factor);
    t[i] = _mm256_add_ps(t[i], _mm256_loadu_ps(a->offset + c + 8 * i));
  }
  if (residual)
    RN_UNROLL for (uint32_t i = 0; i < 2 * blocks; i++) t[i] =
        _mm256_add_ps(t[i], _mm256_loadu_ps(residual + 8 * i));
  if (a->slope)
    RN_UNROLL for (uint32_t i = 0; i < 2 * blocks; i++) t[i] =
        with_slope(t[i], a->slope + c + 8 * i);
  // In this order: MAXPS and MINPS return their second operand for a NaN and for two zeros.
  RN_UNROLL for (uint32_t i = 0; i < 2 * blocks; i++)
      _mm256_storeu_ps(output + 8 * i, _mm256_min_ps(_mm256_max_ps(t[i], low), high));
}

void rn_scale_f32_avx2(const rn_scale_f32_args *args, uint32_t first_row, uint32_t last_row) {
  const rn_scale_f32_args a = *args;
  RN_SCALE_EACH(&a, first_row, last_row, most_blocks, blocks_f32)
}

RN_TARGET_POP
#endif
