// SPDX-License-Identifier: Apache-2.0
// Grouped convolution with fp16 weights in float32, NEON: FCVTL widens them as they are loaded, for
// 6 pixels. Twin: ref/grouped_float_ref.c
#if defined(__aarch64__)
#include "../common/rn_target.h"
#include <arm_neon.h>

typedef uint16_t weight;

RN_ALWAYS_INLINE float32x4_t load_weights(const weight *from) {
  return vcvt_f32_f16(vreinterpret_f16_u16(vld1_u16(from)));
}

#include "grouped_float_neon.h"

void rn_grouped_f16_neon(const rn_grouped_float_args *a, uint32_t first, uint32_t last) {
  convolve(a, first, last);
}
#endif
