// SPDX-License-Identifier: Apache-2.0
// Winograd convolution with fp16 weights, products and short sums in fp16. Twin:
// ref/winograd_float_ref.c, within a bound.
//
// Register tile: 8 Winograd tiles x 16 output channels in 16 accumulators of 8 fp16. A vector of V
// holds 4 tiles of two channels; 8 channels are 128 FMLA for 6 loads. After 16 channels the sums
// are added to those of up to 4 such chains, in registers for up to 5 tiles and else on the stack,
// and those to what there is in M. Sums of all chains in turn would cost the logits 1 dB.
//
//             U [ic][oc 0-7]   [ic][oc 8-15]      of two channels: one LD1 of 64 bytes
//   tile 0    acc 0            acc 1
//     ...     ...              ...                16 FMLA by element for each channel
//   tile 7    acc 14           acc 15
//
// The input is rounded and transformed in fp16, half the instructions of float32; a simulation with
// random operands loses 0.5 dB of 42 by it. A^T M A is float32.
//
// Accuracy: with u = 2^-11, V has one rounding of the input and two of each transform, relative to
// W = |B^T| |d| |B|; then a product passes 16 roundings in its chain, 3 where chains are added and
// one for each further 64 channels. With |M| <= sum |U| W that is
//   error <= |A^T| (((1 + u)^(24 + channels / 64) - 1) * sum |U| W) |A|
// beside denormals, which CheckKernels derives: they are 2^-24 times 16, for the scale.
//
// Range: |V| is at most 100 max |x|; an input below 2^9 leaves V / 16 and what it is made of below
// 3200. M / 16 has to stay below 65504, for which it is enough that in every position
// sum |U| * max |V| / 16 is below 65504 * 0.94.
#if defined(__aarch64__)
#include "../common/rn_each.h"
#include <arm_neon.h>

RN_TARGET_PUSH("fullfp16")

// V is multiplied by 1 / scale.
enum {
  channels_step = 8,
  scale = RN_WINOGRAD_F16ACC16_SCALE,
  max_tiles = 8,
  chain = 16,
  chains = 4
};
typedef float16_t element, weight;
typedef float16x8_t value;
#define plus_product(y, x, factor) vfmaq_f16(y, x, vdupq_n_f16(factor))
#define minus_product(y, x, factor) vfmsq_f16(y, x, vdupq_n_f16(factor))

RN_ALWAYS_INLINE float16x8_t load_input(const float *from) {
  const float16x8_t x = vcvt_high_f16_f32(vcvt_f16_f32(vld1q_f32(from)), vld1q_f32(from + 4));
  return vmulq_n_f16(x, (float16_t)1 / scale);
}

// [4 tiles][channel][tile]
#define v_offset(s, tile, channel) ((size_t)(tile) * (s)->channels + (channel)*4)

RN_ALWAYS_INLINE void store_v(float16x8_t v[4][36], uint32_t p, float16_t *to, uint32_t padded) {
  (void)padded;
  const float16x8x4_t x = {{v[0][p], v[1][p], v[2][p], v[3][p]}};
  vst4q_f16(to, x);
}

RN_ALWAYS_INLINE float32x4_t load_m(const float16_t *m) { return vcvt_f32_f16(vld1_f16(m)); }

RN_ALWAYS_INLINE void multiply_tiles(const float16_t *v, size_t quad, const uint32_t tiles,
                                     uint32_t channels, const float16_t *weights, float16_t *m) {
  // Sums of chains: in registers if there are enough, else in memory.
  const int has_registers = tiles <= 5;
  float16x8_t acc[max_tiles][2], sums[max_tiles][2], array[max_tiles][2];
  float16_t *memory = (float16_t *)array;
  RN_OPAQUE(memory);
#define RN_EACH                                                                                    \
  RN_UNROLL for (uint32_t t = 0; t < tiles; t++) RN_UNROLL for (uint32_t i = 0; i < 2; i++)
// Keeps the next loads behind these sums, or the compiler loads ahead and spills.
#define RN_AFTER_SUMS                                                                              \
  RN_UNROLL for (uint32_t t = 0; t < tiles; t++) __asm__ volatile(                                 \
      "" : "+w"(acc[t][0]), "+w"(acc[t][1]), "+r"(v), "+r"(weights));
  for (uint32_t left = channels / chain, is_first = 1; left; is_first = 0) {
    const uint32_t count = left < chains ? left : chains;
    left -= count;
    for (uint32_t j = 0; j < count; j++) {
      RN_UNROLL for (uint32_t k = 0; k < chain; k += 8) {
        float16x8x4_t x[2];
        x[0] = vld1q_f16_x4(v);
        if (tiles > 4)
          x[1] = vld1q_f16_x4(v + quad);
        v += 32;
        RN_UNROLL for (uint32_t ic = 0; ic < 8; ic += 2) {
          const float16x8x4_t w = vld1q_f16_x4(weights);
          weights += 32;
          RN_UNROLL for (uint32_t c = 0; c < 2; c++) RN_EACH {
            const float16_t one = x[t / 4].val[ic / 2][c * 4 + t % 4];
            acc[t][i] = k + ic + c == 0 ? vmulq_n_f16(w.val[c * 2 + i], one)
                                        : vfmaq_n_f16(acc[t][i], w.val[c * 2 + i], one);
          }
          RN_AFTER_SUMS
        }
      }
      if (has_registers) {
        RN_EACH sums[t][i] = j ? vaddq_f16(sums[t][i], acc[t][i]) : acc[t][i];
        continue;
      }
      // Two tiles to a load.
      if (j)
        RN_UNROLL for (uint32_t t = 0; t < tiles; t += 2) {
          const float16x8x4_t other = vld1q_f16_x4(memory + t * 16);
          RN_UNROLL for (uint32_t i = 0; i < 4; i++) acc[t + i / 2][i % 2] =
              vaddq_f16(acc[t + i / 2][i % 2], other.val[i]);
        }
      if (j + 1 < count)
        RN_EACH vst1q_f16(memory + t * 16 + 8 * i, acc[t][i]);
    }
    if (has_registers)
      RN_EACH acc[t][i] = sums[t][i];
    if (!is_first)
      RN_EACH acc[t][i] = vaddq_f16(acc[t][i], vld1q_f16(m + t * 32 + 8 * i));
    RN_EACH vst1q_f16(m + t * 32 + 8 * i, acc[t][i]);
  }
#undef RN_AFTER_SUMS
#undef RN_EACH
}

typedef void multiply_function(const float16_t *v, size_t quad, uint32_t channels,
                               const float16_t *weights, uint32_t blocks, size_t second,
                               float16_t *m);
#define RN_TILES(tiles, ...)                                                                       \
  static __attribute__((noinline)) void multiply_##tiles(                                          \
      const float16_t *v, size_t quad, uint32_t channels, const float16_t *weights,                \
      uint32_t blocks, size_t second, float16_t *m) {                                              \
    for (; blocks; blocks--, weights += second, m += 16)                                           \
      multiply_tiles(v, quad, tiles, channels, weights, m);                                        \
  }
#define RN_TILES_NAME(tiles, ...) multiply_##tiles,
RN_FOR_1_TO_8(RN_TILES)
static multiply_function *const by_tiles[max_tiles + 1] = {0, RN_FOR_1_TO_8(RN_TILES_NAME)};

#define multiply(s, position, from, to, ...)                                                       \
  multiply_blocks((s)->channels, (s)->v + position * (s)->v_position,                              \
                  (s)->m + position * (s)->m_position, from, to, __VA_ARGS__)

RN_ALWAYS_INLINE void multiply_blocks(uint32_t channels, const float16_t *v, float16_t *m,
                                      uint32_t from, uint32_t to, const weight *weights,
                                      uint32_t blocks, size_t second) {
  const size_t quad = (size_t)channels * 4;
  from = from / 4 * 4;
  for (uint32_t tile = from; tile < to; tile += max_tiles)
    by_tiles[to - tile < max_tiles ? to - tile : max_tiles](v + tile / 4 * quad, quad, channels,
                                                            weights, blocks, second, m + tile * 32);
}

#include "winograd_float_strips.h"

void rn_winograd_f16acc16_neonfp16(const rn_winograd_float_args *a, uint32_t first, uint32_t last) {
  winograd_float(a, first, last);
}

RN_TARGET_POP
#endif
