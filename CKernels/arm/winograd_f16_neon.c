// SPDX-License-Identifier: Apache-2.0
// Winograd convolution with fp16 weights in float32, NEON. Widening the weights in the loop costs
// less than storing them widened: a strip uses each weight for 16 tiles at most.
// Twin: ref/winograd_float_ref.c
#if defined(__aarch64__)
#include "../common/rn_target.h"
#include <arm_neon.h>

typedef uint16_t weight;
typedef uint16x8x4_t weight_pair;
#define load_pair vld1q_u16_x4

RN_ALWAYS_INLINE float32x4_t widened(const uint16x8_t *w, const uint32_t quad) {
  const float16x8_t half = vreinterpretq_f16_u16(w[quad / 2]);
  return quad % 2 ? vcvt_high_f32_f16(half) : vcvt_f32_f16(vget_low_f16(half));
}
#define quad_of_pair(pair, i) widened((pair).val, i)

RN_ALWAYS_INLINE void load_quads(const weight *from, const uint32_t quads, float32x4_t *w) {
  if (quads == 4) {
    const uint16x8x2_t half = vld1q_u16_x2(from);
    RN_UNROLL for (uint32_t i = 0; i < 4; i++) w[i] = widened(half.val, i);
  } else if (quads == 2) {
    const uint16x8_t half = vld1q_u16(from);
    RN_UNROLL for (uint32_t i = 0; i < 2; i++) w[i] = widened(&half, i);
  } else {
    w[0] = vcvt_f32_f16(vreinterpret_f16_u16(vld1_u16(from)));
  }
}

#include "winograd_float_neon.h"

void rn_winograd_f16_neon(const rn_winograd_float_args *a, uint32_t first, uint32_t last) {
  winograd_float(a, first, last);
}
#endif
