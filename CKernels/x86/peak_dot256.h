// SPDX-License-Identifier: Apache-2.0
// Multiply peak of 256-bit VPDPBUSD, for both encodings of the instruction. The including file
// targets an instruction set and defines RN_DOT256(sums, pixels, weights).
//
// 12 independent accumulators, more than latency 5 at two a cycle needs. An empty asm statement
// holds each vector in a register of its own and hides its value, or the loop would be folded.
#ifndef RN_PEAK_DOT256_H
#define RN_PEAK_DOT256_H

#include "../common/rn_target.h"
#include <immintrin.h>

enum { chains = 12 };

#define RN_KEEP(vector) __asm__ volatile("" : "+x"(vector))

RN_ALWAYS_INLINE uint64_t peak_q8_dot256(uint64_t iterations) {
  __m256i pixel = _mm256_set1_epi8(1), weights = _mm256_set1_epi8(1), acc[chains];
  RN_UNROLL for (uint32_t i = 0; i < chains; i++) acc[i] = _mm256_setzero_si256();
  RN_KEEP(pixel);
  RN_KEEP(weights);
  for (uint64_t n = 0; n < iterations; n++) {
    RN_UNROLL for (uint32_t i = 0; i < chains; i++) {
      acc[i] = RN_DOT256(acc[i], pixel, weights);
      RN_KEEP(acc[i]);
    }
  }
  return iterations * chains * 32;
}

#endif
