// SPDX-License-Identifier: Apache-2.0
// Multiply peak of SSE4.2: PMADDWD, 8 products of int16, in registers, without loads.
// Twin: ref/peak_ref.c
#if defined(__x86_64__)
#include "../common/rn_target.h"
#include <smmintrin.h>

RN_TARGET_PUSH("sse4.1")

enum { chains = 12 };

// Holds a vector in a register of its own and hides its value, or the loop would be folded.
#define RN_KEEP(vector) __asm__ volatile("" : "+x"(vector))

uint64_t rn_peak_q8_sse42(uint64_t iterations) {
  __m128i weights = _mm_set1_epi16(1), chain[chains];
  RN_KEEP(weights);
  RN_UNROLL for (uint32_t i = 0; i < chains; i++) chain[i] = _mm_setzero_si128();
  for (uint64_t n = 0; n < iterations; n++) {
    RN_UNROLL for (uint32_t i = 0; i < chains; i++) {
      chain[i] = _mm_madd_epi16(chain[i], weights);
      RN_KEEP(chain[i]);
    }
  }
  return iterations * chains * 8;
}

RN_TARGET_POP
#endif
