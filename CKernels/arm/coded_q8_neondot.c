// SPDX-License-Identifier: Apache-2.0
// Coded convolution, SDOT by element. Twin: ref/coded_q8_ref.c
//
// Register tile: 5 tiles x 16 output channels of one tap in 20 accumulators of 4 int32, that of
// conv_q8_neondot.c. A vector of a tile holds 16 channels' codes, of which each SDOT takes 4 by
// element:
//
//                 U [4 oc][4 ic] x 4, one LD1 of 64 bytes
//   tile 0  4 ic  acc 0 ... acc 3
//     ...         ...                     20 SDOT for one load, and 5 loads for 16 channels
//   tile 4  4 ic  acc 16 ... acc 19
//
// then 20 SSHL and 5 ST1 of 64 bytes to M.
#if defined(__aarch64__)
#include "../common/rn_target.h"
#include <arm_neon.h>

RN_TARGET_PUSH("dotprod")

#define RN_MAX_TILES 5
enum { tile_blocks = 1, step_channels = 16 };
#include "../winograd/coded_product.h"
#include "groups_neondot.h"

RN_ALWAYS_INLINE void load_tiles(const int8_t *codes, int8x16_t *d, const uint32_t tiles) {
  if (tiles < 4) {
    RN_UNROLL for (uint32_t t = 0; t < tiles; t++) d[t] = vld1q_s8(codes + 16 * t);
    return;
  }
  const int8x16x4_t four = vld1q_s8_x4(codes);
  RN_UNROLL for (uint32_t t = 0; t < 4; t++) d[t] = four.val[t];
  if (tiles == 5)
    d[4] = vld1q_s8(codes + 64);
}

RN_ALWAYS_INLINE void multiply_tiles(const product *p, const uint32_t pixels) {
  const int8_t *codes_of_tap = (const int8_t *)p->codes, *weights = p->weights;
  const int32_t *start = p->start, *shift = p->shift;
  const size_t codes_tap = p->codes_tap, codes_block = p->codes_block;
  const uint32_t blocks = p->channels / 16;
  int32_t *m = p->m;
  for (uint32_t tap = p->taps; tap; tap--) {
    int32x4_t acc[RN_MAX_TILES][4];
    const int32x4x4_t s = vld1q_s32_x4(start);
    start += 16;
    RN_UNROLL for (uint32_t t = 0; t < pixels; t++) RN_UNROLL for (uint32_t i = 0; i < 4; i++)
        acc[t][i] = s.val[i];
    const int8_t *codes = codes_of_tap;
    uint32_t block = blocks;
    // Twice: channels are mostly a multiple of 32.
    RN_PRAGMA(clang loop unroll_count(2))
    do {
      int8x16_t d[RN_MAX_TILES];
      load_tiles(codes, d, pixels);
      codes += codes_block;
      RN_GROUPS(d, weights);
    } while (--block);
    const int32x4x4_t by = vld1q_s32_x4(shift);
    shift += 16;
    RN_UNROLL for (uint32_t t = 0; t < pixels; t++) {
      int32x4x4_t shifted;
      RN_UNROLL for (uint32_t i = 0; i < 4; i++) shifted.val[i] = vshlq_s32(acc[t][i], by.val[i]);
      vst1q_s32_x4(m + 16 * t, shifted);
    }
    codes_of_tap += codes_tap;
    m += m_tap;
  }
}

#include "coded_q8_neon.h"

void rn_coded_q8_neondot(const rn_coded_q8_args *a, uint32_t first, uint32_t last) {
  coded(a, first, last);
}

RN_TARGET_POP
#endif
