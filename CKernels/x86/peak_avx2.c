// SPDX-License-Identifier: Apache-2.0
// Multiply peak of AVX2: VPMADDWD, 16 products of int16, and VFMADD231PS in registers, without
// loads. Twin: ref/peak_ref.c
//
// 12 independent chains, more than latency 5 at two a cycle needs. An empty asm statement holds
// each in a register of its own and hides its value, or the compiler would fold the loop.
#if defined(__x86_64__)
#include "../common/rn_target.h"
#include <immintrin.h>

RN_TARGET_PUSH("avx2,fma")

enum { chains = 12 };

#define RN_KEEP(vector) __asm__ volatile("" : "+x"(vector))

uint64_t rn_peak_q8_avx2(uint64_t iterations) {
  __m256i weights = _mm256_set1_epi16(1), chain[chains];
  RN_KEEP(weights);
  RN_UNROLL for (uint32_t i = 0; i < chains; i++) chain[i] = _mm256_setzero_si256();
  for (uint64_t n = 0; n < iterations; n++) {
    RN_UNROLL for (uint32_t i = 0; i < chains; i++) {
      chain[i] = _mm256_madd_epi16(chain[i], weights);
      RN_KEEP(chain[i]);
    }
  }
  return iterations * chains * 16;
}

uint64_t rn_peak_f32_avx2(uint64_t iterations) {
  __m256 pixel = _mm256_set1_ps(1), weights = _mm256_set1_ps(1), chain[chains];
  RN_KEEP(pixel);
  RN_KEEP(weights);
  RN_UNROLL for (uint32_t i = 0; i < chains; i++) chain[i] = _mm256_setzero_ps();
  for (uint64_t n = 0; n < iterations; n++) {
    RN_UNROLL for (uint32_t i = 0; i < chains; i++) {
      chain[i] = _mm256_fmadd_ps(pixel, weights, chain[i]);
      RN_KEEP(chain[i]);
    }
  }
  return iterations * chains * 8;
}

RN_TARGET_POP
#endif
