// SPDX-License-Identifier: Apache-2.0
// Integer Winograd convolution, SSE4.2. Twin: ref/winograd_q8_ref.c
//
// Register tile: 3 Winograd tiles x 16 output channels in 12 accumulators of 4 int32, 2 input
// channels in a step: 12 PMADDWD and 12 PADDD for 3 broadcasts and 4 loads.
#if defined(__x86_64__)
#include "../common/rn_target.h"
#include <smmintrin.h>
#include <string.h>

RN_TARGET_PUSH("sse4.1")
#include "requantize_sse42.h"

enum { lanes = 4, max_tiles = 3 };
typedef uint8_t activation;

#define requantize(a, acc, ...) requantize4(a, (__m128i)(acc), __VA_ARGS__)

// `tiles` Winograd tiles x 16 output channels.
RN_ALWAYS_INLINE void multiply_tiles(const int16_t *v, const uint32_t tiles, uint32_t channels,
                                     const int16_t *weights, int32_t *m) {
  __m128i acc[max_tiles][4];
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

#define RN_TILES(tiles)                                                                            \
  static __attribute__((noinline)) void multiply_##tiles(const int16_t *v, uint32_t channels,      \
                                                         const int16_t *weights, int32_t *m) {     \
    multiply_tiles(v, tiles, channels, weights, m);                                                \
  }
RN_TILES(1)
RN_TILES(2)
RN_TILES(3)

typedef void multiply_function(const int16_t *v, uint32_t channels, const int16_t *weights,
                               int32_t *m);

static multiply_function *const by_tiles[max_tiles + 1] = {0, multiply_1, multiply_2, multiply_3};

static void multiply(const int16_t *v, uint32_t tiles, uint32_t channels, const int16_t *weights,
                     size_t second, int32_t *m) {
  const uint32_t parts = (tiles + max_tiles - 1) / max_tiles;
  for (uint32_t block = 0; block < (second ? 2 : 1); block++) {
    for (uint32_t i = 0; i < parts; i++) {
      const uint32_t first = tiles * i / parts, count = tiles * (i + 1) / parts - first;
      by_tiles[count](v + (size_t)first * channels, channels, weights + block * second,
                      m + first * 32 + block * 16);
    }
  }
}

#include "../winograd/winograd_q8.h"

void rn_winograd_q8_sse42(const rn_winograd_q8_args *a, uint32_t first, uint32_t last) {
  winograd_q8(a, first, last);
}

RN_TARGET_POP
#endif
