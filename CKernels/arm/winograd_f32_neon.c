// SPDX-License-Identifier: Apache-2.0
// Winograd convolution with float32 weights, NEON. Twin: ref/winograd_float_ref.c
#if defined(__aarch64__)
#include "../common/rn_target.h"
#include <arm_neon.h>

typedef float weight;
typedef struct weight_pair {
  float32x4x4_t of[2];
} weight_pair;
#define quad_of_pair(pair, i) (pair).of[(i) / 4].val[(i) % 4]

RN_ALWAYS_INLINE weight_pair load_pair(const weight *from) {
  return (weight_pair){{vld1q_f32_x4(from), vld1q_f32_x4(from + 16)}};
}

RN_ALWAYS_INLINE void load_quads(const weight *from, const uint32_t quads, float32x4_t *w) {
  if (quads == 4) {
    const float32x4x4_t four = vld1q_f32_x4(from);
    RN_UNROLL for (uint32_t i = 0; i < 4; i++) w[i] = four.val[i];
  } else if (quads == 2) {
    const float32x4x2_t two = vld1q_f32_x2(from);
    RN_UNROLL for (uint32_t i = 0; i < 2; i++) w[i] = two.val[i];
  } else {
    w[0] = vld1q_f32(from);
  }
}

#include "winograd_float_neon.h"

void rn_winograd_f32_neon(const rn_winograd_float_args *a, uint32_t first, uint32_t last) {
  winograd_float(a, first, last);
}
#endif
