// SPDX-License-Identifier: Apache-2.0
// Grouped convolution with fp16 weights, AVX2 with FMA and F16C: VCVTPH2PS widens them as they are
// loaded. Twin: ref/grouped_float_ref.c
#if defined(__x86_64__)
#include "../common/rn_target.h"
#include <immintrin.h>

RN_TARGET_PUSH("avx2,fma,f16c")

typedef uint16_t weight;

RN_ALWAYS_INLINE __m256 load_weights(const weight *from) {
  return _mm256_cvtph_ps(_mm_load_si128((const __m128i *)from));
}

#include "grouped_float256.h"

void rn_grouped_f16_avx2(const rn_grouped_float_args *a, uint32_t first, uint32_t last) {
  convolve(a, first, last);
}

RN_TARGET_POP
#endif
