// SPDX-License-Identifier: Apache-2.0
// Integer Winograd convolution in 256 bits, for all instructions that multiply pairs of int16. The
// including file targets an instruction set and defines
//   RN_DOT_PAIRS256(sums, tiles, weights)      sums + the pairs' products
// Exactness leaves no other products here; the factors are int16 already and need no widening.
//
// Register tile: 6 Winograd tiles x 16 output channels in 12 accumulators of 8 int32, 2 input
// channels in a step: 12 products for 8 loads.
//
//             U [2 ic][oc 0-7]   [2 ic][oc 8-15]
//   tile 0    acc 0              acc 1
//     ...     ...                ...
//   tile 5    acc 10             acc 11
#ifndef RN_WINOGRAD_Q8_256_H
#define RN_WINOGRAD_Q8_256_H

#include "requantize_avx2.h"

#define RN_FETCHES_WEIGHTS
#define RN_MAX_TILES 6
enum { lanes = 8, tile_blocks = 1 };
typedef uint8_t activation;

typedef __m256i requantized;

// `tiles` Winograd tiles x 16 output channels.
RN_ALWAYS_INLINE void multiply_tiles(const int16_t *v, const uint32_t tiles, uint32_t strip_tiles,
                                     uint32_t channels, const int16_t *weights, size_t second,
                                     int32_t *m, const char *next, size_t next_step) {
  (void)strip_tiles, (void)second;
  const uint32_t bases = (tiles + 4) / 5;
  const size_t step = channels, step3 = 3 * step;
  const int16_t *base[2];
  __m256i acc[RN_MAX_TILES][2];
  RN_UNROLL for (uint32_t t = 0; t < tiles; t++) acc[t][0] = acc[t][1] = _mm256_setzero_si256();
  RN_UNROLL for (uint32_t i = 0; i < bases; i++) base[i] = v + i * 5 * step;
  for (uint32_t k = 0; k < channels; k += 2) {
    const __m256i w0 = _mm256_load_si256((const __m256i *)weights);
    const __m256i w1 = _mm256_load_si256((const __m256i *)(weights + 16));
    _mm_prefetch(next, _MM_HINT_T1);
    next += next_step;
    weights += 32;
    RN_UNROLL for (uint32_t t = 0; t < tiles; t++) {
      int32_t pair;
      memcpy(&pair, base[t / 5] + (t % 5 == 3 ? step3 : t % 5 * step), 4);
      const __m256i d = _mm256_set1_epi32(pair);
      acc[t][0] = RN_DOT_PAIRS256(acc[t][0], d, w0);
      acc[t][1] = RN_DOT_PAIRS256(acc[t][1], d, w1);
    }
    RN_UNROLL for (uint32_t i = 0; i < bases; i++) {
      base[i] += 2;
      RN_OPAQUE(base[i]);
    }
  }
  RN_UNROLL for (uint32_t t = 0; t < tiles; t++) {
    _mm256_store_si256((__m256i *)(m + t * 32), acc[t][0]);
    _mm256_store_si256((__m256i *)(m + t * 32 + 8), acc[t][1]);
  }
}

#include "../winograd/winograd_q8.h"

#endif
