// SPDX-License-Identifier: Apache-2.0
// Integer Winograd convolution, SMLAL by element. Twin: ref/winograd_q8_ref.c
//
// Register tile: 6 Winograd tiles x 16 output channels in 24 accumulators of 4 int32. A vector of a
// tile holds 8 input channels, of which each SMLAL takes one by element; LD2 parts the pairs of the
// weights: 192 SMLAL for 6 + 8 loads.
//
//             U [ic][oc 0-3]   ...   U [ic][oc 12-15]
//   tile 0    acc 0            ...   acc 3
//     ...     ...                    ...               24 SMLAL by element for each channel
//   tile 5    acc 20           ...   acc 23
#if defined(__aarch64__)
#include "../common/rn_target.h"
#include <arm_neon.h>

#include "requantize_neon.h"

#define RN_MAX_TILES 6
enum { lanes = 4, tile_blocks = 1 };
typedef int8_t activation;

// The epilogue of 4 channels.
RN_ALWAYS_INLINE void requantize4(const rn_conv_q8_args *a, int32x4_t acc, uint32_t oc,
                                  const uint8_t *residual, uint8_t *output) {
  float32x4_t t = vmulq_f32(vcvtq_f32_s32(acc), vld1q_f32(a->multiplier + oc));
  if (residual) {
    const int8x8_t four =
        vreinterpret_s8_s32(vld1_dup_s32((const int32_t *)(const void *)residual));
    const int32x4_t centred =
        vsubq_s32(vmovl_s16(vget_low_s16(vmovl_s8(four))), vdupq_n_s32(a->residual_zero));
    t = vaddq_f32(t, vmulq_n_f32(vcvtq_f32_s32(centred), a->residual_multiplier));
  }
  // FMAXNM makes low of a NaN.
  t = vminnmq_f32(vmaxnmq_f32(t, vdupq_n_f32(a->low)), vdupq_n_f32(a->high));
  const int32x4_t q = vaddq_s32(vcvtnq_s32_f32(t), vdupq_n_s32(a->output_zero));
  const int16x4_t words = vmovn_s32(q);
  const int8x8_t bytes = vmovn_s16(vcombine_s16(words, words));
  vst1_lane_s32((int32_t *)(void *)output, vreinterpret_s32_s8(bytes), 0);
}

#define requantize(a, acc, ...) requantize4(a, (int32x4_t)(acc), __VA_ARGS__)

// `tiles` Winograd tiles x 16 output channels.
RN_ALWAYS_INLINE void multiply_tiles(const int16_t *v, const uint32_t tiles, uint32_t strip_tiles,
                                     uint32_t channels, const int16_t *weights, size_t second,
                                     int32_t *m) {
  (void)strip_tiles, (void)second;
  int32x4_t acc[RN_MAX_TILES][4];
  RN_UNROLL for (uint32_t t = 0; t < tiles; t++) RN_UNROLL for (uint32_t i = 0; i < 4; i++)
      acc[t][i] = vdupq_n_s32(0);
  for (uint32_t k = 0; k < channels; k += 8) {
    int16x8_t d[RN_MAX_TILES];
    RN_UNROLL for (uint32_t t = 0; t < tiles; t++) d[t] = vld1q_s16(v + t * (size_t)channels + k);
// Keeps the next load of weights behind these sums, or the compiler loads ahead and spills.
#define RN_AFTER_SUMS                                                                              \
  RN_UNROLL for (uint32_t t = 0; t < tiles; t++) __asm__ volatile(                                 \
      "" : "+w"(acc[t][0]), "+w"(acc[t][1]), "+w"(acc[t][2]), "+w"(acc[t][3]), "+r"(weights));
#define RN_HALF(half, pair, ic)                                                                    \
  RN_UNROLL for (uint32_t t = 0; t < tiles; t++) {                                                 \
    acc[t][2 * half] = vmlal_laneq_s16(acc[t][2 * half], vget_low_s16(pair), d[t], ic);            \
    acc[t][2 * half + 1] = vmlal_high_laneq_s16(acc[t][2 * half + 1], pair, d[t], ic);             \
  }
#define RN_PAIR(ic)                                                                                \
  RN_UNROLL for (uint32_t half = 0; half < 2; half++) {                                            \
    const int16x8x2_t u = vld2q_s16(weights);                                                      \
    weights += 16;                                                                                 \
    RN_HALF(half, u.val[0], ic)                                                                    \
    RN_HALF(half, u.val[1], (ic) + 1) RN_AFTER_SUMS                                                \
  }
    RN_PAIR(0) RN_PAIR(2) RN_PAIR(4) RN_PAIR(6)
#undef RN_PAIR
#undef RN_HALF
#undef RN_AFTER_SUMS
  }
  RN_UNROLL for (uint32_t t = 0; t < tiles; t++) RN_UNROLL for (uint32_t i = 0; i < 4; i++)
      vst1q_s32(m + t * 32 + 4 * i, acc[t][i]);
}

#include "../winograd/winograd_q8.h"

void rn_winograd_q8_neon(const rn_winograd_q8_args *a, uint32_t first, uint32_t last) {
  winograd(a, first, last);
}
#endif
