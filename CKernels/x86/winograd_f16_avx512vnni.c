// SPDX-License-Identifier: Apache-2.0
// Winograd convolution with fp16 weights, AVX-512. Twin: ref/winograd_f16_ref.c
//
// Register tile: 14 Winograd tiles x 32 output channels in 28 accumulators of 16 floats. A step
// takes one channel: 28 VFMADD231PS to 14 broadcasts and two VCVTPH2PS from memory, which run
// beside the multiplications (Zen 5: 4 of them with 16 VFMADD231PS cost 3 %), so that weights are
// widened again for each 14 tiles.
#if defined(__x86_64__)
#include "../common/rn_target.h"
#include <immintrin.h>

RN_TARGET_PUSH("avx512f,avx512bw,avx512vl")

// Weights are read once in a strip, from wherever they are, and 4 KB ahead.
enum { lanes = 16, max_tiles = 14, ahead = 2048 };

// `pitch` floats of V from 16 channels to the next 16.
RN_ALWAYS_INLINE void multiply_tiles(const float *v, size_t pitch, const uint32_t tiles,
                                     uint32_t channels, const uint16_t *weights, size_t second,
                                     float *m) {
  __m512 acc[max_tiles][2];
  RN_UNROLL for (uint32_t t = 0; t < tiles; t++) acc[t][0] = acc[t][1] = _mm512_setzero_ps();
  for (const float *end = v + channels / 16 * pitch; v != end; v += pitch) {
#pragma clang loop unroll(disable)
    for (uint32_t k = 0; k < 16; k++) {
      const __m512 w0 = _mm512_cvtph_ps(_mm256_load_si256((const __m256i *)weights));
      const __m512 w1 = _mm512_cvtph_ps(_mm256_load_si256((const __m256i *)(weights + second)));
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

#define RN_TILES(tiles)                                                                            \
  static __attribute__((noinline)) void multiply_##tiles(                                          \
      const float *v, size_t pitch, uint32_t channels, const uint16_t *weights, size_t second,     \
      float *m) {                                                                                  \
    multiply_tiles(v, pitch, tiles, channels, weights, second, m);                                 \
  }
RN_TILES(1)
RN_TILES(2)
RN_TILES(3)
RN_TILES(4)
RN_TILES(5)
RN_TILES(6)
RN_TILES(7)
RN_TILES(8)
RN_TILES(9)
RN_TILES(10)
RN_TILES(11)
RN_TILES(12)
RN_TILES(13)
RN_TILES(14)

typedef void multiply_function(const float *v, size_t pitch, uint32_t channels,
                               const uint16_t *weights, size_t second, float *m);

static multiply_function *const by_tiles[max_tiles + 1] = {
    0,           multiply_1,  multiply_2,  multiply_3,  multiply_4,
    multiply_5,  multiply_6,  multiply_7,  multiply_8,  multiply_9,
    multiply_10, multiply_11, multiply_12, multiply_13, multiply_14};

// A missing second block is computed as a copy of the first.
RN_ALWAYS_INLINE void multiply(const float *v, uint32_t tiles, uint32_t channels,
                               const uint16_t *weights, size_t second, float *m) {
  const uint32_t parts = (tiles + max_tiles - 1) / max_tiles;
  for (uint32_t i = 0; i < parts; i++) {
    const uint32_t first = tiles * i / parts, count = tiles * (i + 1) / parts - first;
    by_tiles[count](v + first * 16, (size_t)tiles * 16, channels, weights, second, m + first * 32);
  }
}

RN_ALWAYS_INLINE __m512 clamp(__m512 t, __m512 low, __m512 high) {
  return _mm512_min_ps(_mm512_max_ps(t, low), high);
}

#include "../winograd/winograd_f16.h"

void rn_winograd_f16_avx512vnni(const rn_winograd_float_args *a, uint32_t first, uint32_t last) {
  winograd_f16(a, first, last);
}

RN_TARGET_POP
#endif
