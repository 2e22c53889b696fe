// SPDX-License-Identifier: Apache-2.0
// Multiply peak of SSE4.2: PMADDWD, 8 products of int16. Twin: ref/peak_ref.c
#if defined(__x86_64__)
#include "../common/peak.h"
#include <smmintrin.h>

RN_TARGET_PUSH("sse4.1")

RN_PEAK(rn_peak_q8_sse42, __m128i, __m128i, _mm_set1_epi16(1), _mm_madd_epi16, 12, 8)

RN_TARGET_POP
#endif
