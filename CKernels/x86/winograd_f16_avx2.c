// SPDX-License-Identifier: Apache-2.0
// Winograd convolution with fp16 weights, AVX2 with FMA and F16C. Twin: ref/winograd_f16_ref.c
//
// Register tile: 6 Winograd tiles x 16 output channels in 12 accumulators of 8 floats. A step takes
// one channel: 12 VFMADD231PS to 6 broadcasts and two VCVTPH2PS from memory.
#if defined(__x86_64__)
#include "../common/rn_target.h"
#include <immintrin.h>

RN_TARGET_PUSH("avx2,fma,f16c")

// Weights are read once in a strip, from wherever they are, and 4 KB ahead.
enum { lanes = 8, max_tiles = 6, ahead = 2048 };

// `pitch` floats of V from 16 channels to the next 16.
RN_ALWAYS_INLINE void multiply_tiles(const float *v, size_t pitch, const uint32_t tiles,
                                     uint32_t channels, const uint16_t *weights, float *m) {
  __m256 acc[max_tiles][2];
  RN_UNROLL for (uint32_t t = 0; t < tiles; t++) acc[t][0] = acc[t][1] = _mm256_setzero_ps();
  for (const float *end = v + channels / 16 * pitch; v != end; v += pitch) {
#pragma clang loop unroll(disable)
    for (uint32_t k = 0; k < 16; k++) {
      const __m256 w0 = _mm256_cvtph_ps(_mm_load_si128((const __m128i *)weights));
      const __m256 w1 = _mm256_cvtph_ps(_mm_load_si128((const __m128i *)(weights + 8)));
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

#define RN_TILES(tiles)                                                                            \
  static __attribute__((noinline)) void multiply_##tiles(                                          \
      const float *v, size_t pitch, uint32_t channels, const uint16_t *weights, float *m) {        \
    multiply_tiles(v, pitch, tiles, channels, weights, m);                                         \
  }
RN_TILES(1)
RN_TILES(2)
RN_TILES(3)
RN_TILES(4)
RN_TILES(5)
RN_TILES(6)

typedef void multiply_function(const float *v, size_t pitch, uint32_t channels,
                               const uint16_t *weights, float *m);

static multiply_function *const by_tiles[max_tiles + 1] = {
    0, multiply_1, multiply_2, multiply_3, multiply_4, multiply_5, multiply_6};

RN_ALWAYS_INLINE void multiply(const float *v, uint32_t tiles, uint32_t channels,
                               const uint16_t *weights, size_t second, float *m) {
  const uint32_t parts = (tiles + max_tiles - 1) / max_tiles;
  for (uint32_t block = 0; block < (second ? 2 : 1); block++) {
    for (uint32_t i = 0; i < parts; i++) {
      const uint32_t first = tiles * i / parts, count = tiles * (i + 1) / parts - first;
      by_tiles[count](v + first * 16, (size_t)tiles * 16, channels, weights + block * second,
                      m + first * 32 + block * 16);
    }
  }
}

RN_ALWAYS_INLINE __m256 clamp(__m256 t, __m256 low, __m256 high) {
  return _mm256_min_ps(_mm256_max_ps(t, low), high);
}

#include "../winograd/winograd_f16.h"

void rn_winograd_f16_avx2(const rn_winograd_float_args *a, uint32_t first, uint32_t last) {
  winograd_f16(a, first, last);
}

RN_TARGET_POP
#endif
