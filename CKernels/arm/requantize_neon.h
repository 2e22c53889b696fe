// SPDX-License-Identifier: Apache-2.0
// The epilogue of the int8 convolutions. Included by kernel files within their target, after the
// intrinsics. Twin: rn_requantize_ref
#ifndef RN_REQUANTIZE_NEON_H
#define RN_REQUANTIZE_NEON_H

#include "../common/channel_order.h"
#include "../common/rn_target.h"
#include "zeros_neon.h"
#include <arm_neon.h>

#pragma STDC FP_CONTRACT OFF

typedef struct requantizer {
  float32x4_t multiplier[4], low, high, residual_multiplier;
  int16x8_t residual_zero, output_zero;
  ptrdiff_t output_lower, residual_lower;
} requantizer;

// The constants of the channels from oc on, read once: the stores might alias the arguments.
RN_ALWAYS_INLINE requantizer requantizer_of(const rn_conv_q8_args *a, uint32_t oc) {
  requantizer r = {.low = vdupq_n_f32(a->low),
                   .high = vdupq_n_f32(a->high),
                   .residual_multiplier = vdupq_n_f32(a->residual_multiplier),
                   .residual_zero = zeros_of(a->residual_zero),
                   .output_zero = vdupq_n_s16((int16_t)a->output_zero),
                   .output_lower = a->output_lower,
                   .residual_lower = a->residual_lower};
  RN_UNROLL for (uint32_t i = 0; i < 4; i++) r.multiplier[i] =
      vld1q_f32(a->multiplier + oc + 4 * i);
  return r;
}

// The constants that are the same for all channels.
typedef struct requantization {
  float32x4_t low, high, residual_multiplier;
  int16x8_t residual_zero, output_zero;
} requantization;

RN_ALWAYS_INLINE requantization requantization_of(const rn_conv_q8_args *a) {
  return (requantization){.low = vdupq_n_f32(a->low),
                          .high = vdupq_n_f32(a->high),
                          .residual_multiplier = vdupq_n_f32(a->residual_multiplier),
                          .residual_zero = zeros_of(a->residual_zero),
                          .output_zero = vdupq_n_s16((int16_t)a->output_zero)};
}

// 16 bytes of a residual, of 16 bits if there are lower ones, as words.
RN_ALWAYS_INLINE void residual_words(int8x16_t upper, int8x16_t lower, const int has_lower,
                                     int16x8_t words[2]) {
  words[0] =
      has_lower ? vreinterpretq_s16_s8(vzip1q_s8(lower, upper)) : vmovl_s8(vget_low_s8(upper));
  words[1] = has_lower ? vreinterpretq_s16_s8(vzip2q_s8(lower, upper)) : vmovl_high_s8(upper);
}

// Multiplies 16 sums, biases included, in four vectors, adds the residual's words if there are any,
// clamps, rounds and adds the output's zero: to words.
RN_ALWAYS_INLINE void requantized_words(const float32x4_t multiplier[4], float32x4_t low,
                                        float32x4_t high, float32x4_t residual_multiplier,
                                        int16x8_t residual_zero, int16x8_t output_zero,
                                        const int32x4_t acc[4], const int16x8_t *residual,
                                        int16x8_t words[2]) {
  int32x4_t q[4];
  RN_UNROLL for (uint32_t i = 0; i < 4; i++) {
    float32x4_t t = vmulq_f32(vcvtq_f32_s32(acc[i]), multiplier[i]);
    if (residual) {
      const int16x8_t half = residual[i / 2];
      const int32x4_t centred = i % 2 ? vsubl_high_s16(half, residual_zero)
                                      : vsubl_s16(vget_low_s16(half), vget_low_s16(residual_zero));
      t = vaddq_f32(t, vmulq_f32(vcvtq_f32_s32(centred), residual_multiplier));
    }
    // FMAXNM makes low of a NaN.
    t = vminnmq_f32(vmaxnmq_f32(t, low), high);
    q[i] = vcvtnq_s32_f32(t);
  }
  // Range: with the zero, q is in -128...127, of 16 bits in -32768...32767; without it, its lower
  // 16 bits will do.
  RN_UNROLL for (uint32_t i = 0; i < 2; i++) words[i] =
      vaddq_s16(vuzp1q_s16(vreinterpretq_s16_s32(q[2 * i]), vreinterpretq_s16_s32(q[2 * i + 1])),
                output_zero);
}

RN_ALWAYS_INLINE int8x16_t lower_bytes(const int16x8_t words[2]) {
  return vuzp1q_s8(vreinterpretq_s8_s16(words[0]), vreinterpretq_s8_s16(words[1]));
}

RN_ALWAYS_INLINE int8x16_t upper_bytes(const int16x8_t words[2]) {
  return vuzp2q_s8(vreinterpretq_s8_s16(words[0]), vreinterpretq_s8_s16(words[1]));
}

// The constants of bytes without a residual.
typedef struct byte_requantizer {
  int16x8_t zero;
  int8x16_t least, most; // of the output
} byte_requantizer;

RN_ALWAYS_INLINE byte_requantizer byte_requantizer_of(const rn_conv_q8_args *a) {
  return (byte_requantizer){.zero = vdupq_n_s16((int16_t)a->output_zero),
                            .least = vdupq_n_s8((int8_t)(vcvtns_s32_f32(a->low) + a->output_zero)),
                            .most = vdupq_n_s8((int8_t)(vcvtns_s32_f32(a->high) + a->output_zero))};
}

// Multiplies 16 sums, biases included, rounds, adds the output's zero and clamps: to bytes.
// Rounding keeps the order of numbers, so rounded bounds clamp as well afterwards; finite factors
// leave no NaN. Range: what int16 or int8 saturates is beyond the bounds, which are within
// -255...255 without the zero and within int8 with it.
RN_ALWAYS_INLINE int8x16_t requantized_bytes(const byte_requantizer *r,
                                             const float32x4_t multiplier[4],
                                             const int32x4_t acc[4]) {
  int32x4_t q[4];
  int16x8_t words[2];
  RN_UNROLL for (uint32_t i = 0; i < 4; i++) q[i] =
      vcvtnq_s32_f32(vmulq_f32(vcvtq_f32_s32(acc[i]), multiplier[i]));
  RN_UNROLL for (uint32_t i = 0; i < 2; i++) words[i] =
      vqaddq_s16(vqmovn_high_s32(vqmovn_s32(q[2 * i]), q[2 * i + 1]), r->zero);
  const int8x16_t bytes = vqmovn_high_s16(vqmovn_s16(words[0]), words[1]);
  return vminq_s8(vmaxq_s8(bytes, r->least), r->most);
}

// Takes bytes from the order of sums to that of channels, or back.
RN_ALWAYS_INLINE int8x16_t ordered(int8x16_t bytes, const order order, const int is_back) {
  static const uint8_t places[2][16] = {{RN_PLACES_OF_4}, {RN_PLACES_OF_8}};
  static const uint8_t channels[2][16] = {{RN_CHANNELS_OF_4}, {RN_CHANNELS_OF_8}};
  if (order == natural)
    return bytes;
  return vqtbl1q_s8(bytes, vld1q_u8((is_back ? channels : places)[order == order_of_8]));
}

// Requantizes 16 sums, biases included, and stores 16 bytes, and as many lower ones if there are
// any.
RN_ALWAYS_INLINE void requantize16(const requantizer *r, const int32x4_t acc[4],
                                   const int has_residual, const uint8_t *residual, uint8_t *output,
                                   const order order) {
  int16x8_t from[2], words[2];
  if (has_residual) {
    const int8x16_t upper = ordered(vld1q_s8((const int8_t *)residual), order, 1);
    if (r->residual_lower)
      residual_words(upper,
                     ordered(vld1q_s8((const int8_t *)residual + r->residual_lower), order, 1), 1,
                     from);
    else
      residual_words(upper, upper, 0, from);
  }
  requantized_words(r->multiplier, r->low, r->high, r->residual_multiplier, r->residual_zero,
                    r->output_zero, acc, has_residual ? from : 0, words);
  if (r->output_lower) {
    vst1q_s8((int8_t *)output + r->output_lower, ordered(lower_bytes(words), order, 0));
    vst1q_s8((int8_t *)output, ordered(upper_bytes(words), order, 0));
  } else {
    vst1q_s8((int8_t *)output, ordered(lower_bytes(words), order, 0));
  }
}

#endif
