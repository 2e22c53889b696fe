// SPDX-License-Identifier: Apache-2.0
// Scale and offset of channels, AVX-512: 64 channels at a time. Twin: ref/scale_ref.c
//
//   t 0 ... t 3    16 channels each, from the bytes to the clamp
//   words 0, 1     packed within lanes: t0 lane 0, t1 lane 0 | t0 lane 1, t1 lane 1 | ...
//   bytes          dword 4 l + i has the channels of lane l of t i, and is put in order
#if defined(__x86_64__)
#include "../common/scale.h"
#include <immintrin.h>

#pragma STDC FP_CONTRACT OFF

RN_TARGET_PUSH("avx512f,avx512bw")

enum { most_blocks = 4 };

// The arguments, which the stores cannot alias, and their constants.
typedef struct scale_q8 {
  rn_scale_q8_args args;
  __m512 high, residual_multiplier;
  __m512i input_zero, residual_zero, output_zero, low, order;
} scale_q8;

RN_ALWAYS_INLINE __m512 centred16(const uint8_t *bytes, ptrdiff_t lower, __m512i zero) {
  __m512i x = _mm512_cvtepu8_epi32(_mm_loadu_si128((const __m128i *)bytes));
  if (lower) {
    const __m128i below = _mm_loadu_si128((const __m128i *)(bytes + lower));
    x = _mm512_or_si512(_mm512_slli_epi32(x, 8), _mm512_cvtepu8_epi32(below));
  }
  return _mm512_cvtepi32_ps(_mm512_sub_epi32(x, zero));
}

RN_ALWAYS_INLINE void store(__m512i words0, __m512i words1, __m512i order, uint8_t *output,
                            const uint32_t blocks) {
  const __m512i bytes = _mm512_permutexvar_epi32(order, _mm512_packus_epi16(words0, words1));
  if (blocks == 4)
    _mm512_storeu_si512(output, bytes);
  else
    _mm_storeu_si128((__m128i *)output, _mm512_castsi512_si128(bytes));
}

RN_ALWAYS_INLINE __m512 with_slope(__m512 t, const float *slope) {
  const __mmask16 is_below = _mm512_cmp_ps_mask(t, _mm512_setzero_ps(), _CMP_LT_OQ);
  return _mm512_mask_mul_ps(t, is_below, t, _mm512_loadu_ps(slope));
}

// 4 blocks, or 1.
RN_ALWAYS_INLINE void blocks_q8(const scale_q8 *s, uint32_t c, const uint8_t *input,
                                const uint8_t *residual, uint8_t *output, const uint32_t blocks) {
  const rn_scale_q8_args *a = &s->args;
  __m512 t[most_blocks];
  RN_UNROLL for (uint32_t i = 0; i < blocks; i++) {
    const __m512 x = centred16(input + 16 * i, a->input_lower, s->input_zero);
    t[i] = _mm512_mul_ps(x, _mm512_loadu_ps(a->multiplier + c + 16 * i));
    t[i] = _mm512_add_ps(t[i], _mm512_loadu_ps(a->offset + c + 16 * i));
  }
  if (residual)
    RN_UNROLL for (uint32_t i = 0; i < blocks; i++) {
      const __m512 r = centred16(residual + 16 * i, a->residual_lower, s->residual_zero);
      t[i] = _mm512_add_ps(t[i], _mm512_mul_ps(r, s->residual_multiplier));
    }
  if (a->slope)
    RN_UNROLL for (uint32_t i = 0; i < blocks; i++) t[i] = with_slope(t[i], a->slope + c + 16 * i);
  // What is above the range is clamped here, since the conversion wraps; what is below it, and a
  // NaN, stays below it. In this order: MINPS returns its second operand for a NaN.
  __m512i q[most_blocks], words[2];
  RN_UNROLL for (uint32_t i = 0; i < blocks; i++) q[i] =
      _mm512_cvtps_epi32(_mm512_min_ps(s->high, t[i]));
  if (a->output_lower) {
    const __m512i mask = _mm512_set1_epi16(255);
    __m512i upper[2], lower[2];
    RN_UNROLL for (uint32_t i = 0; i < blocks; i++) q[i] = _mm512_add_epi32(q[i], s->output_zero);
    RN_UNROLL for (uint32_t i = 0; i < (blocks + 1) / 2; i++) {
      words[i] = _mm512_packus_epi32(q[2 * i], q[(2 * i + 1) % blocks]);
      words[i] = _mm512_max_epu16(words[i], s->low);
      upper[i] = _mm512_srli_epi16(words[i], 8);
      lower[i] = _mm512_and_si512(words[i], mask);
    }
    store(upper[0], upper[blocks / 4], s->order, output, blocks);
    store(lower[0], lower[blocks / 4], s->order, output + a->output_lower, blocks);
  } else {
    RN_UNROLL for (uint32_t i = 0; i < (blocks + 1) / 2; i++) {
      words[i] = _mm512_packs_epi32(q[2 * i], q[(2 * i + 1) % blocks]);
      words[i] = _mm512_max_epi16(_mm512_adds_epi16(words[i], s->output_zero), s->low);
    }
    store(words[0], words[blocks / 4], s->order, output, blocks);
  }
}

RN_ALWAYS_INLINE void rows_q8(scale_q8 s, uint32_t first_row, uint32_t last_row) {
#define BLOCKS(a, c, input, residual, output, n) blocks_q8(&s, c, input, residual, output, n)
  RN_SCALE_EACH(&s.args, first_row, last_row, most_blocks, BLOCKS)
#undef BLOCKS
}

void rn_scale_q8_avx512vnni(const rn_scale_q8_args *a, uint32_t first_row, uint32_t last_row) {
  // Rounding is monotonic, so clamping to the rounded lower bound is the same before and after it.
  const int32_t low = _mm_cvtss_si32(_mm_set_ss(a->low)) + a->output_zero;
  scale_q8 s = {
      .args = *a,
      .high = _mm512_set1_ps(a->high),
      .residual_multiplier = _mm512_set1_ps(a->residual_multiplier),
      .input_zero = _mm512_set1_epi32(a->input_zero),
      .residual_zero = _mm512_set1_epi32(a->residual_zero),
      .output_zero = a->output_lower ? _mm512_set1_epi32(a->output_zero)
                                     : _mm512_set1_epi16((int16_t)a->output_zero),
      .low = _mm512_set1_epi16((int16_t)low),
      .order = _mm512_setr_epi32(0, 4, 8, 12, 1, 5, 9, 13, 2, 6, 10, 14, 3, 7, 11, 15),
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
  const __m512 low = _mm512_set1_ps(a->low), high = _mm512_set1_ps(a->high);
  __m512 t[most_blocks];
  RN_UNROLL for (uint32_t i = 0; i < blocks; i++) {
    const __m512 factor = _mm512_loadu_ps(a->multiplier + c + 16 * i);
    t[i] = _mm512_mul_ps(_mm512_loadu_ps(input + 16 * i), factor);
    t[i] = _mm512_add_ps(t[i], _mm512_loadu_ps(a->offset + c + 16 * i));
  }
  if (residual)
    RN_UNROLL for (uint32_t i = 0; i < blocks; i++) t[i] =
        _mm512_add_ps(t[i], _mm512_loadu_ps(residual + 16 * i));
  if (a->slope)
    RN_UNROLL for (uint32_t i = 0; i < blocks; i++) t[i] = with_slope(t[i], a->slope + c + 16 * i);
  // In this order: MAXPS and MINPS return their second operand for a NaN and for two zeros.
  RN_UNROLL for (uint32_t i = 0; i < blocks; i++)
      _mm512_storeu_ps(output + 16 * i, _mm512_min_ps(_mm512_max_ps(t[i], low), high));
}

void rn_scale_f32_avx512vnni(const rn_scale_f32_args *args, uint32_t first_row, uint32_t last_row) {
  const rn_scale_f32_args a = *args;
  RN_SCALE_EACH(&a, first_row, last_row, most_blocks, blocks_f32)
}

RN_TARGET_POP
#endif
