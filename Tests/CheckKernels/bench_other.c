// SPDX-License-Identifier: Apache-2.0
// Kernels that are bound by memory or by latency rather than by multiplication.
#include "buffers.h"
#include "slots.h"
#include <stdio.h>

static void *random_input(size_t count, size_t element) {
  return buffer_random(&(check_random){1}, count, element);
}

void bench_maxpool(bench_run *run) {
  enum { width = 56, channels = 64, row = (2 * width + 1) * channels };
  buffers_reset();
  const char *input = random_input(3 * row, run->element);
  const rn_maxpool_args a = {
      .rows = {input, input + row * run->element, input + 2 * row * run->element},
      .output = buffer_output(width * channels * run->element),
      .output_width = width,
      .channels = channels};
  BENCH(run, "one row of 56, 64 channels", 0, 0,
        SLOT_KERNEL(run, run->kernels, maxpool_q8, maxpool_f32)(&a));
}

void bench_avgpool(bench_run *run) {
  for (uint32_t channels = 512; channels <= 2048; channels *= 4) {
    buffers_reset();
    const rn_avgpool_args a = {.input = random_input(49 * (size_t)channels, run->element),
                               .input_row = 7 * (size_t)channels,
                               .height = 7,
                               .width = 7,
                               .channels = channels,
                               .multiplier = 1.0f / 49,
                               .features = buffer_output(channels * sizeof(float))};
    char name[40];
    snprintf(name, sizeof name, "7x7 %u", channels);
    BENCH(run, name, 0, 0, SLOT_KERNEL(run, run->kernels, avgpool_q8, avgpool_f32)(&a));
  }
}

static void window(bench_run *run, void (*kernel)(const rn_window_args *, uint32_t, uint32_t)) {
  enum { size = 28, channels = 128 };
  buffers_reset();
  const rn_window_args a = {.input = random_input(size * size * channels, run->element),
                            .output = buffer_output(size * size * channels * run->element),
                            .input_row = size * channels,
                            .output_row = size * channels,
                            .input_height = size,
                            .input_width = size,
                            .output_height = size,
                            .output_width = size,
                            .channels = channels,
                            .kernel_height = 3,
                            .kernel_width = 3,
                            .stride_y = 1,
                            .stride_x = 1,
                            .padding_top = 1,
                            .padding_left = 1,
                            .flip = run->element == 1 ? run->kernels->activation_flip : 0,
                            .multiplier = 1};
  BENCH(run, "3x3, 28x28 of 128 channels", 0, 0, kernel(&a, 0, size));
}

void bench_windowmax(bench_run *run) {
  window(run, SLOT_KERNEL(run, run->kernels, windowmax_q8, windowmax_f32));
}

void bench_windowavg(bench_run *run) {
  window(run, SLOT_KERNEL(run, run->kernels, windowavg_q8, windowavg_f32));
}

static rn_convert_args row_of_56(const bench_run *run) {
  buffers_reset();
  return (rn_convert_args){.pixels = 56,
                           .channels = 64,
                           .stored_pixel = 64,
                           .value_pixel = 64,
                           .scale = 0.01f,
                           .zero = 3,
                           .flip = run->kernels->activation_flip};
}

void bench_dequantize(bench_run *run) {
  const rn_convert_args a = row_of_56(run);
  const uint8_t *stored = random_input(56 * 64, 1);
  float *values = buffer_output(56 * 64 * sizeof(float));
  BENCH(run, "one row of 56, 64 channels", 0, 0, run->kernels->dequantize(&a, stored, values));
}

void bench_quantize(bench_run *run) {
  const rn_convert_args a = row_of_56(run);
  const float *values = random_input(56 * 64, sizeof(float));
  uint8_t *stored = buffer_output(56 * 64);
  BENCH(run, "one row of 56, 64 channels", 0, 0, run->kernels->quantize(&a, values, stored));
}

void bench_linear_q8(bench_run *run) {
  enum { blocks = 63, outputs = blocks * RN_CHANNEL_BLOCK };
  for (uint32_t inputs = 512; inputs <= 2048; inputs *= 4) {
    buffers_reset();
    const rn_linear_q8_args a = {.features = random_input(inputs, sizeof(float)),
                                 .weights = random_input((size_t)inputs * outputs, 1),
                                 .multiplier = random_input(outputs, sizeof(float)),
                                 .bias = random_input(outputs, sizeof(float)),
                                 .logits = buffer_output(outputs * sizeof(float)),
                                 .inputs = inputs,
                                 .output_blocks = blocks};
    char name[40];
    snprintf(name, sizeof name, "%u-%u", inputs, outputs);
    BENCH(run, name, 0, 0, run->kernels->linear_q8(&a, 0, blocks));
  }
}

void bench_input(bench_run *run) {
  enum { width = 224 };
  buffers_reset();
  const rn_input_args a = {.rgb = random_input(3 * width, 1),
                           .output = buffer_output(3 * width * run->element),
                           .width = width,
                           .mean = {0.485f, 0.456f, 0.406f},
                           .std = {0.229f, 0.224f, 0.225f}};
  BENCH(run, "one row of 224", 0, 0, SLOT_KERNEL(run, run->kernels, input_q8, input_f32)(&a));
}

void bench_softmax_f32(bench_run *run) {
  buffers_reset();
  const float *logits = random_input(1000, sizeof(float));
  float *probabilities = buffer_output(1000 * sizeof(float));
  BENCH(run, "1000", 0, 0, run->kernels->softmax_f32(logits, probabilities, 1000));
}
