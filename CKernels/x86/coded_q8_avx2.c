// SPDX-License-Identifier: Apache-2.0
// Coded convolution, AVX2 without a dot-product instruction: register tiles of 5 tiles x 16 output
// channels. Twin: ref/coded_q8_ref.c
#if defined(__x86_64__)
#include "../common/rn_target.h"
#include <immintrin.h>
#include <string.h>

RN_TARGET_PUSH("avx2")
#include "coded_q8_256.h"

#define RN_MAX_TILES 5
enum { tile_blocks = 1, step_channels = 32 };

RN_ALWAYS_INLINE vector broadcast(const uint8_t *bytes) {
  int32_t four;
  memcpy(&four, bytes, 4);
  return _mm256_set1_epi32(four);
}
#define and _mm256_and_si256
#define shifted_left(a) _mm256_slli_epi16(a, 8)
#define shifted_right(a) _mm256_srli_epi16(a, 8)
#define signed_shifted_right(a) _mm256_srai_epi16(a, 8)
#define pair_products _mm256_madd_epi16
#define shifted_sums _mm256_sllv_epi32
#include "coded_q8_madd.h"

#include "coded_q8_vectors.h"

void rn_coded_q8_avx2(const rn_coded_q8_args *a, uint32_t first, uint32_t last) {
  coded(a, first, last);
}

RN_TARGET_POP
#endif
