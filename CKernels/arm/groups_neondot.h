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

#endif
