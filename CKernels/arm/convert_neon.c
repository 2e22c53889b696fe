// SPDX-License-Identifier: Apache-2.0
// Conversions between int8 and float32 activations: 16 channels at a time. Twin: ref/convert_ref.c
#if defined(__aarch64__)
#include "../common/rn_target.h"
#include <arm_neon.h>

void rn_dequantize_neon(const rn_convert_args *a, const uint8_t *stored, float *values) {
  const uint8x16_t flip = vdupq_n_u8(a->flip);
  const uint16x8_t zero = vdupq_n_u16((uint16_t)a->zero);
  for (uint32_t p = 0; p < a->pixels; p++) {
    for (uint32_t c = 0; c < a->channels; c += RN_CHANNEL_BLOCK) {
      const uint8x16_t bytes = veorq_u8(vld1q_u8(stored + c), flip);
      const int16x8_t words[2] = {
          vreinterpretq_s16_u16(vsubq_u16(vmovl_u8(vget_low_u8(bytes)), zero)),
          vreinterpretq_s16_u16(vsubq_u16(vmovl_high_u8(bytes), zero))};
      RN_UNROLL for (int i = 0; i < 4; i++) {
        const int16x8_t half = words[i / 2];
        const int32x4_t number = i % 2 ? vmovl_high_s16(half) : vmovl_s16(vget_low_s16(half));
        vst1q_f32(values + c + 4 * i, vmulq_n_f32(vcvtq_f32_s32(number), a->scale));
      }
    }
    stored += a->stored_pixel;
    values += a->value_pixel;
  }
}

// 8 values as bytes; MAXNM takes the number where the other one is a NaN.
RN_ALWAYS_INLINE uint8x8_t quantize8(const float *values, float inverse, float32x4_t low,
                                     float32x4_t high, int16x8_t zero) {
  int16x4_t words[2];
  RN_UNROLL for (int i = 0; i < 2; i++) {
    const float32x4_t t = vmulq_n_f32(vld1q_f32(values + 4 * i), inverse);
    words[i] = vmovn_s32(vcvtnq_s32_f32(vminnmq_f32(vmaxnmq_f32(t, low), high)));
  }
  return vqmovun_s16(vaddq_s16(vcombine_s16(words[0], words[1]), zero));
}

void rn_quantize_neon(const rn_convert_args *a, const float *values, uint8_t *stored) {
  const uint8x16_t flip = vdupq_n_u8(a->flip);
  const int16x8_t zero = vdupq_n_s16((int16_t)a->zero);
  const float inverse = 1.0f / a->scale;
  const float32x4_t low = vdupq_n_f32((float)-a->zero), high = vdupq_n_f32((float)(255 - a->zero));
  for (uint32_t p = 0; p < a->pixels; p++) {
    for (uint32_t c = 0; c < a->channels; c += RN_CHANNEL_BLOCK) {
      const uint8x8_t first = quantize8(values + c, inverse, low, high, zero);
      const uint8x8_t second = quantize8(values + c + 8, inverse, low, high, zero);
      vst1q_u8(stored + c, veorq_u8(vcombine_u8(first, second), flip));
    }
    values += a->value_pixel;
    stored += a->stored_pixel;
  }
}
#endif
