// SPDX-License-Identifier: Apache-2.0
// Multiply peak of SDOT, 16 products, in registers, without loads. Twin: ref/peak_ref.c
#if defined(__aarch64__)
#include "../common/rn_target.h"
#include <arm_neon.h>

RN_TARGET_PUSH("dotprod")

enum { chains = 16 };

// Holds a vector in a register of its own and hides its value, or the loop would be folded.
#define RN_KEEP(vector) __asm__ volatile("" : "+w"(vector))

uint64_t rn_peak_q8_neondot(uint64_t iterations) {
  int8x16_t weights = vdupq_n_s8(1);
  int32x4_t chain[chains];
  RN_KEEP(weights);
  RN_UNROLL for (uint32_t i = 0; i < chains; i++) chain[i] = vdupq_n_s32(0);
  for (uint64_t n = 0; n < iterations; n++) {
    RN_UNROLL for (uint32_t i = 0; i < chains; i++) {
      chain[i] = vdotq_s32(chain[i], weights, weights);
      RN_KEEP(chain[i]);
    }
  }
  return iterations * chains * 16;
}

RN_TARGET_POP
#endif
