// SPDX-License-Identifier: Apache-2.0
// The classifier, NEON. Twin: ref/linear_q8_ref.c
//
// Each output is one chain of separate multiplications and additions; 4 blocks of 16 outputs go
// side by side against the latency of the addition: 16 chains of 4 lanes.
#if defined(__aarch64__)
#include "../common/rn_target.h"
#include <arm_neon.h>

#pragma STDC FP_CONTRACT OFF

enum { max_blocks = 4 };

RN_ALWAYS_INLINE void multiply(const rn_linear_q8_args *a, uint32_t block, const uint32_t blocks) {
  const size_t pitch = (size_t)a->inputs * RN_CHANNEL_BLOCK;
  const int8_t *weights = a->weights + block * pitch;
  float32x4_t sum[max_blocks][4];
  RN_UNROLL for (uint32_t b = 0; b < blocks; b++) RN_UNROLL for (uint32_t i = 0; i < 4; i++)
      sum[b][i] = vdupq_n_f32(0);
  for (uint32_t k = 0; k < a->inputs; k++, weights += RN_CHANNEL_BLOCK) {
    const float32x4_t feature = vld1q_dup_f32(a->features + k);
    RN_UNROLL for (uint32_t b = 0; b < blocks; b++) {
      const int8x16_t bytes = vld1q_s8(weights + b * pitch);
      const int16x8_t half[2] = {vmovl_s8(vget_low_s8(bytes)), vmovl_high_s8(bytes)};
      RN_UNROLL for (uint32_t i = 0; i < 4; i++) {
        const int32x4_t wide =
            i % 2 ? vmovl_high_s16(half[i / 2]) : vmovl_s16(vget_low_s16(half[i / 2]));
        sum[b][i] = vaddq_f32(sum[b][i], vmulq_f32(feature, vcvtq_f32_s32(wide)));
      }
    }
  }
  RN_UNROLL for (uint32_t b = 0; b < blocks; b++) {
    RN_UNROLL for (uint32_t i = 0; i < 4; i++) {
      const uint32_t output = (block + b) * RN_CHANNEL_BLOCK + 4 * i;
      const float32x4_t scaled = vmulq_f32(sum[b][i], vld1q_f32(a->multiplier + output));
      vst1q_f32(a->logits + output, vaddq_f32(scaled, vld1q_f32(a->bias + output)));
    }
  }
}

void rn_linear_q8_neon(const rn_linear_q8_args *a, uint32_t first, uint32_t last) {
  for (; first + max_blocks <= last; first += max_blocks)
    multiply(a, first, max_blocks);
  for (; first < last; first++)
    multiply(a, first, 1);
}
#endif
