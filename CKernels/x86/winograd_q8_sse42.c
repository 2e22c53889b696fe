// SPDX-License-Identifier: Apache-2.0
// Integer Winograd convolution, SSE4.2. Twin: ref/winograd_q8_ref.c
//
// Register tile: 3 Winograd tiles x 16 output channels in 12 accumulators of 4 int32, 2 input
// channels in a step: 12 PMADDWD and 12 PADDD for 3 broadcasts and 4 loads.
//
//             U [2 ic][oc 0-3]   ...   [2 ic][oc 12-15]
//   tile 0    acc 0              ...   acc 3
//     ...     ...                      ...
//   tile 2    acc 8              ...   acc 11
#if defined(__x86_64__)
#include "../common/rn_target.h"
#include <smmintrin.h>
#include <string.h>

RN_TARGET_PUSH("sse4.1")
#include "requantize_sse42.h"

#define RN_MAX_TILES 3
enum { lanes = 4, tile_blocks = 1 };
typedef uint8_t activation;

typedef __m128i requantized;

// `tiles` Winograd tiles x 16 output channels.
RN_ALWAYS_INLINE void multiply_tiles(const int16_t *v, const uint32_t tiles, uint32_t strip_tiles,
                                     uint32_t channels, const int16_t *weights, size_t second,
                                     int32_t *m) {
  (void)strip_tiles, (void)second;
  __m128i acc[RN_MAX_TILES][4];
  RN_UNROLL for (uint32_t t = 0; t < tiles; t++) RN_UNROLL for (uint32_t i = 0; i < 4; i++)
      acc[t][i] = _mm_setzero_si128();
  for (uint32_t k = 0; k < channels; k += 2) {
    RN_UNROLL for (uint32_t t = 0; t < tiles; t++) {
      int32_t pair;
      memcpy(&pair, v + t * (size_t)channels + k, 4);
      const __m128i d = _mm_set1_epi32(pair);
      RN_UNROLL for (uint32_t i = 0; i < 4; i++) acc[t][i] = _mm_add_epi32(
          acc[t][i], _mm_madd_epi16(d, _mm_load_si128((const __m128i *)(weights + 8 * i))));
    }
    weights += 32;
  }
  RN_UNROLL for (uint32_t t = 0; t < tiles; t++) RN_UNROLL for (uint32_t i = 0; i < 4; i++)
      _mm_store_si128((__m128i *)(m + t * 32 + i * 4), acc[t][i]);
}

#include "../winograd/winograd_q8.h"

void rn_winograd_q8_sse42(const rn_winograd_q8_args *a, uint32_t first, uint32_t last) {
  winograd(a, first, last);
}

RN_TARGET_POP
#endif
