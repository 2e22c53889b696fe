// SPDX-License-Identifier: Apache-2.0
// The multiplication of a coded convolution without a dot-product instruction. The including file
// targets an instruction set and defines RN_MAX_TILES, lanes, vector and
//   load(from), broadcast(four bytes)
//   and(a, b), shifted_left(a), shifted_right(a), signed_shifted_right(a)    the latter three by 8
//                              bits in lanes of 16
//   pair_products(a, b)        (V)PMADDWD
//   shifted_sums(sums, shift)  left, by a vector of int32
//
// (V)PMADDUBSW saturates on full-range data. 4 codes of a tile, broadcast, are two vectors of pairs
// of int16, codes 0 and 2 and codes 1 and 3; so are 4 channels' U of each output channel.
//
// Register tile: RN_MAX_TILES tiles x 16 output channels of one tap, in 16 / lanes accumulators
// each.
//
//                     U[ic 0, 2][lanes oc]   U[ic 1, 3][lanes oc]   ...
//   tile t  ic 0, 2   acc t, 0                                      acc t, 1 ...
//           ic 1, 3                          acc t, 0
//
// Range: a pair of products is at most 2 * 255 * 127 in magnitude.
#ifndef RN_CODED_Q8_MADD_H
#define RN_CODED_Q8_MADD_H

#include "../winograd/coded_product.h"

typedef int32_t signed_sums __attribute__((vector_size(lanes * 4)));

RN_ALWAYS_INLINE void multiply_tiles(const product *p, const uint32_t tiles) {
  enum { vectors = 16 / lanes };
  const uint8_t *codes_of_tap = p->codes;
  const int8_t *weights = p->weights;
  const int32_t *start = p->start, *shift = p->shift;
  const size_t block = p->codes_block;
  const vector low_byte = (vector)((signed_sums){} + 0x00ff00ff);
  int32_t *m = p->m;
  for (uint32_t tap = 0; tap < p->taps; tap++) {
    signed_sums acc[RN_MAX_TILES][vectors];
    RN_UNROLL for (uint32_t t = 0; t < tiles; t++) RN_UNROLL for (uint32_t i = 0; i < vectors; i++)
        acc[t][i] = (signed_sums)load(start + lanes * i);
    const uint8_t *codes = codes_of_tap;
    for (uint32_t c = 0; c < p->channels; c += 16) {
      for (uint32_t k = 0; k < 16; k += 4) {
        vector even[vectors], odd[vectors];
        RN_UNROLL for (uint32_t i = 0; i < vectors; i++) {
          const vector u = load(weights + lanes * 4 * i);
          even[i] = signed_shifted_right(shifted_left(u));
          odd[i] = signed_shifted_right(u);
        }
        weights += 64;
        RN_UNROLL for (uint32_t t = 0; t < tiles; t++) {
          const vector d = broadcast(codes + step_channels * t + k);
          const vector d_even = and(d, low_byte), d_odd = shifted_right(d);
          RN_UNROLL for (uint32_t i = 0; i < vectors; i++) {
            acc[t][i] += (signed_sums)pair_products(d_even, even[i]);
            acc[t][i] += (signed_sums)pair_products(d_odd, odd[i]);
          }
        }
      }
      codes += (c + 16) % step_channels ? 16 : block - (step_channels - 16);
    }
    RN_UNROLL for (uint32_t i = 0; i < vectors; i++) {
      const vector by = load(shift + lanes * i);
      RN_UNROLL for (uint32_t t = 0; t < tiles; t++) * (signed_sums *)(m + 16 * t + lanes * i) =
          (signed_sums)shifted_sums((vector)acc[t][i], by);
    }
    start += 16;
    shift += 16;
    codes_of_tap += p->codes_tap;
    m += m_tap;
  }
}

#endif
