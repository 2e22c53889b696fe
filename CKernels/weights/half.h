// SPDX-License-Identifier: Apache-2.0
// IEEE 754 binary16 to float32 and back, also for CPUs without instructions for it.
#ifndef RN_HALF_H
#define RN_HALF_H

#include <stdint.h>
#include <string.h>

// Exact; the value is finite.
static inline float half_to_float(uint16_t half) {
#if defined(__aarch64__)
  __fp16 number;
  memcpy(&number, &half, sizeof number);
  return number;
#else
  const uint32_t sign = (uint32_t)(half & 0x8000) << 16, magnitude = half & 0x7fff;
  // With the exponents in place the number is 2^112 too small; so a denormal becomes right as well.
  const uint32_t bits = sign | magnitude << 13;
  float value;
  memcpy(&value, &bits, sizeof value);
  return value * 0x1p112f;
#endif
}

// Rounds half to even and keeps denormals; what rounds beyond 65504 becomes infinity, a NaN stays.
static inline uint16_t float_to_half(float value) {
#if defined(__aarch64__)
  const __fp16 number = (__fp16)value;
  uint16_t half;
  memcpy(&half, &number, sizeof half);
  return half;
#else
  uint32_t bits;
  memcpy(&bits, &value, sizeof bits);
  const uint32_t sign = bits >> 16 & 0x8000, magnitude = bits & 0x7fffffff;
  // All cases and then a choice, so that loops become vectors.
  const uint32_t normal = ((magnitude + 0xfff + (magnitude >> 13 & 1)) >> 13) - (112 << 10);
  float small;
  memcpy(&small, &magnitude, sizeof small);
  small += 0.5f; // below 2^-14, which leaves a last bit of 2^-24
  uint32_t denormal;
  memcpy(&denormal, &small, sizeof denormal);
  uint32_t half = magnitude < 0x38800000 ? denormal - 0x3f000000 : normal;
  half = magnitude >= 0x477ff000 ? 0x7c00 : half; // 65520, halfway to the next
  half = magnitude > 0x7f800000 ? 0x7e00 : half;
  return (uint16_t)(sign | half);
#endif
}

#endif
