// SPDX-License-Identifier: Apache-2.0
// Winograd convolution with float32 weights, AVX2 with FMA. Twin: ref/winograd_float_ref.c
#if defined(__x86_64__)
#include "../common/rn_target.h"
#include <immintrin.h>

RN_TARGET_PUSH("avx2,fma")

typedef float weight;

RN_ALWAYS_INLINE __m256 load_weights(const weight *from) { return _mm256_load_ps(from); }

#include "winograd_float256.h"

void rn_winograd_f32_avx2(const rn_winograd_float_args *a, uint32_t first, uint32_t last) {
  winograd(a, first, last);
}

RN_TARGET_POP
#endif
