// SPDX-License-Identifier: Apache-2.0
// Sums of int8 without a dot product, of direct and coded convolutions: up to 2 pixels, or tiles,
// and 16 output channels in acc[pixels][8], each of 2 channels x 2 sums.
#ifndef RN_GROUPS_NEON_H
#define RN_GROUPS_NEON_H

#include "../common/rn_target.h"
#include <arm_neon.h>

// 4 taps in all lanes. Hidden from the compiler, which replaces SMULL2 of equal halves by EXT and
// SMULL.
#define RN_TAPS(vector, lane)                                                                      \
  ({                                                                                               \
    int32x4_t taps = vdupq_laneq_s32(vreinterpretq_s32_s8(vector), lane);                          \
    __asm__("" : "+w"(taps));                                                                      \
    vreinterpretq_s8_s32(taps);                                                                    \
  })

// Keeps what comes next behind these sums, or the compiler starts it too early and spills.
#define RN_AFTER_SUMS(p)                                                                           \
  __asm__ volatile(""                                                                              \
                   : "+w"(acc[p][0]), "+w"(acc[p][1]), "+w"(acc[p][2]), "+w"(acc[p][3]),           \
                     "+w"(acc[p][4]), "+w"(acc[p][5]), "+w"(acc[p][6]), "+w"(acc[p][7]),           \
                     "+r"(weights))

// Multiplies two groups of 4 taps and returns where the weights of the next are.
RN_ALWAYS_INLINE const int8_t *pair(int32x4_t acc[][8], const int8_t *weights, const int8x16_t d0[],
                                    const int8x16_t d1[], const uint32_t pixels) {
  RN_UNROLL for (uint32_t i = 0; i < 4; i++) {
    const int8x16_t w0 = vld1q_s8(weights + 16 * i), w1 = vld1q_s8(weights + 16 * i + 64);
    RN_UNROLL for (uint32_t p = 0; p < pixels; p++) {
      const int16x8_t low = vmlal_s8(vmull_s8(vget_low_s8(w0), vget_low_s8(d0[p])), vget_low_s8(w1),
                                     vget_low_s8(d1[p]));
      const int16x8_t high = vmlal_high_s8(vmull_high_s8(w0, d0[p]), w1, d1[p]);
      acc[p][2 * i] = vpadalq_s16(acc[p][2 * i], low);
      acc[p][2 * i + 1] = vpadalq_s16(acc[p][2 * i + 1], high);
    }
    if (i % 2)
      RN_UNROLL for (uint32_t p = 0; p < pixels; p++) RN_AFTER_SUMS(p);
  }
  return weights + 128;
}

// Multiplies one group.
RN_ALWAYS_INLINE void single(int32x4_t acc[][8], const int8_t *weights, const int8x16_t d[],
                             const uint32_t pixels) {
  RN_UNROLL for (uint32_t i = 0; i < 4; i++) {
    const int8x16_t w = vld1q_s8(weights + 16 * i);
    RN_UNROLL for (uint32_t p = 0; p < pixels; p++) {
      acc[p][2 * i] = vpadalq_s16(acc[p][2 * i], vmull_s8(vget_low_s8(w), vget_low_s8(d[p])));
      acc[p][2 * i + 1] = vpadalq_s16(acc[p][2 * i + 1], vmull_high_s8(w, d[p]));
    }
  }
}

// Groups `group` and the next one of the 16 taps in each vector.
#define RN_PAIR(vectors, group)                                                                    \
  do {                                                                                             \
    int8x16_t d0[2], d1[2];                                                                        \
    RN_UNROLL for (uint32_t p = 0; p < pixels; p++) {                                              \
      d0[p] = RN_TAPS((vectors)[p], group);                                                        \
      d1[p] = RN_TAPS((vectors)[p], group + 1);                                                    \
    }                                                                                              \
    weights = pair(acc, weights, d0, d1, pixels);                                                  \
  } while (0)

#endif
