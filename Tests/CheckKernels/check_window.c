// SPDX-License-Identifier: Apache-2.0
// Pools of any window, which have one kernel for all levels: compared with sums and maxima of a
// window at a time, from the definition.
#include "buffers.h"
#include "compare.h"
#include "slots.h"
#include <math.h>
#include <string.h>

#pragma STDC FP_CONTRACT OFF

typedef void window_kernel(const rn_window_args *, uint32_t, uint32_t);

// What the definition says of one channel of a window; `element` is 1 for q8.
static float pooled(const rn_window_args *a, uint32_t y, uint32_t x, uint32_t c, size_t element,
                    bool is_maximum) {
  float greatest = -INFINITY, sum = 0;
  uint32_t count = 0;
  for (uint32_t row = 0; row < a->kernel_height; row++) {
    for (uint32_t column = 0; column < a->kernel_width; column++) {
      const int64_t i = (int64_t)(y * a->stride_y + row) - a->padding_top;
      const int64_t j = (int64_t)(x * a->stride_x + column) - a->padding_left;
      if (i < 0 || i >= a->input_height || j < 0 || j >= a->input_width)
        continue;
      const size_t at = (size_t)i * a->input_row + (size_t)j * a->channels + c;
      const float value = element == 1 ? (float)(((const uint8_t *)a->input)[at] ^ a->flip)
                                       : ((const float *)a->input)[at];
      greatest = value > greatest ? value : greatest;
      sum += element == 1 && !is_maximum ? value - (float)a->input_zero : value;
      count++;
    }
  }
  if (is_maximum)
    return greatest;
  const float divisor = (float)(a->counts_padding ? a->kernel_height * a->kernel_width : count);
  if (element != 1)
    return sum / divisor;
  const float zero = (float)a->output_zero;
  return fminf(fmaxf(nearbyintf(sum * a->multiplier / divisor), -zero), 255 - zero) + zero;
}

static uint32_t padding(check_run *run, uint32_t kernel) {
  return random_below(&run->random, kernel);
}

static int64_t reflected(int64_t i, int64_t size) {
  return i < 0 ? -i : i >= size ? 2 * size - 2 - i : i;
}

// The same of a blur, whose float sums have the order of the contract.
static float blurred(const rn_window_args *a, uint32_t y, uint32_t x, uint32_t c, size_t element) {
  float pixel[3][3];
  for (int row = 0; row < 3; row++)
    for (int column = 0; column < 3; column++) {
      const int64_t i = reflected((int64_t)y * a->stride_y + row - 1, a->input_height);
      const int64_t j = reflected((int64_t)x * a->stride_x + column - 1, a->input_width);
      const size_t at = (size_t)i * a->input_row + (size_t)j * a->channels + c;
      pixel[row][column] =
          element == 1 ? (float)((((const uint8_t *)a->input)[at] ^ a->flip) - a->input_zero)
                       : ((const float *)a->input)[at];
    }
  float columns[3];
  for (int column = 0; column < 3; column++)
    columns[column] = (pixel[0][column] + pixel[2][column]) + 2 * pixel[1][column];
  const float sum = (columns[0] + columns[2]) + 2 * columns[1];
  if (element != 1)
    return sum / 16;
  const float zero = (float)a->output_zero;
  return fminf(fmaxf(nearbyintf(sum * (a->multiplier / 16)), -zero), 255 - zero) + zero;
}

typedef enum window_kind { window_max, window_avg, window_blur } window_kind;

// A blur's kernel, and strides and outputs whose middles are in the image.
static void make_blur(check_random *random, rn_window_args *a) {
  a->input_height++;
  a->input_width++;
  a->kernel_height = a->kernel_width = 3;
  a->padding_top = a->padding_left = 1;
  a->stride_y = 1 + random_below(random, 8) % 3;
  a->stride_x = 1 + random_below(random, 8) % 3;
  a->output_height = (a->input_height - 1) / a->stride_y + 1;
  a->output_width = (a->input_width - 1) / a->stride_x + 1;
  // Ties.
  if (random_below(random, 4) == 0)
    a->multiplier = 0.5f;
}

static void one(check_run *run, window_kind kind, window_kernel *kernel) {
  check_begin(run);
  const size_t element = run->element;
  check_random *random = &run->random;
  rn_window_args a = {
      .input_height = 1 + random_below(random, 12),
      .input_width = 1 + random_below(random, 12),
      .channels = 16 * (1 + random_below(random, 4)),
      .stride_y = 1 + random_below(random, 4),
      .stride_x = 1 + random_below(random, 4),
      .counts_padding = random_below(random, 2),
      .flip = random_below(random, 2) * 0x80,
      .input_zero = random_between(random, 0, 255),
      .output_zero = random_between(random, 0, 255),
      .multiplier = fabsf(random_float(random)) * 2,
  };
  a.kernel_height = 1 + random_below(random, a.input_height < 16 ? a.input_height : 16);
  a.kernel_width = 1 + random_below(random, a.input_width < 16 ? a.input_width : 16);
  a.padding_top = padding(run, a.kernel_height);
  a.padding_left = padding(run, a.kernel_width);
  a.output_height =
      (a.input_height + a.padding_top + padding(run, a.kernel_height) - a.kernel_height) /
          a.stride_y +
      1;
  a.output_width =
      (a.input_width + a.padding_left + padding(run, a.kernel_width) - a.kernel_width) /
          a.stride_x +
      1;
  if (kind == window_blur)
    make_blur(random, &a);
  a.input_row = (a.input_width + random_below(random, 3)) * a.channels;
  a.output_row = (a.output_width + random_below(random, 3)) * a.channels;
  const uint32_t first = random_below(random, a.output_height);
  const uint32_t last = first + 1 + random_below(random, a.output_height - first);
  check_describe(run, "%ux%u of %u channels, window %ux%u, stride %ux%u, padding %u %u, rows %u-%u",
                 a.input_height, a.input_width, a.channels, a.kernel_height, a.kernel_width,
                 a.stride_y, a.stride_x, a.padding_top, a.padding_left, first, last);
  const size_t count = a.input_row * (a.input_height - 1) + a.input_width * a.channels;
  a.input = buffer_random(random, count, element);
  const check_output o = check_output_of((check_output){.row = a.output_row * element,
                                                        .pixel = a.channels * element,
                                                        .element = element,
                                                        .height = a.output_height,
                                                        .width = a.output_width,
                                                        .channels = a.channels,
                                                        .unit_channels = a.channels,
                                                        .first = first,
                                                        .last = last});
  for (uint32_t y = first; y < last; y++) {
    for (uint32_t x = 0; x < a.output_width; x++) {
      for (uint32_t c = 0; c < a.channels; c++) {
        const float value = kind == window_blur ? blurred(&a, y, x, c, element)
                                                : pooled(&a, y, x, c, element, kind == window_max);
        uint8_t *place = (uint8_t *)o.expected + y * o.row + x * o.pixel + c * element;
        if (element == 1)
          *place = (uint8_t)value ^ a.flip;
        else
          memcpy(place, &value, sizeof value);
      }
    }
  }
  a.output = o.found;
  CHECK_KERNEL(run, kernel(&a, first, last));
  check_compare(run, &o);
  check_end(run);
}

void check_windowmax(check_run *run) {
  for (int i = 0; i < 400; i++)
    one(run, window_max, SLOT_KERNEL(run, run->kernels, windowmax_q8, windowmax_f32));
}

void check_windowavg(check_run *run) {
  for (int i = 0; i < 400; i++)
    one(run, window_avg, SLOT_KERNEL(run, run->kernels, windowavg_q8, windowavg_f32));
}

void check_windowblur(check_run *run) {
  for (int i = 0; i < 400; i++)
    one(run, window_blur, SLOT_KERNEL(run, run->kernels, windowblur_q8, windowblur_f32));
}
