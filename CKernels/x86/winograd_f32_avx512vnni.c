// SPDX-License-Identifier: Apache-2.0
// Winograd convolution with float32 weights, AVX-512. Twin: ref/winograd_float_ref.c
#if defined(__x86_64__)
#include "../common/rn_target.h"
#include <immintrin.h>

RN_TARGET_PUSH("avx512f,avx512bw,avx512vl")

typedef float weight;

RN_ALWAYS_INLINE __m512 load_weights(const weight *from) { return _mm512_load_ps(from); }

#include "winograd_float512.h"

void rn_winograd_f32_avx512vnni(const rn_winograd_float_args *a, uint32_t first, uint32_t last) {
  winograd(a, first, last);
}

RN_TARGET_POP
#endif
