// SPDX-License-Identifier: Apache-2.0
// Kernels that are bound by memory or by latency rather than by multiplication.
#include "bench.h"
#include "buffers.h"
#include "random.h"
#include <stdio.h>

// Bytes of random data, or floats in -1...1.
static void *random_input(size_t count, size_t element) {
  check_random random = {1};
  void *values = buffer_input(count * element);
  if (element == 1)
    random_bytes(&random, values, count);
  else
    for (size_t i = 0; i < count; i++)
      ((float *)values)[i] = random_float(&random);
  return values;
}

static void maxpool(bench_run *run, size_t element, void (*kernel)(const rn_maxpool_args *)) {
  enum { width = 56, channels = 64, row = (2 * width + 1) * channels };
  buffers_reset();
  const char *input = random_input(3 * row, element);
  const rn_maxpool_args a = {.rows = {input, input + row * element, input + 2 * row * element},
                             .output = buffer_output(width * channels * element),
                             .output_width = width,
                             .channels = channels};
  bench_samples samples;
  BENCH(&samples, kernel(&a));
  bench_report(run, &samples, "one row of 56, 64 channels", 0, 0);
}

void bench_maxpool_q8(bench_run *run) { maxpool(run, 1, run->kernels->maxpool_q8); }
void bench_maxpool_f32(bench_run *run) { maxpool(run, sizeof(float), run->kernels->maxpool_f32); }

static void avgpool(bench_run *run, size_t element, void (*kernel)(const rn_avgpool_args *)) {
  for (uint32_t channels = 512; channels <= 2048; channels *= 4) {
    buffers_reset();
    const rn_avgpool_args a = {.input = random_input(49 * (size_t)channels, element),
                               .input_row = 7 * (size_t)channels,
                               .height = 7,
                               .width = 7,
                               .channels = channels,
                               .multiplier = 1.0f / 49,
                               .features = (float *)buffer_output(channels * sizeof(float))};
    bench_samples samples;
    BENCH(&samples, kernel(&a));
    char name[40];
    snprintf(name, sizeof name, "7x7 %u", channels);
    bench_report(run, &samples, name, 0, 0);
  }
}

void bench_avgpool_q8(bench_run *run) { avgpool(run, 1, run->kernels->avgpool_q8); }
void bench_avgpool_f32(bench_run *run) { avgpool(run, sizeof(float), run->kernels->avgpool_f32); }

static void window(bench_run *run, size_t element,
                   void (*kernel)(const rn_window_args *, uint32_t, uint32_t)) {
  enum { size = 28, channels = 128 };
  buffers_reset();
  const rn_window_args a = {.input = random_input(size * size * channels, element),
                            .output = buffer_output(size * size * channels * element),
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
                            .flip = element == 1 ? run->kernels->activation_flip : 0,
                            .multiplier = 1};
  bench_samples samples;
  BENCH(&samples, kernel(&a, 0, size));
  bench_report(run, &samples, "3x3, 28x28 of 128 channels", 0, 0);
}

void bench_windowmax_q8(bench_run *run) { window(run, 1, run->kernels->windowmax_q8); }
void bench_windowmax_f32(bench_run *run) { window(run, 4, run->kernels->windowmax_f32); }
void bench_windowavg_q8(bench_run *run) { window(run, 1, run->kernels->windowavg_q8); }
void bench_windowavg_f32(bench_run *run) { window(run, 4, run->kernels->windowavg_f32); }

static rn_convert_args row_of_56(const bench_run *run) {
  return (rn_convert_args){.pixels = 56,
                           .channels = 64,
                           .stored_pixel = 64,
                           .value_pixel = 64,
                           .scale = 0.01f,
                           .zero = 3,
                           .flip = run->kernels->activation_flip};
}

void bench_dequantize(bench_run *run) {
  buffers_reset();
  const rn_convert_args a = row_of_56(run);
  const uint8_t *stored = random_input(56 * 64, 1);
  float *values = (float *)buffer_output(56 * 64 * sizeof(float));
  bench_samples samples;
  BENCH(&samples, run->kernels->dequantize(&a, stored, values));
  bench_report(run, &samples, "one row of 56, 64 channels", 0, 0);
}

void bench_quantize(bench_run *run) {
  buffers_reset();
  const rn_convert_args a = row_of_56(run);
  const float *values = random_input(56 * 64, sizeof(float));
  uint8_t *stored = buffer_output(56 * 64);
  bench_samples samples;
  BENCH(&samples, run->kernels->quantize(&a, values, stored));
  bench_report(run, &samples, "one row of 56, 64 channels", 0, 0);
}

void bench_linear_q8(bench_run *run) {
  enum { blocks = 63, outputs = blocks * RN_CHANNEL_BLOCK };
  for (uint32_t inputs = 512; inputs <= 2048; inputs *= 4) {
    buffers_reset();
    const rn_linear_q8_args a = {.features = random_input(inputs, sizeof(float)),
                                 .weights = random_input((size_t)inputs * outputs, 1),
                                 .multiplier = random_input(outputs, sizeof(float)),
                                 .bias = random_input(outputs, sizeof(float)),
                                 .logits = (float *)buffer_output(outputs * sizeof(float)),
                                 .inputs = inputs,
                                 .output_blocks = blocks};
    bench_samples samples;
    BENCH(&samples, run->kernels->linear_q8(&a, 0, blocks));
    char name[40];
    snprintf(name, sizeof name, "%u-%u", inputs, outputs);
    bench_report(run, &samples, name, 0, 0);
  }
}

static void input(bench_run *run, size_t element, void (*kernel)(const rn_input_args *)) {
  enum { width = 224 };
  buffers_reset();
  const rn_input_args a = {.rgb = random_input(3 * width, 1),
                           .output = buffer_output(3 * width * element),
                           .width = width,
                           .mean = {0.485f, 0.456f, 0.406f},
                           .std = {0.229f, 0.224f, 0.225f}};
  bench_samples samples;
  BENCH(&samples, kernel(&a));
  bench_report(run, &samples, "one row of 224", 0, 0);
}

void bench_input_q8(bench_run *run) { input(run, 1, run->kernels->input_q8); }
void bench_input_f32(bench_run *run) { input(run, sizeof(float), run->kernels->input_f32); }

void bench_softmax_f32(bench_run *run) {
  buffers_reset();
  const float *logits = random_input(1000, sizeof(float));
  float *probabilities = (float *)buffer_output(1000 * sizeof(float));
  bench_samples samples;
  BENCH(&samples, run->kernels->softmax_f32(logits, probabilities, 1000));
  bench_report(run, &samples, "1000", 0, 0);
}
