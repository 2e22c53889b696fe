// SPDX-License-Identifier: Apache-2.0
// Coded convolution, AVX-512 VNNI. Twin: ref/coded_q8_ref.c
//
// Register tile: that of conv_q8_avx512vnni.c, of one tap: 14 tiles x 32 output channels in 28
// accumulators of 16 int32. A step multiplies the codes of 4 input channels of each tile,
// broadcast, by two vectors of U:
//
//                 U[4 ic][oc 0-15]   U[4 ic][oc 16-31]
//   tile  0 4 ic  acc 0              acc 1
//      ...        ...                ...                 28 VPDPBUSD, 16 loads
//   tile 13 4 ic  acc 26             acc 27
#if defined(__x86_64__)
#include "../common/rn_target.h"
#include <immintrin.h>
#include <string.h>

RN_TARGET_PUSH("avx512f,avx512bw,avx512vl,avx512vnni")
#define RN_MAX_TILES 14
enum { tile_blocks = 2, step_channels = 64 };
#include "../winograd/coded_product.h"
#include "requantize_avx512.h"

enum { lanes = 16 };
typedef __m512i vector;

RN_ALWAYS_INLINE void multiply_tiles(const product *p, const uint32_t tiles) {
  const uint8_t *codes_of_tap = p->codes;
  const int8_t *weights = p->weights;
  const int32_t *start = p->start, *shift = p->shift;
  const size_t second = p->second, second_start = p->second_start, block = p->codes_block;
  int32_t *m = p->m;
  for (uint32_t tap = 0; tap < p->taps; tap++) {
    __m512i acc[RN_MAX_TILES][2];
    const __m512i start0 = _mm512_load_si512(start);
    const __m512i start1 = _mm512_load_si512(start + second_start);
    RN_UNROLL for (uint32_t t = 0; t < tiles; t++) {
      acc[t][0] = start0;
      acc[t][1] = start1;
    }
    const uint8_t *codes = codes_of_tap;
    for (uint32_t c = 0; c < p->channels; c += 16) {
      RN_UNROLL for (uint32_t k = 0; k < 16; k += 4) {
        const __m512i u0 = _mm512_load_si512(weights);
        const __m512i u1 = _mm512_load_si512(weights + second);
        weights += 64;
        RN_OPAQUE(weights);
        RN_UNROLL for (uint32_t t = 0; t < tiles; t++) {
          int32_t four;
          memcpy(&four, codes + step_channels * t + k, 4);
          const __m512i d = _mm512_set1_epi32(four);
          acc[t][0] = _mm512_dpbusd_epi32(acc[t][0], d, u0);
          acc[t][1] = _mm512_dpbusd_epi32(acc[t][1], d, u1);
        }
      }
      codes += (c + 16) % step_channels ? 16 : block - (step_channels - 16);
      RN_OPAQUE(codes);
    }
    const __m512i shift0 = _mm512_load_si512(shift);
    const __m512i shift1 = _mm512_load_si512(shift + second_start);
    RN_UNROLL for (uint32_t t = 0; t < tiles; t++) {
      _mm512_store_si512(m + t * 32, _mm512_sllv_epi32(acc[t][0], shift0));
      _mm512_store_si512(m + t * 32 + 16, _mm512_sllv_epi32(acc[t][1], shift1));
    }
    start += 16;
    shift += 16;
    codes_of_tap += p->codes_tap;
    m += m_tap;
  }
}

RN_ALWAYS_INLINE vector load(const void *from) { return _mm512_loadu_si512(from); }
#define interleaved_low _mm512_unpacklo_epi8
#define interleaved_high _mm512_unpackhi_epi8
#define byte_products _mm512_maddubs_epi16
#define rounded_product _mm512_mulhrs_epi16
#define packed_signed _mm512_packs_epi16
#define packed_unsigned _mm512_packus_epi16
#define saturating_sum _mm512_adds_epi16

#define store(to, codes) _mm512_storeu_si512(to, codes)

#include "coded_q8_vectors.h"

void rn_coded_q8_avx512vnni(const rn_coded_q8_args *a, uint32_t first, uint32_t last) {
  coded(a, first, last);
}

RN_TARGET_POP
#endif
