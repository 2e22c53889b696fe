// SPDX-License-Identifier: Apache-2.0
// Grouped convolution with fp16 weights, AVX-512: VCVTPH2PS widens them as they are loaded, beside
// the multiplications. Twin: ref/grouped_float_ref.c
#if defined(__x86_64__)
#include "../common/rn_target.h"
#include <immintrin.h>

RN_TARGET_PUSH("avx512f,avx512bw,avx512vl")

typedef uint16_t weight;

RN_ALWAYS_INLINE __m512 load_weights(const weight *from) {
  return _mm512_cvtph_ps(_mm256_load_si256((const __m256i *)from));
}

#include "grouped_float512.h"

void rn_grouped_f16_avx512vnni(const rn_grouped_float_args *a, uint32_t first, uint32_t last) {
  convolve(a, first, last);
}

RN_TARGET_POP
#endif
