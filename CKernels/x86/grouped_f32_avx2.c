// SPDX-License-Identifier: Apache-2.0
// Grouped float32 convolution, AVX2 with FMA. Twin: ref/grouped_float_ref.c
#if defined(__x86_64__)
#include "../common/rn_target.h"
#include <immintrin.h>

RN_TARGET_PUSH("avx2,fma")

typedef float weight;

RN_ALWAYS_INLINE __m256 load_weights(const weight *from) { return _mm256_load_ps(from); }

#include "grouped_float256.h"

void rn_grouped_f32_avx2(const rn_grouped_float_args *a, uint32_t first, uint32_t last) {
  convolve(a, first, last);
}

RN_TARGET_POP
#endif
