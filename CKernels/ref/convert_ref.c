// SPDX-License-Identifier: Apache-2.0
// Conversions between int8 and float32 activations: the definition of correct, in loops that the
// compiler vectorizes.
#include "../common/rn_declarations.h"

#pragma STDC FP_CONTRACT OFF

void rn_dequantize_ref(const rn_convert_args *a, const uint8_t *stored, float *values) {
  const uint8_t flip = a->flip;
  const int32_t zero = a->zero;
  const float scale = a->scale;
  for (uint32_t p = 0; p < a->pixels; p++) {
    for (uint32_t c = 0; c < a->channels; c++)
      values[c] = (float)((int32_t)(stored[c] ^ flip) - zero) * scale;
    stored += a->stored_pixel;
    values += a->value_pixel;
  }
}

void rn_quantize_ref(const rn_convert_args *a, const float *values, uint8_t *stored) {
  const uint8_t flip = a->flip;
  const int32_t zero = a->zero;
  const float inverse = 1.0f / a->scale, low = (float)-zero, high = (float)(255 - zero);
  for (uint32_t p = 0; p < a->pixels; p++) {
    for (uint32_t c = 0; c < a->channels; c++) {
      float t = values[c] * inverse;
      t = t > low ? t : low;
      t = t < high ? t : high;
      // Range: -255...255, so that adding 1.5 * 2^23 leaves no bit for a fraction: it rounds half
      // to even.
      const int32_t rounded = (int32_t)((t + 0x1.8p23f) - 0x1.8p23f);
      stored[c] = (uint8_t)(rounded + zero) ^ flip;
    }
    values += a->value_pixel;
    stored += a->stored_pixel;
  }
}
