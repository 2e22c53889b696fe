// SPDX-License-Identifier: Apache-2.0
// Grouped int8 convolution, SSE4.2, for boards whose CPU has no AVX. Twin: ref/grouped_q8_ref.c
#if defined(__x86_64__)
#include "../common/rn_target.h"
#include <smmintrin.h>

RN_TARGET_PUSH("sse4.1")
#include "madd_sse42.h"

RN_ALWAYS_INLINE __m128i widened_input(const uint8_t *bytes, uint32_t i) {
  return _mm_cvtepu8_epi16(_mm_loadl_epi64((const __m128i *)(bytes + 8 * i)));
}

// Vectors 2L and 2L + 1 of parts have, of groups of 4, two sums of each of the channels 4j + L; of
// groups of 8 vector 8i + 2L has four of channel 4i + L, and the next one those of channel 8 + 4i +
// L.
RN_ALWAYS_INLINE void store_parts(const rn_conv_q8_args *a, const __m128i *parts, uint32_t oc,
                                  const uint32_t group, const uint8_t *residual, uint8_t *output) {
  __m128i sums[4];
  if (group == 4) {
    __m128i four[4];
    RN_UNROLL for (uint32_t i = 0; i < 4; i++) four[i] =
        _mm_hadd_epi32(parts[2 * i], parts[2 * i + 1]);
    RN_UNROLL for (uint32_t i = 0; i < 2; i++) {
      const __m128i even =
          i == 0 ? _mm_unpacklo_epi32(four[0], four[1]) : _mm_unpackhi_epi32(four[0], four[1]);
      const __m128i odd =
          i == 0 ? _mm_unpacklo_epi32(four[2], four[3]) : _mm_unpackhi_epi32(four[2], four[3]);
      sums[2 * i] = _mm_unpacklo_epi64(even, odd);
      sums[2 * i + 1] = _mm_unpackhi_epi64(even, odd);
    }
  } else {
    RN_UNROLL for (uint32_t i = 0; i < 4; i++) {
      const __m128i *four = parts + i % 2 * 8 + i / 2;
      sums[i] = _mm_hadd_epi32(_mm_hadd_epi32(four[0], four[2]), _mm_hadd_epi32(four[4], four[6]));
    }
  }
  RN_UNROLL for (uint32_t i = 0; i < 4; i++) {
    const __m128i bias = _mm_load_si128((const __m128i *)(a->bias + oc + 4 * i));
    requantize4(a, _mm_add_epi32(sums[i], bias), oc + 4 * i, residual ? residual + 4 * i : 0,
                output + 4 * i);
  }
}

#include "grouped_q8_madd.h"

void rn_grouped_q8_sse42(const rn_grouped_q8_args *a, uint32_t first, uint32_t last) {
  grouped_q8_madd(a, first, last);
}

RN_TARGET_POP
#endif
