// SPDX-License-Identifier: Apache-2.0
// Pools of any window: the definition of correct, and what all levels run. Their inner loops have a
// block of 16 channels, of which compilers make vectors.
#include "../common/rn_target.h"
#include <math.h>

#pragma STDC FP_CONTRACT OFF

// The part of a window that is in the image: `count` pixels in all.
typedef struct window {
  uint32_t rows, columns, count;
  float divisor;
} window;

// One block of channels of a window: `input` is at its first pixel in the image.
typedef void block_function(const rn_window_args *a, window w, const void *input, void *output);

// Cuts the window at `place`, counted from the padding's edge, to an image of `size` pixels:
// returns where it starts and sets how long it is.
static uint32_t cut(uint32_t place, uint32_t kernel, uint32_t padding, uint32_t size,
                    uint32_t *length) {
  const uint32_t start = place > padding ? place - padding : 0;
  const uint32_t end = place + kernel - padding;
  RN_REQUIRE(place + kernel > padding && start < size);
  *length = (end < size ? end : size) - start;
  return start;
}

RN_ALWAYS_INLINE void each_block(const rn_window_args *a, uint32_t first_row, uint32_t last_row,
                                 size_t element, block_function *block) {
  for (uint32_t y = first_row; y < last_row; y++) {
    for (uint32_t x = 0; x < a->output_width; x++) {
      window w;
      const uint32_t top =
          cut(y * a->stride_y, a->kernel_height, a->padding_top, a->input_height, &w.rows);
      const uint32_t left =
          cut(x * a->stride_x, a->kernel_width, a->padding_left, a->input_width, &w.columns);
      w.count = w.rows * w.columns;
      w.divisor = (float)(a->counts_padding ? a->kernel_height * a->kernel_width : w.count);
      const size_t input = top * a->input_row + (size_t)left * a->channels;
      const size_t output = y * a->output_row + (size_t)x * a->channels;
      for (uint32_t c = 0; c < a->channels; c += RN_CHANNEL_BLOCK)
        block(a, w, (const char *)a->input + (input + c) * element,
              (char *)a->output + (output + c) * element);
    }
  }
}

// Runs a statement for each channel i of each pixel of a window, which starts at element `at`.
#define EACH_VALUE(statement)                                                                      \
  for (uint32_t row = 0; row < w.rows; row++)                                                      \
    for (uint32_t column = 0; column < w.columns; column++) {                                      \
      const size_t at = row * a->input_row + (size_t)column * a->channels;                         \
      for (uint32_t i = 0; i < RN_CHANNEL_BLOCK; i++)                                              \
        statement;                                                                                 \
    }

static void max_q8(const rn_window_args *a, window w, const void *input, void *output) {
  const uint8_t *in = input, flip = a->flip;
  uint8_t greatest[RN_CHANNEL_BLOCK] = {0};
  EACH_VALUE({
    const uint8_t value = in[at + i] ^ flip;
    greatest[i] = value > greatest[i] ? value : greatest[i];
  })
  for (uint32_t i = 0; i < RN_CHANNEL_BLOCK; i++)
    ((uint8_t *)output)[i] = greatest[i] ^ flip;
}

static void max_f32(const rn_window_args *a, window w, const void *input, void *output) {
  const float *in = input;
  float greatest[RN_CHANNEL_BLOCK];
  for (uint32_t i = 0; i < RN_CHANNEL_BLOCK; i++)
    greatest[i] = -INFINITY;
  EACH_VALUE(greatest[i] = in[at + i] > greatest[i] ? in[at + i] : greatest[i])
  for (uint32_t i = 0; i < RN_CHANNEL_BLOCK; i++)
    ((float *)output)[i] = greatest[i];
}

static void avg_q8(const rn_window_args *a, window w, const void *input, void *output) {
  const uint8_t *in = input, flip = a->flip;
  int32_t sum[RN_CHANNEL_BLOCK];
  for (uint32_t i = 0; i < RN_CHANNEL_BLOCK; i++)
    sum[i] = -(int32_t)w.count * a->input_zero;
  EACH_VALUE(sum[i] += in[at + i] ^ flip)
  const float low = (float)-a->output_zero, high = (float)(255 - a->output_zero);
  for (uint32_t i = 0; i < RN_CHANNEL_BLOCK; i++) {
    float t = (float)sum[i] * a->multiplier / w.divisor;
    t = t > low ? t : low;
    t = t < high ? t : high;
    ((uint8_t *)output)[i] = (uint8_t)(lrintf(t) + a->output_zero) ^ flip;
  }
}

static void avg_f32(const rn_window_args *a, window w, const void *input, void *output) {
  const float *in = input;
  float sum[RN_CHANNEL_BLOCK] = {0};
  EACH_VALUE(sum[i] += in[at + i])
  for (uint32_t i = 0; i < RN_CHANNEL_BLOCK; i++)
    ((float *)output)[i] = sum[i] / w.divisor;
}

void rn_windowmax_q8_ref(const rn_window_args *a, uint32_t first_row, uint32_t last_row) {
  each_block(a, first_row, last_row, sizeof(uint8_t), max_q8);
}

void rn_windowmax_f32_ref(const rn_window_args *a, uint32_t first_row, uint32_t last_row) {
  each_block(a, first_row, last_row, sizeof(float), max_f32);
}

void rn_windowavg_q8_ref(const rn_window_args *a, uint32_t first_row, uint32_t last_row) {
  each_block(a, first_row, last_row, sizeof(uint8_t), avg_q8);
}

void rn_windowavg_f32_ref(const rn_window_args *a, uint32_t first_row, uint32_t last_row) {
  each_block(a, first_row, last_row, sizeof(float), avg_f32);
}
