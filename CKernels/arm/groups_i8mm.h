// SPDX-License-Identifier: Apache-2.0
// Sums by SMMLA, of direct and coded convolutions: pairs of pixels, or of tiles, and 16 output
// channels in acc[pairs][8], each of 2 pixels x 2 channels.
#ifndef RN_GROUPS_I8MM_H
#define RN_GROUPS_I8MM_H

#include "../common/rn_target.h"
#include <arm_neon.h>

// Starts the sums of both pixels.
RN_ALWAYS_INLINE void start_pairs(int32x4_t acc[][8], const int32_t *start, const uint32_t pairs) {
  RN_UNROLL for (uint32_t i = 0; i < 8; i++) {
    const int64x2_t both =
        vreinterpretq_s64_s32(vcombine_s32(vld1_s32(start + 2 * i), vdup_n_s32(0)));
    RN_UNROLL for (uint32_t p = 0; p < pairs; p++) acc[p][i] =
        vreinterpretq_s32_s64(vdupq_laneq_s64(both, 0));
  }
}

// 8 taps of the pairs of pixels in d: the groups of weights at `weights` and `distance` after it.
RN_ALWAYS_INLINE void step(int32x4_t acc[][8], const int8x16_t *d, const int8_t *weights,
                           const size_t distance, const uint32_t pairs) {
  RN_UNROLL for (uint32_t i = 0; i < 4; i++) {
    const int32x4_t w0 = vreinterpretq_s32_s8(vld1q_s8(weights + 16 * i));
    const int32x4_t w1 = vreinterpretq_s32_s8(vld1q_s8(weights + distance + 16 * i));
    const int8x16_t low = vreinterpretq_s8_s32(vzip1q_s32(w0, w1));
    const int8x16_t high = vreinterpretq_s8_s32(vzip2q_s32(w0, w1));
    RN_UNROLL for (uint32_t p = 0; p < pairs; p++) {
      acc[p][2 * i] = vmmlaq_s32(acc[p][2 * i], d[p], low);
      acc[p][2 * i + 1] = vmmlaq_s32(acc[p][2 * i + 1], d[p], high);
    }
    // Keeps the next load of weights behind these sums, or the compiler loads all and spills.
    RN_UNROLL for (uint32_t p = 0; p < pairs; p++) __asm__ volatile(
        "" : "+w"(acc[p][2 * i]), "+w"(acc[p][2 * i + 1]), "+r"(weights));
  }
}

// Parts the sums: [pixel][4 channels each].
RN_ALWAYS_INLINE void part_pairs(const int32x4_t acc[][8], int32x4_t sums[][4],
                                 const uint32_t pairs) {
  // An accumulator holds 2 channels of the first pixel and then of the second.
  RN_UNROLL for (uint32_t p = 0; p < pairs; p++) RN_UNROLL for (uint32_t i = 0; i < 4; i++) {
    const int64x2_t one = vreinterpretq_s64_s32(acc[p][2 * i]);
    const int64x2_t two = vreinterpretq_s64_s32(acc[p][2 * i + 1]);
    sums[2 * p][i] = vreinterpretq_s32_s64(vzip1q_s64(one, two));
    sums[2 * p + 1][i] = vreinterpretq_s32_s64(vzip2q_s64(one, two));
  }
}

#endif
