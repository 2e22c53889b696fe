// SPDX-License-Identifier: Apache-2.0
// Coded convolution, SSE4.2: register tiles of 3 tiles x 16 output channels. Twin:
// ref/coded_q8_ref.c
#if defined(__x86_64__)
#include "../common/rn_target.h"
#include <smmintrin.h>
#include <string.h>

RN_TARGET_PUSH("sse4.1")
#include "requantize_sse42.h"

#define RN_MAX_TILES 3
enum { lanes = 4, tile_blocks = 1, step_channels = 16 };
typedef __m128i vector;

RN_ALWAYS_INLINE vector load(const void *from) { return _mm_loadu_si128((const __m128i *)from); }

RN_ALWAYS_INLINE vector broadcast(const uint8_t *bytes) {
  int32_t four;
  memcpy(&four, bytes, 4);
  return _mm_set1_epi32(four);
}

// There is no shift by lanes: a multiplication by 2^shift, whose exponent is that of a float; 2^31
// is converted to INT32_MIN, its low 32 bits.
RN_ALWAYS_INLINE vector shifted_sums(vector sums, vector shift) {
  const vector exponent = _mm_slli_epi32(_mm_add_epi32(shift, _mm_set1_epi32(127)), 23);
  return _mm_mullo_epi32(sums, _mm_cvttps_epi32(_mm_castsi128_ps(exponent)));
}
#define and _mm_and_si128
#define shifted_left(a) _mm_slli_epi16(a, 8)
#define shifted_right(a) _mm_srli_epi16(a, 8)
#define signed_shifted_right(a) _mm_srai_epi16(a, 8)
#define pair_products _mm_madd_epi16
#include "coded_q8_madd.h"

#define interleaved_low _mm_unpacklo_epi8
#define interleaved_high _mm_unpackhi_epi8
#define byte_products _mm_maddubs_epi16
#define rounded_product _mm_mulhrs_epi16
#define packed_signed _mm_packs_epi16
#define packed_unsigned _mm_packus_epi16
#define saturating_sum _mm_adds_epi16

#define store(to, codes) _mm_storeu_si128((__m128i *)(to), codes)

#include "coded_q8_vectors.h"

void rn_coded_q8_sse42(const rn_coded_q8_args *a, uint32_t first, uint32_t last) {
  coded(a, first, last);
}

RN_TARGET_POP
#endif
