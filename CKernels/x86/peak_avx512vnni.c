// SPDX-License-Identifier: Apache-2.0
// Multiply peak of AVX-512 VNNI: the convolutions' best instruction in registers, without loads.
// Twin: ref/peak_ref.c
//
// 24 independent accumulators, more than latency 4 at two a cycle needs. An empty asm statement
// holds each vector in a register of its own and hides its value: otherwise the compiler folds the
// loop, and makes an addition of a multiplication by 1.
#if defined(__x86_64__)
#include "../common/rn_target.h"
#include <immintrin.h>

RN_TARGET_PUSH("avx512f,avx512bw,avx512vl,avx512vnni")

enum { chains = 24 };

#define RN_KEEP(vector) __asm__ volatile("" : "+v"(vector))

uint64_t rn_peak_q8_avx512vnni(uint64_t iterations) {
  __m512i pixel = _mm512_set1_epi8(1), weights = _mm512_set1_epi8(1), acc[chains];
  RN_UNROLL for (uint32_t i = 0; i < chains; i++) acc[i] = _mm512_setzero_si512();
  RN_KEEP(pixel);
  RN_KEEP(weights);
  for (uint64_t n = 0; n < iterations; n++) {
    RN_UNROLL for (uint32_t i = 0; i < chains; i++) {
      acc[i] = _mm512_dpbusd_epi32(acc[i], pixel, weights);
      RN_KEEP(acc[i]);
    }
  }
  return iterations * chains * 64;
}

uint64_t rn_peak_f32_avx512vnni(uint64_t iterations) {
  __m512 pixel = _mm512_set1_ps(1), weights = _mm512_set1_ps(1), acc[chains];
  RN_UNROLL for (uint32_t i = 0; i < chains; i++) acc[i] = _mm512_setzero_ps();
  RN_KEEP(pixel);
  RN_KEEP(weights);
  for (uint64_t n = 0; n < iterations; n++) {
    RN_UNROLL for (uint32_t i = 0; i < chains; i++) {
      acc[i] = _mm512_fmadd_ps(pixel, weights, acc[i]);
      RN_KEEP(acc[i]);
    }
  }
  return iterations * chains * 16;
}

RN_TARGET_POP
#endif
