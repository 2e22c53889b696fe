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

typedef int32x4_t requantized;

// 4 bytes of each of four pixels.
RN_ALWAYS_INLINE int8x16_t load_four(const uint8_t *const pixels[4], ptrdiff_t offset) {
  int32x4_t four = vdupq_n_s32(0);
  four = vld1q_lane_s32((const int32_t *)(const void *)(pixels[0] + offset), four, 0);
  four = vld1q_lane_s32((const int32_t *)(const void *)(pixels[1] + offset), four, 1);
  four = vld1q_lane_s32((const int32_t *)(const void *)(pixels[2] + offset), four, 2);
  four = vld1q_lane_s32((const int32_t *)(const void *)(pixels[3] + offset), four, 3);
  return vreinterpretq_s8_s32(four);
}

RN_ALWAYS_INLINE void store_four(uint8_t *const output[4], ptrdiff_t offset, int8x16_t values) {
  const int32x4_t four = vreinterpretq_s32_s8(values);
  vst1q_lane_s32((int32_t *)(void *)(output[0] + offset), four, 0);
  vst1q_lane_s32((int32_t *)(void *)(output[1] + offset), four, 1);
  vst1q_lane_s32((int32_t *)(void *)(output[2] + offset), four, 2);
  vst1q_lane_s32((int32_t *)(void *)(output[3] + offset), four, 3);
}

// The epilogue of 4 channels of four pixels. `multiplier` is that of the first channel.
RN_ALWAYS_INLINE void requantize_four(const requantization *c, const int32x4_t acc[4],
                                      const float *multiplier, const uint8_t *const residual[4],
                                      ptrdiff_t residual_lower, uint8_t *const output[4],
                                      ptrdiff_t output_lower) {
  const float32x4_t one = vld1q_f32(multiplier), factor[4] = {one, one, one, one};
  int16x8_t from[2], words[2];
  if (residual) {
    const int8x16_t upper = load_four(residual, 0);
    if (residual_lower)
      residual_words(upper, load_four(residual, residual_lower), 1, from);
    else
      residual_words(upper, upper, 0, from);
  }
  requantized_words(factor, c->low, c->high, c->residual_multiplier, c->residual_zero,
                    c->output_zero, acc, residual ? from : 0, words);
  if (output_lower) {
    store_four(output, output_lower, lower_bytes(words));
    store_four(output, 0, upper_bytes(words));
  } else {
    store_four(output, 0, lower_bytes(words));
  }
}

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
