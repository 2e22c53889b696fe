// SPDX-License-Identifier: Apache-2.0
// Grouped float32 convolution, AVX-512. Twin: ref/grouped_float_ref.c
#if defined(__x86_64__)
#include "../common/rn_target.h"
#include <immintrin.h>

RN_TARGET_PUSH("avx512f,avx512bw,avx512vl")

typedef float weight;

RN_ALWAYS_INLINE __m512 load_weights(const weight *from) { return _mm512_load_ps(from); }

#include "grouped_float512.h"

void rn_grouped_f32_avx512vnni(const rn_grouped_float_args *a, uint32_t first, uint32_t last) {
  convolve(a, first, last);
}

RN_TARGET_POP
#endif
