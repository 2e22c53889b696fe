// SPDX-License-Identifier: Apache-2.0
// Multiply peak of Armv8.0: SMLAL of 8 int8 and FMLA in registers, without loads.
// Twin: ref/peak_ref.c
#if defined(__aarch64__)
#include "../common/rn_target.h"
#include <arm_neon.h>

enum { chains = 16 };

// Holds a vector in a register of its own and hides its value, or the loop would be folded.
#define RN_KEEP(vector) __asm__ volatile("" : "+w"(vector))

uint64_t rn_peak_q8_neon(uint64_t iterations) {
  int8x8_t weights = vdup_n_s8(1);
  int16x8_t chain[chains];
  RN_KEEP(weights);
  RN_UNROLL for (uint32_t i = 0; i < chains; i++) chain[i] = vdupq_n_s16(0);
  for (uint64_t n = 0; n < iterations; n++) {
    RN_UNROLL for (uint32_t i = 0; i < chains; i++) {
      chain[i] = vmlal_s8(chain[i], weights, weights);
      RN_KEEP(chain[i]);
    }
  }
  return iterations * chains * 8;
}

uint64_t rn_peak_f32_neon(uint64_t iterations) {
  float32x4_t factor = vdupq_n_f32(1), chain[chains];
  RN_KEEP(factor);
  RN_UNROLL for (uint32_t i = 0; i < chains; i++) chain[i] = vdupq_n_f32(0);
  for (uint64_t n = 0; n < iterations; n++) {
    RN_UNROLL for (uint32_t i = 0; i < chains; i++) {
      chain[i] = vfmaq_f32(chain[i], factor, factor);
      RN_KEEP(chain[i]);
    }
  }
  return iterations * chains * 4;
}
#endif
