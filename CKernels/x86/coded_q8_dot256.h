// SPDX-License-Identifier: Apache-2.0
// Coded convolution by 256-bit VPDPBUSD, for both encodings of the instruction. The including file
// targets an instruction set and defines RN_DOT256(sums, codes, weights).
//
// Register tile: that of conv_q8_dot256.h, of one tap: 6 tiles x 16 output channels in 12
// accumulators of 8 int32. A step multiplies the codes of 4 input channels of each tile, broadcast,
// by two vectors of U:
//
//                U[4 ic][oc 0-7]   U[4 ic][oc 8-15]
//   tile 0 4 ic  acc 0             acc 1
//     ...        ...               ...                12 VPDPBUSD, 8 loads
//   tile 5 4 ic  acc 10            acc 11
#ifndef RN_CODED_Q8_DOT256_H
#define RN_CODED_Q8_DOT256_H

#define RN_MAX_TILES 6
enum { tile_blocks = 1, step_channels = 32 };
#include "../winograd/coded_product.h"

RN_ALWAYS_INLINE void multiply_tiles(const product *p, const uint32_t tiles) {
  const uint8_t *codes_of_tap = p->codes;
  const int8_t *weights = p->weights;
  const int32_t *start = p->start, *shift = p->shift;
  const size_t block = p->codes_block;
  int32_t *m = p->m;
  for (uint32_t tap = 0; tap < p->taps; tap++) {
    __m256i acc[RN_MAX_TILES][2];
    RN_UNROLL for (uint32_t t = 0; t < tiles; t++) RN_UNROLL for (uint32_t i = 0; i < 2; i++)
        acc[t][i] = _mm256_load_si256((const __m256i *)(start + 8 * i));
    const uint8_t *codes = codes_of_tap;
    for (uint32_t c = 0; c < p->channels; c += 16) {
      RN_UNROLL for (uint32_t k = 0; k < 16; k += 4) {
        const __m256i u0 = _mm256_load_si256((const __m256i *)weights);
        const __m256i u1 = _mm256_load_si256((const __m256i *)(weights + 32));
        weights += 64;
        RN_OPAQUE(weights);
        RN_UNROLL for (uint32_t t = 0; t < tiles; t++) {
          int32_t four;
          memcpy(&four, codes + step_channels * t + k, 4);
          const __m256i d = _mm256_set1_epi32(four);
          acc[t][0] = RN_DOT256(acc[t][0], d, u0);
          acc[t][1] = RN_DOT256(acc[t][1], d, u1);
        }
      }
      codes += (c + 16) % step_channels ? 16 : block - (step_channels - 16);
      RN_OPAQUE(codes);
    }
    RN_UNROLL for (uint32_t i = 0; i < 2; i++) {
      const __m256i by = _mm256_load_si256((const __m256i *)(shift + 8 * i));
      RN_UNROLL for (uint32_t t = 0; t < tiles; t++)
          _mm256_store_si256((__m256i *)(m + 16 * t + 8 * i), _mm256_sllv_epi32(acc[t][i], by));
    }
    start += 16;
    shift += 16;
    codes_of_tap += p->codes_tap;
    m += m_tap;
  }
}

#include "coded_q8_256.h"
#include "coded_q8_vectors.h"

#endif
