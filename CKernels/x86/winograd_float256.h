// SPDX-License-Identifier: Apache-2.0
// Winograd convolutions in float32 in vectors of 8. Included once by each kernel file, after it has
// defined
//   weight                     of weights
//   load_weights(from)         8 weights as float32
//
// Register tile: 6 Winograd tiles x 16 output channels in 12 accumulators of 8 floats. A step takes
// one channel: 12 VFMADD231PS to 6 broadcasts and the weights of 16 channels.
//
//             U [ic][oc 0-7]   [ic][oc 8-15]
//   tile 0    acc 0            acc 1
//     ...     ...              ...
//   tile 5    acc 10           acc 11
#ifndef RN_WINOGRAD_FLOAT256_H
#define RN_WINOGRAD_FLOAT256_H

// Weights are read once in a strip, from wherever they are, and 4 KB ahead.
#define RN_MAX_TILES 6
enum { lanes = 8, tile_blocks = 1, ahead = 4096 / sizeof(weight) };

RN_ALWAYS_INLINE void multiply_tiles(const float *v, const uint32_t tiles, uint32_t strip_tiles,
                                     uint32_t channels, const weight *weights, size_t second,
                                     float *m) {
  (void)second;
  const size_t pitch = (size_t)strip_tiles * 16; // from 16 channels to the next 16
  __m256 acc[RN_MAX_TILES][2];
  RN_UNROLL for (uint32_t t = 0; t < tiles; t++) acc[t][0] = acc[t][1] = _mm256_setzero_ps();
  for (const float *end = v + channels / 16 * pitch; v != end; v += pitch) {
#pragma clang loop unroll(disable)
    for (uint32_t k = 0; k < 16; k++) {
      const __m256 w0 = load_weights(weights);
      const __m256 w1 = load_weights(weights + 8);
      _mm_prefetch((const char *)(weights + ahead), _MM_HINT_T0);
      weights += RN_CHANNEL_BLOCK;
      RN_UNROLL for (uint32_t t = 0; t < tiles; t++) {
        const __m256 d = _mm256_broadcast_ss(v + t * 16 + k);
        acc[t][0] = _mm256_fmadd_ps(d, w0, acc[t][0]);
        acc[t][1] = _mm256_fmadd_ps(d, w1, acc[t][1]);
      }
    }
  }
  RN_UNROLL for (uint32_t t = 0; t < tiles; t++) {
    _mm256_store_ps(m + t * 32, acc[t][0]);
    _mm256_store_ps(m + t * 32 + 8, acc[t][1]);
  }
}

RN_ALWAYS_INLINE __m256 clamp(__m256 t, __m256 low, __m256 high) {
  return _mm256_min_ps(_mm256_max_ps(t, low), high);
}

#include "../winograd/winograd_float.h"

#endif
