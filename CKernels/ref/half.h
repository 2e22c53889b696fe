// SPDX-License-Identifier: Apache-2.0
// IEEE 754 binary16 to float32 and back, for CPUs without instructions for it.
#ifndef RN_HALF_H
#define RN_HALF_H

#include <stdint.h>
#include <string.h>

// Exact; the value is finite.
static inline float half_to_float(uint16_t half) {
  const uint32_t sign = (uint32_t)(half & 0x8000) << 16, magnitude = half & 0x7fff;
  // With the exponents in place the number is 2^112 too small; so a denormal becomes right as well.
  const uint32_t bits = sign | magnitude << 13;
  float value;
  memcpy(&value, &bits, sizeof value);
  return value * 0x1p112f;
}

// Rounds half to even and keeps denormals; what rounds beyond 65504 becomes infinity, a NaN stays.
static inline uint16_t float_to_half(float value) {
  uint32_t bits;
  memcpy(&bits, &value, sizeof bits);
  const uint16_t sign = (uint16_t)(bits >> 16 & 0x8000);
  uint32_t magnitude = bits & 0x7fffffff;
  if (magnitude > 0x7f800000)
    return sign | 0x7e00;
  if (magnitude >= 0x477ff000) // 65520, halfway to the next
    return sign | 0x7c00;
  if (magnitude < 0x38800000) { // 2^-14: adding 0.5 leaves a last bit of 2^-24
    float small;
    memcpy(&small, &magnitude, sizeof small);
    small += 0.5f;
    memcpy(&magnitude, &small, sizeof magnitude);
    return sign | (uint16_t)(magnitude - 0x3f000000);
  }
  magnitude += 0xfff + (magnitude >> 13 & 1);
  return sign | (uint16_t)((magnitude >> 13) - (112 << 10));
}

#endif
