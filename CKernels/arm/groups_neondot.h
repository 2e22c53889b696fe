// SPDX-License-Identifier: Apache-2.0
// Sums by SDOT, of direct and coded convolutions: `pixels` pixels, or tiles, and 16 output channels
// in acc[pixels][4].
#ifndef RN_GROUPS_NEONDOT_H
#define RN_GROUPS_NEONDOT_H

#include "../common/rn_target.h"
#include <arm_neon.h>

// Keeps the next load of weights behind the sums, or the compiler loads two groups at once and
// spills.
#define RN_AFTER_SUMS(pointer)                                                                     \
  do {                                                                                             \
    RN_UNROLL for (uint32_t p = 0; p < pixels; p++) __asm__ volatile(                              \
        "" : "+w"(acc[p][0]), "+w"(acc[p][1]), "+w"(acc[p][2]), "+w"(acc[p][3]));                  \
    __asm__ volatile("" : "+r"(pointer));                                                          \
  } while (0)

// 4 taps of the lane's group: the pixels times one group of weights.
#define RN_GROUP(vectors, lane, weights)                                                           \
  do {                                                                                             \
    const int8x16x4_t w = vld1q_s8_x4(weights);                                                    \
    weights += 64;                                                                                 \
    RN_UNROLL for (uint32_t p = 0; p < pixels; p++) RN_UNROLL for (uint32_t i = 0; i < 4; i++)     \
        acc[p][i] = vdotq_laneq_s32(acc[p][i], w.val[i], (vectors)[p], lane);                      \
    RN_AFTER_SUMS(weights);                                                                        \
  } while (0)
#define RN_GROUPS(vectors, weights)                                                                \
  RN_GROUP(vectors, 0, weights);                                                                   \
  RN_GROUP(vectors, 1, weights);                                                                   \
  RN_GROUP(vectors, 2, weights);                                                                   \
  RN_GROUP(vectors, 3, weights)

// 3x3 taps of `channels` channels, a multiple of 16, from `row` on: pixels are as far from each
// other as taps, so each is loaded once for the three taps of a row that meet it.
RN_ALWAYS_INLINE void sum_3x3(int32x4_t acc[][4], const int8_t *row, size_t input_row,
                              size_t column, const int8_t *first_weights, size_t channels,
                              const uint32_t pixels) {
  const int8_t *weights[3];
  RN_UNROLL for (uint32_t tap = 0; tap < 3; tap++) weights[tap] =
      first_weights + tap * channels * 16;
  for (uint32_t r = 0; r < 3; r++, row += input_row) {
    const int8_t *input[5 + 2];
    RN_UNROLL for (uint32_t p = 0; p < pixels + 2; p++) {
      input[p] = row + p * column;
      RN_OPAQUE(input[p]);
    }
    for (size_t c = 0; c < channels; c += 16) {
      int8x16_t pixel[5 + 2];
      RN_UNROLL for (uint32_t p = 0; p < pixels + 2; p++) pixel[p] = vld1q_s8(input[p] + c);
      RN_UNROLL for (uint32_t tap = 0; tap < 3; tap++) { RN_GROUPS(pixel + tap, weights[tap]); }
    }
    RN_UNROLL for (uint32_t tap = 0; tap < 3; tap++) weights[tap] += 2 * channels * 16;
  }
}

#endif
