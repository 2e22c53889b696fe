// SPDX-License-Identifier: Apache-2.0
// Winograd convolutions in float32 in vectors of 16. Included once by each kernel file, after it
// has defined
//   weight                     of weights
//   load_weights(from)         16 weights as float32
//
// Register tile: 14 Winograd tiles x 32 output channels in 28 accumulators of 16 floats. A step
// takes one channel: 28 VFMADD231PS to 14 broadcasts and the weights of 32 channels.
//
//              U [ic][oc 0-15]   [ic][oc 16-31]
//   tile  0    acc 0             acc 1
//      ...     ...               ...
//   tile 13    acc 26            acc 27
#ifndef RN_WINOGRAD_FLOAT512_H
#define RN_WINOGRAD_FLOAT512_H

// Weights are read once in a strip, from wherever they are, and 4 KB ahead.
#define RN_MAX_TILES 14
enum { lanes = 16, tile_blocks = 2, ahead = 4096 / sizeof(weight) };

RN_ALWAYS_INLINE void multiply_tiles(const float *v, const uint32_t tiles, uint32_t strip_tiles,
                                     uint32_t channels, const weight *weights, size_t second,
                                     float *m) {
  const size_t pitch = (size_t)strip_tiles * 16; // from 16 channels to the next 16
  __m512 acc[RN_MAX_TILES][2];
  RN_UNROLL for (uint32_t t = 0; t < tiles; t++) acc[t][0] = acc[t][1] = _mm512_setzero_ps();
  for (const float *end = v + channels / 16 * pitch; v != end; v += pitch) {
#pragma clang loop unroll(disable)
    for (uint32_t k = 0; k < 16; k++) {
      const __m512 w0 = load_weights(weights);
      const __m512 w1 = load_weights(weights + second);
      _mm_prefetch((const char *)(weights + ahead), _MM_HINT_T0);
      _mm_prefetch((const char *)(weights + second + ahead), _MM_HINT_T0);
      weights += RN_CHANNEL_BLOCK;
      RN_UNROLL for (uint32_t t = 0; t < tiles; t++) {
        const __m512 d = _mm512_set1_ps(v[t * 16 + k]);
        acc[t][0] = _mm512_fmadd_ps(d, w0, acc[t][0]);
        acc[t][1] = _mm512_fmadd_ps(d, w1, acc[t][1]);
      }
    }
  }
  RN_UNROLL for (uint32_t t = 0; t < tiles; t++) {
    _mm512_store_ps(m + t * 32, acc[t][0]);
    _mm512_store_ps(m + t * 32 + 16, acc[t][1]);
  }
}

RN_ALWAYS_INLINE __m512 clamp(__m512 t, __m512 low, __m512 high) {
  return _mm512_min_ps(_mm512_max_ps(t, low), high);
}

#include "../winograd/winograd_float.h"

#endif
