// SPDX-License-Identifier: Apache-2.0
// Coded convolution, Armv8.0 without a dot product. Twin: ref/coded_q8_ref.c
//
// Register tile: that of conv_q8_neon.c, of one tap: 2 tiles x 16 output channels in 16
// accumulators of 2 channels x 2 sums.
//
//              U [2 oc][4 ic] x 2 groups, 8 pairs of channels
//   tile 0     acc 0 ... acc 7        SMULL group 0, SMLAL group 1, SADALP for each accumulator
//   tile 1     acc 8 ... acc 15
//
// Range: U is -127...127, codes are -128...127: 2 * 127 * 128 = 32512.
#if defined(__aarch64__)
#include "../common/rn_target.h"
#include <arm_neon.h>

#define RN_MAX_TILES 2
enum { tile_blocks = 1, step_channels = 16 };
#include "../winograd/coded_product.h"
#include "groups_neon.h"

RN_ALWAYS_INLINE void multiply_tiles(const product *p, const uint32_t pixels) {
  const int8_t *codes_of_tap = (const int8_t *)p->codes, *weights = p->weights;
  const int32_t *start = p->start, *shift = p->shift;
  int32_t *m = p->m;
  for (uint32_t tap = p->taps; tap; tap--) {
    int32x4_t acc[RN_MAX_TILES][8];
    RN_UNROLL for (uint32_t t = 0; t < pixels; t++) RN_UNROLL for (uint32_t i = 0; i < 8; i++)
        acc[t][i] = vdupq_n_s32(0);
    const int8_t *codes = codes_of_tap;
    for (uint32_t c = 0; c < p->channels; c += 16) {
      int8x16_t d[RN_MAX_TILES];
      RN_UNROLL for (uint32_t t = 0; t < pixels; t++) d[t] = vld1q_s8(codes + 16 * t);
      codes += p->codes_block;
      RN_PAIR(d, 0);
      RN_PAIR(d, 2);
    }
    RN_UNROLL for (uint32_t i = 0; i < 4; i++) {
      const int32x4_t first = vld1q_s32(start + 4 * i), by = vld1q_s32(shift + 4 * i);
      RN_UNROLL for (uint32_t t = 0; t < pixels; t++) {
        const int32x4_t sum = vpaddq_s32(acc[t][2 * i], acc[t][2 * i + 1]);
        vst1q_s32(m + 16 * t + 4 * i, vshlq_s32(vaddq_s32(sum, first), by));
      }
    }
    start += 16;
    shift += 16;
    codes_of_tap += p->codes_tap;
    m += m_tap;
  }
}

#include "coded_q8_neon.h"

void rn_coded_q8_neon(const rn_coded_q8_args *a, uint32_t first, uint32_t last) {
  coded(a, first, last);
}
#endif
