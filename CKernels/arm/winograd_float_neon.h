// SPDX-License-Identifier: Apache-2.0
// Winograd convolutions in float32, NEON. Included once by each kernel file, after it has defined
//   weight                     of weights
//   load_quads(from, quads, w)       weights of 4 * quads output channels as float32
//   load_pair(from)            a weight_pair: those of 16 output channels for two input channels
//   quad_of_pair(pair, i)      four of them, i below 8, as float32
//
// Register tile: up to 28 accumulators of 4 output channels, by the number of Winograd tiles:
//
//   tiles     output channels   of one input channel
//   1...4     16                16 FMLA and 3/4 loads of V
//   5, 6      16                24 FMLA, 1 load
//   7...14    8                 28 FMLA, 1 or 2 loads
//   15, 16    4                 16 FMLA, 1 load
//
// A vector of V holds 4 tiles, of which each FMLA takes one by element.
#ifndef RN_WINOGRAD_FLOAT_NEON_H
#define RN_WINOGRAD_FLOAT_NEON_H

#include "../common/rn_each.h"
#include <arm_neon.h>

typedef float element;
typedef float32x4_t value;
#define load_input vld1q_f32
#define plus_product(y, x, factor) vfmaq_f32(y, x, vdupq_n_f32(factor))
#define minus_product(y, x, factor) vfmsq_f32(y, x, vdupq_n_f32(factor))
enum { channels_step = 4, scale = 1 };

// [channel][padded tile]
#define v_offset(s, tile, channel) ((size_t)(channel) * (s)->padded + (tile))

RN_ALWAYS_INLINE void store_v(float32x4_t v[4][36], uint32_t p, float *to, const uint32_t padded) {
  const float32x4x4_t x = {{v[0][p], v[1][p], v[2][p], v[3][p]}};
  if (padded == 4) {
    vst4q_f32(to, x);
    return;
  }
  const float32x4_t low02 = vzip1q_f32(x.val[0], x.val[2]), high02 = vzip2q_f32(x.val[0], x.val[2]);
  const float32x4_t low13 = vzip1q_f32(x.val[1], x.val[3]), high13 = vzip2q_f32(x.val[1], x.val[3]);
  float32x4_t row[4] = {vzip1q_f32(low02, low13), vzip2q_f32(low02, low13),
                        vzip1q_f32(high02, high13), vzip2q_f32(high02, high13)};
  RN_UNROLL for (uint32_t i = 0; i < 4; i++) {
    __asm__("" : "+w"(row[i])); // or the compiler takes two ST2, which need addresses of their own
    vst1q_f32(to + i * padded, row[i]);
  }
}

RN_ALWAYS_INLINE float32x4_t load_m(const float *m) { return vld1q_f32(m); }

// `tiles` tiles x `quads` * 4 output channels.
RN_ALWAYS_INLINE void multiply_tiles(const float *v, uint32_t padded, const uint32_t tiles,
                                     const uint32_t quads, uint32_t channels, const weight *weights,
                                     float *m) {
  const uint32_t vectors = (tiles + 3) / 4;
  float32x4_t acc[16][4];
  RN_UNROLL for (uint32_t t = 0; t < tiles; t++) RN_UNROLL for (uint32_t i = 0; i < quads; i++)
      acc[t][i] = vdupq_n_f32(0);
// Keeps the next loads behind these sums, or the compiler loads ahead and spills.
#define RN_AFTER_SUMS                                                                              \
  RN_UNROLL for (uint32_t t = 0; t < tiles; t++)                                                   \
      RN_UNROLL for (uint32_t i = 0; i < quads;                                                    \
                     i++) __asm__ volatile("" : "+w"(acc[t][i]), "+r"(v), "+r"(weights));
#define RN_SUMS(t0, t1, x, x0)                                                                     \
  RN_UNROLL for (uint32_t i = 0; i < quads; i++)                                                   \
      RN_UNROLL for (uint32_t t = t0; t < t1 && t < tiles; t++) acc[t][i] =                        \
          vfmaq_f32(acc[t][i], w[i],                                                               \
                    t % 4 == 0   ? vdupq_laneq_f32(x[t / 4 - x0], 0)                               \
                    : t % 4 == 1 ? vdupq_laneq_f32(x[t / 4 - x0], 1)                               \
                    : t % 4 == 2 ? vdupq_laneq_f32(x[t / 4 - x0], 2)                               \
                                 : vdupq_laneq_f32(x[t / 4 - x0], 3));
  const size_t rest = padded - 8;
  for (uint32_t k = channels / 8; k; k--) {
    RN_UNROLL for (uint32_t ic = 0; ic < 8; ic++) {
      float32x4_t w[4];
      load_quads(weights, quads, w);
      weights += 16;
      if (vectors == 1) {
        const float32x4_t x = vld1q_f32(v);
        RN_SUMS(0, 4, (&x), 0)
      } else if (vectors == 3) {
        const float32x4x3_t x = vld1q_f32_x3(v);
        RN_SUMS(0, 12, x.val, 0)
      } else if (tiles * quads <= 26 && vectors == 4) {
        const float32x4x4_t x = vld1q_f32_x4(v);
        RN_SUMS(0, 16, x.val, 0)
      } else {
        const float32x4x2_t x = vld1q_f32_x2(v);
        RN_SUMS(0, 8, x.val, 0)
        if (vectors == 4) {
          v += 8;
          RN_AFTER_SUMS
          const float32x4x2_t x2 = vld1q_f32_x2(v);
          RN_SUMS(8, 16, x2.val, 2)
        }
      }
      v += vectors == 4 && tiles * quads > 26 ? rest : padded;
      RN_AFTER_SUMS
    }
  }
#undef RN_SUMS
#undef RN_AFTER_SUMS
  RN_UNROLL for (uint32_t t = 0; t < tiles; t++) RN_UNROLL for (uint32_t i = 0; i < quads; i++)
      vst1q_f32(m + t * 32 + 4 * i, acc[t][i]);
}

// Up to 4 tiles x 16 output channels, where a strip has no more tiles: V is read from its first to
// its last byte.
RN_ALWAYS_INLINE void multiply_narrow(const float *v, const uint32_t tiles, uint32_t channels,
                                      const weight *weights, float *m) {
  float32x4_t acc[4][4];
  RN_UNROLL for (uint32_t t = 0; t < tiles; t++) RN_UNROLL for (uint32_t i = 0; i < 4; i++)
      acc[t][i] = vdupq_n_f32(0);
// Two channels, those of x0 and x1, with the sums ahead of the next loads as below.
#define RN_PAIR(x0, x1)                                                                            \
  {                                                                                                \
    const weight_pair pair = load_pair(weights);                                                   \
    weights += 32;                                                                                 \
    RN_UNROLL for (uint32_t i = 0; i < 8; i++) {                                                   \
      const float32x4_t w = quad_of_pair(pair, i);                                                 \
      RN_UNROLL for (uint32_t t = 0; t < tiles; t++) acc[t][i % 4] =                               \
          vfmaq_n_f32(acc[t][i % 4], w, (i < 4 ? x0 : x1)[t]);                                     \
    }                                                                                              \
    RN_UNROLL for (uint32_t t = 0; t < tiles; t++)                                                 \
        RN_UNROLL for (uint32_t i = 0; i < 4;                                                      \
                       i++) __asm__ volatile("" : "+w"(acc[t][i]), "+r"(v), "+r"(weights));        \
  }
  for (uint32_t k = channels / 8; k; k--) {
    RN_UNROLL for (uint32_t part = 0; part < 2; part++) {
      const float32x4x4_t x = vld1q_f32_x4(v);
      v += 16;
      RN_PAIR(x.val[0], x.val[1])
      RN_PAIR(x.val[2], x.val[3])
    }
  }
#undef RN_PAIR
  RN_UNROLL for (uint32_t t = 0; t < tiles; t++) RN_UNROLL for (uint32_t i = 0; i < 4; i++)
      vst1q_f32(m + t * 32 + 4 * i, acc[t][i]);
}

typedef void multiply_function(const float *v, uint32_t channels, uint32_t padded,
                               const weight *weights, uint32_t blocks, size_t second, float *m);
#define RN_FUNCTION(name, ...)                                                                     \
  static __attribute__((noinline)) void name(const float *v, uint32_t channels, uint32_t padded,   \
                                             const weight *weights, uint32_t blocks,               \
                                             size_t second, float *m) {                            \
    (void)padded;                                                                                  \
    for (; blocks; blocks--, weights += second, m += 16)                                           \
      __VA_ARGS__                                                                                  \
  }
#define RN_NARROW(tiles, ...)                                                                      \
  RN_FUNCTION(narrow_##tiles, multiply_narrow(v, tiles, channels, weights, m);)
#define RN_NARROW_NAME(tiles, ...) narrow_##tiles,
RN_FOR_1_TO_4(RN_NARROW)
static multiply_function *const by_narrow[5] = {0, RN_FOR_1_TO_4(RN_NARROW_NAME)};

#define RN_QUADS(tiles) ((tiles) <= 6 ? 4u : (tiles) <= 14 ? 2u : 1u)
#define RN_TILES(tiles, ...)                                                                       \
  RN_FUNCTION(multiply_##tiles, for (uint32_t i = 0; i < 4; i += RN_QUADS(tiles))                  \
                                    multiply_tiles(v, padded, tiles, RN_QUADS(tiles), channels,    \
                                                   weights + 4 * i, m + 4 * i);)
#define RN_TILES_NAME(tiles, ...) multiply_##tiles,
RN_FOR_1_TO_16(RN_TILES)
static multiply_function *const by_tiles[RN_WINOGRAD_TILES + 1] = {0,
                                                                   RN_FOR_1_TO_16(RN_TILES_NAME)};

#define multiply(s, position, from, to, ...)                                                       \
  multiply_blocks((s)->channels, (s)->padded, (s)->v + position * (s)->v_position + (from),        \
                  (s)->m + position * (s)->m_position + (from)*32, (to) - (from), __VA_ARGS__)

RN_ALWAYS_INLINE void multiply_blocks(uint32_t channels, uint32_t padded, const float *v, float *m,
                                      uint32_t tiles, const weight *weights, uint32_t blocks,
                                      size_t second) {
  (padded == 4 ? by_narrow : by_tiles)[tiles](v, channels, padded, weights, blocks, second, m);
}

#include "winograd_float_strips.h"

#endif
