// SPDX-License-Identifier: Apache-2.0
// The vectors of 256 bits that coded_q8_vectors.h asks for.
#ifndef RN_CODED_Q8_256_H
#define RN_CODED_Q8_256_H

#include "requantize_avx2.h"

enum { lanes = 8 };
typedef __m256i vector;

RN_ALWAYS_INLINE vector load(const void *from) { return _mm256_loadu_si256((const __m256i *)from); }
#define interleaved_low _mm256_unpacklo_epi8
#define interleaved_high _mm256_unpackhi_epi8
#define byte_products _mm256_maddubs_epi16
#define rounded_product _mm256_mulhrs_epi16
#define packed_signed _mm256_packs_epi16
#define packed_unsigned _mm256_packus_epi16
#define saturating_sum _mm256_adds_epi16

#define store(to, codes) _mm256_storeu_si256((__m256i *)(to), codes)

#endif
