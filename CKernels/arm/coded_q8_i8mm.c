// SPDX-License-Identifier: Apache-2.0
// Coded convolution, SMMLA. Twin: ref/coded_q8_ref.c
//
// Register tile: that of conv_q8_i8mm.c, of one tap: 6 tiles in 3 pairs x 16 output channels in 24
// accumulators of 2 x 2 int32.
//
//                              ZIP1 of quad q       ZIP2 of quad q
//   tiles 0, 1   [2][8 ic]     acc 0, 2 q           acc 0, 2 q + 1      each [2 tiles][2 oc]
//      ...                     ...                  ...
//   tiles 4, 5   [2][8 ic]     acc 2, 2 q           acc 2, 2 q + 1
//
// 16 codes of two tiles are two such pairs, which ZIP1 and ZIP2 of 64 bits make.
#if defined(__aarch64__)
#include "../common/rn_target.h"
#include <arm_neon.h>

RN_TARGET_PUSH("i8mm")
#define RN_MAX_TILES 6
enum { tile_blocks = 1, step_channels = 16 };
#include "../winograd/coded_product.h"
#include "groups_i8mm.h"

RN_ALWAYS_INLINE void multiply_tiles(const product *p, const uint32_t tiles) {
  const uint32_t pairs = (tiles + 1) / 2;
  const int8_t *codes_of_tap = (const int8_t *)p->codes, *weights = p->weights;
  const int32_t *start = p->start, *shift = p->shift;
  int32_t *m = p->m;
  for (uint32_t tap = p->taps; tap; tap--) {
    int32x4_t acc[RN_MAX_TILES / 2][8], sums[RN_MAX_TILES + 1][4];
    start_pairs(acc, start, pairs);
    const int8_t *codes = codes_of_tap;
    for (uint32_t c = 0; c < p->channels; c += 16) {
      int8x16_t low[RN_MAX_TILES / 2], high[RN_MAX_TILES / 2];
      RN_UNROLL for (uint32_t i = 0; i < pairs; i++) {
        // A missing second tile is computed as a copy of the first and not stored.
        const uint32_t second = 2 * i + 1 < tiles ? 2 * i + 1 : 2 * i;
        const int64x2_t d0 = vreinterpretq_s64_s8(vld1q_s8(codes + 32 * i));
        const int64x2_t d1 = vreinterpretq_s64_s8(vld1q_s8(codes + 16 * second));
        low[i] = vreinterpretq_s8_s64(vzip1q_s64(d0, d1));
        high[i] = vreinterpretq_s8_s64(vzip2q_s64(d0, d1));
      }
      codes += p->codes_block;
      step(acc, low, weights, 64, pairs);
      step(acc, high, weights + 128, 64, pairs);
      weights += 256;
    }
    part_pairs(acc, sums, pairs);
    RN_UNROLL for (uint32_t i = 0; i < 4; i++) {
      const int32x4_t by = vld1q_s32(shift + 4 * i);
      RN_UNROLL for (uint32_t t = 0; t < tiles; t++)
          vst1q_s32(m + 16 * t + 4 * i, vshlq_s32(sums[t][i], by));
    }
    start += 16;
    shift += 16;
    codes_of_tap += p->codes_tap;
    m += m_tap;
  }
}

#include "coded_q8_neon.h"

void rn_coded_q8_i8mm(const rn_coded_q8_args *a, uint32_t first, uint32_t last) {
  coded(a, first, last);
}

RN_TARGET_POP
#endif
