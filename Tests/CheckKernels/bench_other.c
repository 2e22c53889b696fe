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

static void window(bench_run *run, void (*kernel)(const rn_window_args *, uint32_t, uint32_t),
                   uint32_t stride) {
  enum { size = 28, channels = 128 };
  const uint32_t output_size = (size - 1) / stride + 1;
  buffers_reset();
  const rn_window_args a = {.input = random_input(size * size * channels, run->element),
                            .output = buffer_output(size * size * channels * run->element),
                            .input_row = size * channels,
                            .output_row = output_size * channels,
                            .input_height = size,
                            .input_width = size,
                            .output_height = output_size,
                            .output_width = output_size,
                            .channels = channels,
                            .kernel_height = 3,
                            .kernel_width = 3,
                            .stride_y = stride,
                            .stride_x = stride,
                            .padding_top = 1,
                            .padding_left = 1,
                            .flip = run->element == 1 ? run->kernels->activation_flip : 0,
                            .multiplier = 1};
  BENCH(run, stride == 1 ? "3x3, 28x28 of 128 channels" : "3x3 s2, 28x28 of 128", 0, 0,
        kernel(&a, 0, output_size));
}

void bench_windowmax(bench_run *run) {
  window(run, SLOT_KERNEL(run, run->kernels, windowmax_q8, windowmax_f32), 1);
}

void bench_windowavg(bench_run *run) {
  window(run, SLOT_KERNEL(run, run->kernels, windowavg_q8, windowavg_f32), 1);
}

void bench_windowblur(bench_run *run) {
  for (uint32_t stride = 1; stride <= 2; stride++)
    window(run, SLOT_KERNEL(run, run->kernels, windowblur_q8, windowblur_f32), stride);
}

// `rows` of 56 pixels of 64 channels, the whole image's in the second-level cache.
static void scale(bench_run *run, const char *name, uint32_t rows, bool has_residual,
                  bool has_slope, bool has_lower) {
  enum { width = 56, channels = 64, row = width * channels };
  const size_t count = rows * row, lower = has_lower ? count : 0;
  buffers_reset();
  const void *input = random_input(2 * count, run->element);
  const void *residual = has_residual ? random_input(2 * count, run->element) : 0;
  void *output = buffer_output(2 * count * run->element);
  const float *factors = random_input(3 * channels, sizeof(float));
  const float *slope = has_slope ? factors + 2 * channels : 0;
  if (run->element == 1) {
    const rn_scale_q8_args a = {.input = input,
                                .residual = residual,
                                .output = output,
                                .input_lower = (ptrdiff_t)lower,
                                .residual_lower = (ptrdiff_t)lower,
                                .output_lower = (ptrdiff_t)lower,
                                .input_row = row,
                                .residual_row = row,
                                .output_row = row,
                                .width = width,
                                .channels = channels,
                                .multiplier = factors,
                                .offset = factors + channels,
                                .slope = slope,
                                .residual_multiplier = 0.5f,
                                .low = 0,
                                .high = 127};
    BENCH(run, name, 0, 0, run->kernels->scale_q8(&a, 0, rows));
  } else {
    const rn_scale_f32_args a = {.input = input,
                                 .residual = residual,
                                 .output = output,
                                 .input_row = row,
                                 .residual_row = row,
                                 .output_row = row,
                                 .width = width,
                                 .channels = channels,
                                 .multiplier = factors,
                                 .offset = factors + channels,
                                 .slope = slope,
                                 .low = 0,
                                 .high = 127};
    BENCH(run, name, 0, 0, run->kernels->scale_f32(&a, 0, rows));
  }
}

void bench_scale(bench_run *run) {
  scale(run, "one row of 56, 64 channels", 1, false, false, false);
  scale(run, "with a residual", 1, true, false, false);
  scale(run, "with slopes", 1, false, true, false);
  if (run->element == 1) {
    scale(run, "of 16 bits", 1, false, false, true);
    scale(run, "of 16 bits, with a residual", 1, true, false, true);
  }
  scale(run, "56x56 of 64 channels", 56, false, false, false);
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

void bench_sigmoid_f32(bench_run *run) {
  buffers_reset();
  const float *values = random_input(1000, sizeof(float));
  float *results = buffer_output(1000 * sizeof(float));
  BENCH(run, "1000", 0, 0, run->kernels->sigmoid_f32(values, results, 1000));
}
