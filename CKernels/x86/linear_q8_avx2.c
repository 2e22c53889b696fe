// SPDX-License-Identifier: Apache-2.0
// The classifier, AVX2. Twin: ref/linear_q8_ref.c
//
// Each output is one chain of separate multiplications and additions, bound by the latency of the
// addition, so 4 blocks of 16 outputs go side by side: 8 chains of 8 lanes.
#if defined(__x86_64__)
#include "../common/rn_target.h"
#include <immintrin.h>

#pragma STDC FP_CONTRACT OFF

RN_TARGET_PUSH("avx2")

enum { max_blocks = 4 };

RN_ALWAYS_INLINE __m256 widened8(const int8_t *weights) {
  return _mm256_cvtepi32_ps(_mm256_cvtepi8_epi32(_mm_loadl_epi64((const __m128i *)weights)));
}

RN_ALWAYS_INLINE void store8(const rn_linear_q8_args *a, __m256 sum, uint32_t output) {
  const __m256 scaled = _mm256_mul_ps(sum, _mm256_loadu_ps(a->multiplier + output));
  _mm256_storeu_ps(a->logits + output, _mm256_add_ps(scaled, _mm256_loadu_ps(a->bias + output)));
}

RN_ALWAYS_INLINE void multiply(const rn_linear_q8_args *a, uint32_t block, const uint32_t blocks) {
  const size_t pitch = (size_t)a->inputs * RN_CHANNEL_BLOCK;
  const int8_t *weights = a->weights + block * pitch;
  __m256 sum[max_blocks][2];
  RN_UNROLL for (uint32_t b = 0; b < blocks; b++) {
    sum[b][0] = _mm256_setzero_ps();
    sum[b][1] = _mm256_setzero_ps();
  }
  for (uint32_t i = 0; i < a->inputs; i++, weights += RN_CHANNEL_BLOCK) {
    const __m256 feature = _mm256_broadcast_ss(a->features + i);
    RN_UNROLL for (uint32_t b = 0; b < blocks; b++) {
      const int8_t *w = weights + b * pitch;
      sum[b][0] = _mm256_add_ps(sum[b][0], _mm256_mul_ps(feature, widened8(w)));
      sum[b][1] = _mm256_add_ps(sum[b][1], _mm256_mul_ps(feature, widened8(w + 8)));
    }
  }
  RN_UNROLL for (uint32_t b = 0; b < blocks; b++) {
    store8(a, sum[b][0], (block + b) * RN_CHANNEL_BLOCK);
    store8(a, sum[b][1], (block + b) * RN_CHANNEL_BLOCK + 8);
  }
}

void rn_linear_q8_avx2(const rn_linear_q8_args *a, uint32_t first, uint32_t last) {
  for (; first + max_blocks <= last; first += max_blocks)
    multiply(a, first, max_blocks);
  for (; first < last; first++)
    multiply(a, first, 1);
}

RN_TARGET_POP
#endif
