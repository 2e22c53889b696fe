// SPDX-License-Identifier: Apache-2.0
// Grouped float32 convolution, NEON. Twin: ref/grouped_float_ref.c
#if defined(__aarch64__)
#include "../common/rn_target.h"
#include <arm_neon.h>

typedef float weight;

RN_ALWAYS_INLINE float32x4_t load_weights(const weight *from) { return vld1q_f32(from); }

#include "grouped_float_neon.h"

void rn_grouped_f32_neon(const rn_grouped_float_args *a, uint32_t first, uint32_t last) {
  convolve(a, first, last);
}
#endif
