// SPDX-License-Identifier: Apache-2.0
// Convolution with fp16 weights, AVX2 with FMA and F16C. Twin: ref/conv_f16_ref.c
//
// Register tile: 6 output pixels x 16 output channels in 12 accumulators of 8 floats, each one
// chain of fused multiply-adds. A step takes one input value of each pixel, broadcast, and two
// vectors of weights, widened by VCVTPH2PS as they are loaded: 12 VFMADD231PS to 8 loads, with
// 2 + 1 registers for weights and pixel.
#if defined(__x86_64__)
#include "../dispatch/rn_target.h"
#include "rn_kernels.h"
#include <immintrin.h>

RN_TARGET_PUSH("avx2,fma,f16c")

enum { max_pixels = 6 };

RN_ALWAYS_INLINE void store8(const rn_conv_f16_args *a, __m256 t, const float *residual,
                             float *output) {
  if (residual)
    t = _mm256_add_ps(t, _mm256_loadu_ps(residual));
  _mm256_storeu_ps(output, _mm256_max_ps(t, _mm256_set1_ps(a->low)));
}

// `columns` output pixels of row y from x on, 16 output channels from oc on.
RN_ALWAYS_INLINE void tile(const rn_conv_f16_args *a, uint32_t oc, uint32_t y, uint32_t x,
                           const uint32_t columns) {
  const rn_conv_geometry *g = &a->geometry;
  const uint32_t bases = (columns + 4) / 5;
  const size_t step = g->step_x, step3 = 3 * step;
  const size_t block = (size_t)g->kernel_rows * g->run * RN_CHANNEL_BLOCK;
  const uint16_t *weights = a->weights + oc / RN_CHANNEL_BLOCK * block;

  __m256 acc[max_pixels][2];
  const __m256 bias0 = _mm256_load_ps(a->bias + oc), bias1 = _mm256_load_ps(a->bias + oc + 8);
  RN_UNROLL for (uint32_t p = 0; p < columns; p++) {
    acc[p][0] = bias0;
    acc[p][1] = bias1;
  }

  for (uint32_t r = 0; r < g->kernel_rows; r++) {
    const float *base[2];
    const float *first = a->input + y * g->step_y + r * g->input_row + x * step;
    RN_UNROLL for (uint32_t i = 0; i < bases; i++) base[i] = first + i * 5 * step;
    for (uint32_t k = 0; k < g->run; k++) {
      const __m256 w0 = _mm256_cvtph_ps(_mm_load_si128((const __m128i *)weights));
      const __m256 w1 = _mm256_cvtph_ps(_mm_load_si128((const __m128i *)(weights + 8)));
      weights += RN_CHANNEL_BLOCK;
      RN_UNROLL for (uint32_t p = 0; p < columns; p++) {
        const size_t offset = p % 5 == 3 ? step3 : p % 5 * step;
        const __m256 pixel = _mm256_broadcast_ss(base[p / 5] + offset);
        acc[p][0] = _mm256_fmadd_ps(pixel, w0, acc[p][0]);
        acc[p][1] = _mm256_fmadd_ps(pixel, w1, acc[p][1]);
      }
      RN_UNROLL for (uint32_t i = 0; i < bases; i++) {
        base[i] += 1;
        RN_OPAQUE(base[i]);
      }
    }
  }

  float *output = a->output + y * g->output_row + x * g->output_pixel + oc;
  const float *residual = a->residual;
  if (residual)
    residual += y * g->residual_row + x * g->output_pixel + oc;
  RN_UNROLL for (uint32_t p = 0; p < columns; p++) {
    store8(a, acc[p][0], residual, output);
    store8(a, acc[p][1], residual ? residual + 8 : 0, output + 8);
    output += g->output_pixel;
    if (residual)
      residual += g->output_pixel;
  }
}

#define RN_TILE(columns)                                                                           \
  static __attribute__((noinline)) void tile_##columns(const rn_conv_f16_args *a, uint32_t oc,     \
                                                       uint32_t y, uint32_t x) {                   \
    tile(a, oc, y, x, columns);                                                                    \
  }
RN_TILE(1)
RN_TILE(2)
RN_TILE(3)
RN_TILE(4)
RN_TILE(5)
RN_TILE(6)

typedef void tile_function(const rn_conv_f16_args *, uint32_t oc, uint32_t y, uint32_t x);

static tile_function *const one_row[max_pixels + 1] = {0,      tile_1, tile_2, tile_3,
                                                       tile_4, tile_5, tile_6};

static void rn_conv_f16_avx2(const rn_conv_f16_args *a, uint32_t first, uint32_t last) {
  const rn_conv_geometry *g = &a->geometry;
  const uint32_t width = g->output_width, channels = g->output_blocks * RN_CHANNEL_BLOCK;
  const uint32_t tiles = (width + max_pixels - 1) / max_pixels;
  for (uint32_t unit = first; unit < last; unit++) {
    const uint32_t y = unit % g->output_height, first_oc = unit / g->output_height * 32;
    for (uint32_t oc = first_oc; oc < first_oc + 32 && oc < channels; oc += RN_CHANNEL_BLOCK) {
      for (uint32_t i = 0; i < tiles; i++) {
        const uint32_t x = width * i / tiles, columns = width * (i + 1) / tiles - x;
        one_row[columns](a, oc, y, x);
      }
    }
  }
}

RN_TARGET_POP

void rn_kernels_init_conv_f16_avx2(rn_kernels *kernels) { kernels->conv_f16 = rn_conv_f16_avx2; }
#endif
