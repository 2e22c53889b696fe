// SPDX-License-Identifier: Apache-2.0
// The blur in front of a stride: the definition of correct, and what all levels run. Its inner
// loops have a block of 16 channels, of which compilers make vectors.
//
//   columns of the image    0   1   2   3   4       windows share them: with stride 1 two, with
//   window x = 1, stride 1      l   m   r           stride 2 one, which are kept
//   window x = 2, stride 1          l   m   r
#include "../common/rn_target.h"
#include <string.h>

#pragma STDC FP_CONTRACT OFF

// Row or column i of `size`, counted from -1 on, reflected at both ends.
RN_ALWAYS_INLINE uint32_t reflected(int64_t i, uint32_t size) {
  return (uint32_t)(i < 0 ? -i : i < size ? i : 2 * ((int64_t)size - 1) - i);
}

// Makes name(a, first_row, last_row) for elements of `type`, whose sums are `sum_type`. column(a,
// rows, at, sum) sums a column of three pixels of 16 channels up, at element `at` of the rows, and
// store(a, left, middle, right, output) makes outputs of three of them.
#define BLUR(name, type, sum_type, column, store)                                                  \
  void name(const rn_window_args *args, uint32_t first_row, uint32_t last_row) {                   \
    const rn_window_args copy = *args, *a = &copy; /* which the stores cannot alias */             \
    require_blur(a, last_row);                                                                     \
    const size_t pixel = a->channels;                                                              \
    for (uint32_t y = first_row; y < last_row; y++) {                                              \
      for (uint32_t c = 0; c < a->channels; c += RN_CHANNEL_BLOCK) {                               \
        const type *rows[3];                                                                       \
        for (uint32_t r = 0; r < 3; r++)                                                           \
          rows[r] = (const type *)a->input + c +                                                   \
                    reflected((int64_t)y * a->stride_y + r - 1, a->input_height) * a->input_row;   \
        type *output = (type *)a->output + y * a->output_row + c;                                  \
        sum_type left[RN_CHANNEL_BLOCK], middle[RN_CHANNEL_BLOCK], right[RN_CHANNEL_BLOCK];        \
        for (uint32_t x = 0; x < a->output_width; x++, output += pixel) {                          \
          const uint32_t at = x * a->stride_x;                                                     \
          if (x > 0 && a->stride_x == 1) {                                                         \
            copy_block(left, middle);                                                              \
            copy_block(middle, right);                                                             \
          } else {                                                                                 \
            if (x > 0 && a->stride_x == 2)                                                         \
              copy_block(left, right);                                                             \
            else                                                                                   \
              column(a, rows, reflected((int64_t)at - 1, a->input_width) * pixel, left);           \
            column(a, rows, at *pixel, middle);                                                    \
          }                                                                                        \
          column(a, rows, reflected((int64_t)at + 1, a->input_width) * pixel, right);              \
          store(a, left, middle, right, output);                                                   \
        }                                                                                          \
      }                                                                                            \
    }                                                                                              \
  }

#define copy_block(to, from) memcpy(to, from, sizeof(to))

RN_ALWAYS_INLINE void require_blur(const rn_window_args *a, uint32_t last_row) {
  (void)a, (void)last_row;
  RN_REQUIRE(a->kernel_height == 3 && a->kernel_width == 3);
  RN_REQUIRE(a->padding_top == 1 && a->padding_left == 1);
  RN_REQUIRE(a->input_height >= 2 && a->input_width >= 2 && last_row <= a->output_height);
  RN_REQUIRE((uint64_t)(a->output_height - 1) * a->stride_y < a->input_height);
  RN_REQUIRE((uint64_t)(a->output_width - 1) * a->stride_x < a->input_width);
}

RN_ALWAYS_INLINE void column_q8(const rn_window_args *a, const uint8_t *const rows[3], size_t at,
                                uint16_t sum[RN_CHANNEL_BLOCK]) {
  const uint8_t flip = a->flip;
  uint8_t pixel[3][RN_CHANNEL_BLOCK];
  for (uint32_t r = 0; r < 3; r++) {
    memcpy(pixel[r], rows[r] + at, sizeof pixel[r]);
    for (uint32_t i = 0; i < RN_CHANNEL_BLOCK; i++)
      pixel[r][i] ^= flip;
  }
  for (uint32_t i = 0; i < RN_CHANNEL_BLOCK; i++)
    sum[i] = (uint16_t)(pixel[0][i] + pixel[2][i] + 2 * pixel[1][i]);
}

// Range: sums of at most 16 * 255, so that 16 bits hold them.
RN_ALWAYS_INLINE void store_q8(const rn_window_args *a, const uint16_t left[RN_CHANNEL_BLOCK],
                               const uint16_t middle[RN_CHANNEL_BLOCK],
                               const uint16_t right[RN_CHANNEL_BLOCK], uint8_t *output) {
  const float factor = a->multiplier * 0.0625f;
  const float low = (float)-a->output_zero, high = (float)(255 - a->output_zero);
  int16_t sum[RN_CHANNEL_BLOCK];
  for (uint32_t i = 0; i < RN_CHANNEL_BLOCK; i++)
    sum[i] = (int16_t)(left[i] + right[i] + 2 * middle[i] - 16 * a->input_zero);
  uint8_t bytes[RN_CHANNEL_BLOCK];
  for (uint32_t i = 0; i < RN_CHANNEL_BLOCK; i++) {
    float t = (float)sum[i] * factor;
    t = t > low ? t : low;
    t = t < high ? t : high;
    // Range: -255...255, so that adding 1.5 * 2^23 leaves no bit for a fraction: it rounds half to
    // even.
    const int32_t rounded = (int32_t)((t + 0x1.8p23f) - 0x1.8p23f);
    bytes[i] = (uint8_t)(rounded + a->output_zero) ^ a->flip;
  }
  memcpy(output, bytes, sizeof bytes);
}

RN_ALWAYS_INLINE void column_f32(const rn_window_args *a, const float *const rows[3], size_t at,
                                 float sum[RN_CHANNEL_BLOCK]) {
  (void)a;
  float pixel[3][RN_CHANNEL_BLOCK];
  for (uint32_t r = 0; r < 3; r++)
    memcpy(pixel[r], rows[r] + at, sizeof pixel[r]);
  for (uint32_t i = 0; i < RN_CHANNEL_BLOCK; i++)
    sum[i] = (pixel[0][i] + pixel[2][i]) + (pixel[1][i] + pixel[1][i]);
}

RN_ALWAYS_INLINE void store_f32(const rn_window_args *a, const float left[RN_CHANNEL_BLOCK],
                                const float middle[RN_CHANNEL_BLOCK],
                                const float right[RN_CHANNEL_BLOCK], float *output) {
  (void)a;
  float mean[RN_CHANNEL_BLOCK];
  for (uint32_t i = 0; i < RN_CHANNEL_BLOCK; i++)
    mean[i] = ((left[i] + right[i]) + (middle[i] + middle[i])) * 0.0625f;
  memcpy(output, mean, sizeof mean);
}

BLUR(rn_windowblur_q8_ref, uint8_t, uint16_t, column_q8, store_q8)
BLUR(rn_windowblur_f32_ref, float, float, column_f32, store_f32)
