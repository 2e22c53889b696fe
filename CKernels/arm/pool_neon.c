// SPDX-License-Identifier: Apache-2.0
// Pools of int8 activations, which are 128 less than the reference's uint8, and the maximum of
// float32. Twin: ref/pool_ref.c
#if defined(__aarch64__)
#include "../common/rn_target.h"
#include <arm_neon.h>

void rn_maxpool_q8_neon(const rn_maxpool_args *a) {
  const size_t pixel = a->channels;
  for (uint32_t c = 0; c < a->channels; c += 16) {
    const int8_t *row[3];
    for (int r = 0; r < 3; r++)
      row[r] = (const int8_t *)a->rows[r] + c;
    int8_t *output = (int8_t *)a->output + c;
    // The greatest of a column of three; the last column of a window is the first of the next.
#define COLUMN(x)                                                                                  \
  vmaxq_s8(vmaxq_s8(vld1q_s8(row[0] + (x)), vld1q_s8(row[1] + (x))), vld1q_s8(row[2] + (x)))
    int8x16_t left = COLUMN(0);
    for (uint32_t x = 0; x < a->output_width; x++) {
      const int8x16_t middle = COLUMN(pixel), right = COLUMN(2 * pixel);
      vst1q_s8(output, vmaxq_s8(vmaxq_s8(left, middle), right));
      left = right;
      output += pixel;
      for (int r = 0; r < 3; r++)
        row[r] += 2 * pixel;
    }
#undef COLUMN
  }
}

// The greatest of a column of three pixels, and on to the next column.
RN_ALWAYS_INLINE void column(const float *row[3], size_t pixel, float32x4_t greatest[4]) {
  for (int r = 0; r < 3; r++, row[r - 1] += pixel) {
    const float32x4x4_t x = vld1q_f32_x4(row[r]);
    for (int i = 0; i < 4; i++)
      greatest[i] = r ? vmaxq_f32(greatest[i], x.val[i]) : x.val[i];
  }
}

// 16 channels at a time, as above; without NaN and -0 any maximum is that of the reference.
void rn_maxpool_f32_neon(const rn_maxpool_args *a) {
  const size_t pixel = a->channels;
  for (uint32_t c = 0; c < a->channels; c += 16) {
    const float *row[3];
    for (int r = 0; r < 3; r++)
      row[r] = (const float *)a->rows[r] + c;
    float *output = (float *)a->output + c;
    float32x4_t left[4];
    column(row, pixel, left);
    for (uint32_t x = 0; x < a->output_width; x++, output += pixel) {
      float32x4_t middle[4], right[4];
      column(row, pixel, middle);
      column(row, pixel, right);
      for (int i = 0; i < 4; i++) {
        vst1q_f32(output + 4 * i, vmaxq_f32(vmaxq_f32(left[i], middle[i]), right[i]));
        left[i] = right[i];
      }
    }
  }
}

void rn_avgpool_q8_neon(const rn_avgpool_args *a) {
  const int32x4_t offset = vdupq_n_s32((128 - a->zero) * (int32_t)(a->height * a->width));
  for (uint32_t c = 0; c < a->channels; c += 16) {
    int32x4_t sum[4] = {offset, offset, offset, offset};
    for (uint32_t y = 0; y < a->height; y++) {
      const int8_t *input = (const int8_t *)a->input + y * a->input_row + c;
      for (uint32_t x = 0; x < a->width; x++, input += a->channels) {
        const int8x16_t pixel = vld1q_s8(input);
        const int16x8_t low = vmovl_s8(vget_low_s8(pixel)), high = vmovl_high_s8(pixel);
        sum[0] = vaddw_s16(sum[0], vget_low_s16(low));
        sum[1] = vaddw_high_s16(sum[1], low);
        sum[2] = vaddw_s16(sum[2], vget_low_s16(high));
        sum[3] = vaddw_high_s16(sum[3], high);
      }
    }
    for (int i = 0; i < 4; i++)
      vst1q_f32(a->features + c + 4 * i, vmulq_n_f32(vcvtq_f32_s32(sum[i]), a->multiplier));
  }
}
#endif
