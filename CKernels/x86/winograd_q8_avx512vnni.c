// SPDX-License-Identifier: Apache-2.0
// Integer Winograd convolution, AVX-512 VNNI. Twin: ref/winograd_q8_ref.c
//
// VPDPWSSD multiplies at half the rate of VPDPBUSD, so F(4x4) has half the multiplication time of
// the direct convolution, and F(4x2) two thirds. The register tile is that of conv_q8_avx512vnni.c:
// 14 Winograd tiles x 32 output channels, 2 input channels in a step:
//
//              U [2 ic][oc 0-15]   [2 ic][oc 16-31]
//   tile  0    acc 0               acc 1
//      ...     ...                 ...                 28 VPDPWSSD, 16 loads
//   tile 13    acc 26              acc 27
#if defined(__x86_64__)
#include "../common/rn_target.h"
#include <immintrin.h>
#include <string.h>

RN_TARGET_PUSH("avx512f,avx512bw,avx512vl,avx512vnni")
#include "requantize_avx512.h"

#define RN_FETCHES_WEIGHTS
#define RN_MAX_TILES 14
enum { lanes = 16, tile_blocks = 2 };
typedef uint8_t activation;

RN_ALWAYS_INLINE void multiply_tiles(const int16_t *v, const uint32_t tiles, uint32_t strip_tiles,
                                     uint32_t channels, const int16_t *weights, size_t second,
                                     int32_t *m, const char *next, size_t next_step) {
  (void)strip_tiles;
  const uint32_t bases = (tiles + 4) / 5;
  const size_t step = channels, step3 = 3 * step;
  const int16_t *base[3];
  __m512i acc[RN_MAX_TILES][2];
  RN_UNROLL for (uint32_t t = 0; t < tiles; t++) acc[t][0] = acc[t][1] = _mm512_setzero_si512();
  RN_UNROLL for (uint32_t i = 0; i < bases; i++) base[i] = v + i * 5 * step;
  for (uint32_t k = 0; k < channels; k += 2) {
    const __m512i w0 = _mm512_load_si512(weights), w1 = _mm512_load_si512(weights + second);
    _mm_prefetch(next, _MM_HINT_T0);
    _mm_prefetch(next + 2 * second, _MM_HINT_T0);
    next += next_step;
    weights += 32;
    RN_UNROLL for (uint32_t t = 0; t < tiles; t++) {
      int32_t pair;
      memcpy(&pair, base[t / 5] + (t % 5 == 3 ? step3 : t % 5 * step), 4);
      const __m512i d = _mm512_set1_epi32(pair);
      acc[t][0] = _mm512_dpwssd_epi32(acc[t][0], d, w0);
      acc[t][1] = _mm512_dpwssd_epi32(acc[t][1], d, w1);
    }
    RN_UNROLL for (uint32_t i = 0; i < bases; i++) {
      base[i] += 2;
      RN_OPAQUE(base[i]);
    }
  }
  RN_UNROLL for (uint32_t t = 0; t < tiles; t++) {
    _mm512_store_si512(m + t * 32, acc[t][0]);
    _mm512_store_si512(m + t * 32 + 16, acc[t][1]);
  }
}

typedef __m512i requantized;
#include "../winograd/winograd_q8.h"

void rn_winograd_q8_avx512vnni(const rn_winograd_q8_args *a, uint32_t first, uint32_t last) {
  winograd(a, first, last);
}

RN_TARGET_POP
#endif
