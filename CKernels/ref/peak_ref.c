// SPDX-License-Identifier: Apache-2.0
// Multiply peak of portable C: what the compiler makes of a loop without loads.
#include "../common/rn_declarations.h"

#pragma STDC FP_CONTRACT OFF

enum { lanes = 32 };

// The factor of a step, which the compiler must not know or it would multiply only once.
#define RN_UNKNOWN(value) __asm__ volatile("" : "+r"(value))
#define RN_USE(array) __asm__ volatile("" : : "m"(array))

uint64_t rn_peak_q8_ref(uint64_t iterations) {
  uint32_t acc[lanes] = {0};
  for (uint64_t i = 0; i < iterations; i++) {
    uint32_t pixel = 255;
    RN_UNKNOWN(pixel);
    for (int32_t lane = 0; lane < lanes; lane++)
      acc[lane] += (uint32_t)((uint8_t)pixel * (2 * lane - lanes + 1));
  }
  RN_USE(acc);
  return iterations * lanes;
}

uint64_t rn_peak_f32_ref(uint64_t iterations) {
  float acc[lanes] = {0};
  for (uint64_t i = 0; i < iterations; i++) {
    int32_t pixel = 1;
    RN_UNKNOWN(pixel);
    const float factor = (float)pixel;
    for (int32_t lane = 0; lane < lanes; lane++)
      acc[lane] = acc[lane] + factor * (float)(2 * lane - lanes + 1);
  }
  RN_USE(acc);
  return iterations * lanes;
}
