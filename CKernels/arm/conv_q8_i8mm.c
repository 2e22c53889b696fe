// SPDX-License-Identifier: Apache-2.0
// int8 convolution, SMMLA. Twin: ref/conv_q8_ref.c
//
// SMMLA multiplies 2 pixels x 8 taps by 8 taps x 2 channels. Two groups of weights hold 4 + 4 taps
// of each channel, which ZIP1 and ZIP2 of 32 bits bring together.
//
// Register tile: 6 output pixels in 3 pairs x 16 output channels in 24 accumulators; 16 taps are 48
// SMMLA for 28 permutations and 14 loads, where SDOT takes 96.
#if defined(__aarch64__)
#include "../dispatch/rn_target.h"
#include "rn_kernels.h"
#include <arm_neon.h>
#include <string.h>

RN_TARGET_PUSH("i8mm")
#include "conv_q8_tiles.h"

enum { max_pixels = 6 };

RN_ALWAYS_INLINE int8x16_t zip32(int8x16_t a, int8x16_t b, const int high) {
  const int32x4_t x = vreinterpretq_s32_s8(a), y = vreinterpretq_s32_s8(b);
  return vreinterpretq_s8_s32(high ? vzip2q_s32(x, y) : vzip1q_s32(x, y));
}

// 8 taps of the pairs of pixels in d.
RN_ALWAYS_INLINE void step(int32x4_t acc[][8], const int8x16_t *d, const int8_t *weights,
                           const uint32_t pairs) {
  RN_UNROLL for (uint32_t i = 0; i < 8; i++) {
    const int8_t *w = weights + i / 2 * 16;
    const int8x16_t channels = zip32(vld1q_s8(w), vld1q_s8(w + 64), i % 2);
    RN_UNROLL for (uint32_t p = 0; p < pairs; p++) {
      acc[p][i] = vmmlaq_s32(acc[p][i], d[p], channels);
      // Keeps the next load of weights behind these sums, or the compiler loads all and spills.
      __asm__ volatile("" : "+w"(acc[p][i]), "+r"(weights));
    }
  }
}

// Up to 8 taps, zeros after them.
RN_ALWAYS_INLINE int8x8_t taps8(const int8_t *bytes, size_t count) {
  int64_t eight = 0;
  if (count == 8)
    memcpy(&eight, bytes, 8);
  else
    memcpy(&eight, bytes, 4);
  return vcreate_s8((uint64_t)eight);
}

RN_ALWAYS_INLINE void tile(const rn_conv_q8_args *a, uint32_t oc, uint32_t y, uint32_t x,
                           const uint32_t pixels) {
  const rn_conv_geometry *g = &a->geometry;
  const uint32_t pairs = (pixels + 1) / 2;
  const int8_t *weights =
      a->weights + (size_t)oc / RN_CHANNEL_BLOCK * g->kernel_rows * g->run * RN_CHANNEL_BLOCK;
  const int8_t *input[max_pixels + 1];
  locate(a, y, x, pixels, input);
  // A missing second pixel is computed as a copy of the first and not stored.
  if (pixels % 2)
    input[pixels] = input[pixels - 1];
  int32x4_t acc[max_pixels / 2][8];
  RN_UNROLL for (uint32_t i = 0; i < 8; i++) {
    const int64x2_t bias =
        vreinterpretq_s64_s32(vcombine_s32(vld1_s32(a->bias + oc + 2 * i), vdup_n_s32(0)));
    RN_UNROLL for (uint32_t p = 0; p < pairs; p++) acc[p][i] =
        vreinterpretq_s32_s64(vdupq_laneq_s64(bias, 0));
  }
  size_t offset = 0;
  for (uint32_t r = 0; r < g->kernel_rows; r++) {
    const size_t end = offset + g->run;
    for (; offset + 16 <= end; offset += 16, weights += 256) {
      int8x16_t d[2][max_pixels / 2];
      RN_UNROLL for (uint32_t p = 0; p < pairs; p++) {
        const int64x2_t one = vreinterpretq_s64_s8(vld1q_s8(input[2 * p] + offset));
        const int64x2_t two = vreinterpretq_s64_s8(vld1q_s8(input[2 * p + 1] + offset));
        d[0][p] = vreinterpretq_s8_s64(vzip1q_s64(one, two));
        d[1][p] = vreinterpretq_s8_s64(vzip2q_s64(one, two));
      }
      step(acc, d[0], weights, pairs);
      step(acc, d[1], weights + 128, pairs);
    }
    while (offset < end) {
      const size_t count = end - offset < 8 ? 4 : 8;
      int8x16_t d[max_pixels / 2];
      RN_UNROLL for (uint32_t p = 0; p < pairs; p++) d[p] =
          vcombine_s8(taps8(input[2 * p] + offset, count), taps8(input[2 * p + 1] + offset, count));
      // The second group of a last half step meets zeros; beyond the last weights it is their
      // own first group.
      if (count == 8) {
        step(acc, d, weights, pairs);
      } else {
        RN_UNROLL for (uint32_t i = 0; i < 8; i++) {
          const int8x16_t w = vld1q_s8(weights + i / 2 * 16);
          RN_UNROLL for (uint32_t p = 0; p < pairs; p++) acc[p][i] =
              vmmlaq_s32(acc[p][i], d[p], zip32(w, w, i % 2));
        }
      }
      offset += count;
      weights += 16 * count;
    }
    offset += g->input_row - g->run;
  }
  // An accumulator holds 2 channels of the first pixel and then of the second.
  int32x4_t sums[max_pixels + 1][4];
  RN_UNROLL for (uint32_t p = 0; p < pairs; p++) RN_UNROLL for (uint32_t i = 0; i < 4; i++) {
    const int64x2_t one = vreinterpretq_s64_s32(acc[p][2 * i]);
    const int64x2_t two = vreinterpretq_s64_s32(acc[p][2 * i + 1]);
    sums[2 * p][i] = vreinterpretq_s32_s64(vzip1q_s64(one, two));
    sums[2 * p + 1][i] = vreinterpretq_s32_s64(vzip2q_s64(one, two));
  }
  finish(a, sums, oc, y, x, pixels, 0);
}

#define RN_TILE(pixels)                                                                            \
  static __attribute__((noinline)) void tile_##pixels(const rn_conv_q8_args *a, uint32_t oc,       \
                                                      uint32_t y, uint32_t x) {                    \
    tile(a, oc, y, x, pixels);                                                                     \
  }
RN_TILE(1)
RN_TILE(2)
RN_TILE(3)
RN_TILE(4)
RN_TILE(5)
RN_TILE(6)

static tile_function *const tiles_of[max_pixels + 1] = {0,      tile_1, tile_2, tile_3,
                                                        tile_4, tile_5, tile_6};

static void rn_conv_q8_direct_i8mm(const rn_conv_q8_args *a, uint32_t first, uint32_t last) {
  convolve_tiles(a, first, last, tiles_of, max_pixels);
}

RN_TARGET_POP

void rn_kernels_init_conv_q8_i8mm(rn_kernels *kernels) {
  kernels->conv_q8 = rn_conv_q8_direct_i8mm;
}
#endif
