// SPDX-License-Identifier: Apache-2.0
#include "bench.h"
#include "buffers.h"
#include "random.h"
#include <math.h>
#include <stdio.h>
#include <string.h>

// Every convolution of ResNet18, ResNet34 and ResNet50 at 224x224.
static const struct shape {
  uint32_t kernel, stride, input_channels, output_channels, size; // of the output
} shapes[] = {
    {7, 2, 3, 64, 112},    {3, 1, 64, 64, 56},    {3, 2, 64, 128, 28},   {3, 1, 128, 128, 28},
    {3, 2, 128, 256, 14},  {3, 1, 256, 256, 14},  {3, 2, 256, 512, 7},   {3, 1, 512, 512, 7},
    {1, 2, 64, 128, 28},   {1, 2, 128, 256, 14},  {1, 2, 256, 512, 7},   {1, 1, 64, 64, 56},
    {1, 1, 64, 256, 56},   {1, 1, 256, 64, 56},   {1, 1, 256, 128, 56},  {3, 2, 128, 128, 28},
    {1, 1, 128, 512, 28},  {1, 2, 256, 512, 28},  {1, 1, 512, 128, 28},  {1, 1, 512, 256, 28},
    {3, 2, 256, 256, 14},  {1, 1, 256, 1024, 14}, {1, 2, 512, 1024, 14}, {1, 1, 1024, 256, 14},
    {1, 1, 1024, 512, 14}, {3, 2, 512, 512, 7},   {1, 1, 512, 2048, 7},  {1, 2, 1024, 2048, 7},
    {1, 1, 2048, 512, 7},
};
enum { shape_count = sizeof shapes / sizeof shapes[0] };

// Runs are whole groups of 4 for int8, of 1 for float32.
static rn_conv_geometry geometry_of(const struct shape *s, uint32_t group) {
  const size_t input_row = (size_t)((s->size - 1) * s->stride + s->kernel) * s->input_channels;
  return (rn_conv_geometry){.output_height = s->size,
                            .output_width = s->size,
                            .output_blocks = s->output_channels / RN_CHANNEL_BLOCK,
                            .kernel_rows = s->kernel,
                            .run = (s->kernel * s->input_channels + group - 1) / group * group,
                            .input_row = input_row,
                            .step_y = s->stride * input_row,
                            .step_x = (size_t)s->stride * s->input_channels,
                            .output_row = (size_t)s->size * s->output_channels,
                            .output_pixel = s->output_channels,
                            .residual_row = (size_t)s->size * s->output_channels};
}

static void name_of(char *text, size_t size, const struct shape *s) {
  snprintf(text, size, "%ux%us%u %ux%u %u-%u", s->kernel, s->kernel, s->stride, s->size, s->size,
           s->input_channels, s->output_channels);
}

static size_t taps_of(const rn_conv_geometry *g) { return (size_t)g->kernel_rows * g->run; }

static size_t input_count(const struct shape *s, const rn_conv_geometry *g) {
  return ((s->size - 1) * s->stride + s->kernel) * g->input_row;
}

// Those of the network, without padding.
static double multiplications(const struct shape *s) {
  const double taps = s->kernel * s->kernel * s->input_channels;
  return (double)s->size * s->size * s->output_channels * taps;
}

static void fill_floats(float *values, size_t count, check_random *random) {
  for (size_t i = 0; i < count; i++)
    values[i] = random_float(random);
}

// From 0.0625 to 2, of both signs.
static void fill_halves(uint16_t *halves, size_t count, check_random *random) {
  random_bytes(random, halves, count * sizeof *halves);
  for (size_t i = 0; i < count; i++)
    halves[i] = (halves[i] & 0x93ff) | 0x2c00;
}

// Random float32 input and bias of a layer, and room for its output.
typedef struct float_layer {
  rn_conv_geometry geometry;
  float *input, *bias, *output;
} float_layer;

static float_layer float_layer_of(const struct shape *s, check_random *random) {
  const rn_conv_geometry g = geometry_of(s, 1);
  const size_t inputs = input_count(s, &g);
  const float_layer layer = {
      .geometry = g,
      .input = buffer_input(inputs * sizeof(float)),
      .bias = buffer_input(s->output_channels * sizeof(float)),
      .output = (float *)buffer_output((size_t)s->size * g.output_row * sizeof(float))};
  fill_floats(layer.input, inputs, random);
  fill_floats(layer.bias, s->output_channels, random);
  return layer;
}

void bench_conv_q8(bench_run *run) {
  check_random random = {1};
  for (const struct shape *s = shapes; s < shapes + shape_count; s++) {
    buffers_reset();
    const rn_conv_geometry g = geometry_of(s, 4);
    const size_t inputs = input_count(s, &g), weight_count = taps_of(&g) * s->output_channels;
    uint8_t *input = buffer_input(inputs);
    int8_t *weights = buffer_input(weight_count);
    int32_t *bias = buffer_input(s->output_channels * sizeof *bias);
    float *multiplier = buffer_input(s->output_channels * sizeof *multiplier);
    random_bytes(&random, input, inputs);
    random_bytes(&random, weights, weight_count);
    memset(bias, 0, s->output_channels * sizeof *bias);
    for (uint32_t oc = 0; oc < s->output_channels; oc++)
      multiplier[oc] = 1e-4f;
    const rn_conv_q8_args a = {.geometry = g,
                               .input = input,
                               .weights = weights,
                               .bias = bias,
                               .multiplier = multiplier,
                               .output = buffer_output((size_t)s->size * g.output_row),
                               .high = 255};
    bench_samples samples;
    BENCH(&samples, run->kernels->conv_q8(&a, 0, rn_conv_units(&g)));
    char name[40];
    name_of(name, sizeof name, s);
    bench_report(run, &samples, name, multiplications(s), run->peak_q8);
  }
}

// The rate is that of the direct convolution's multiplications. The reference, which transforms
// anew for each output channel, is left out.
void bench_winograd_q8(bench_run *run) {
  static const uint32_t forms[][2] = {{2, 2}, {4, 2}, {4, 4}};
  if (strcmp(run->isa, "ref") == 0)
    return;
  check_random random = {1};
  for (unsigned i = 0; i < 4; i++) {
    for (unsigned form = 0; form < 3; form++) {
      buffers_reset();
      const struct shape s = {3, 1, 64u << i, 64u << i, 56u >> i};
      const rn_conv_geometry g = geometry_of(&s, 4);
      const uint32_t tile_height = forms[form][0], tile_width = forms[form][1];
      const size_t inputs = input_count(&s, &g);
      const size_t weight_count = (size_t)rn_winograd_positions(tile_height, tile_width) *
                                  s.input_channels * s.output_channels;
      uint8_t *input = buffer_input(inputs);
      int16_t *weights = buffer_input(weight_count * sizeof *weights);
      int32_t *bias = buffer_input(s.output_channels * sizeof *bias);
      float *multiplier = buffer_input(s.output_channels * sizeof *multiplier);
      random_bytes(&random, input, inputs);
      random_bytes(&random, weights, weight_count * sizeof *weights);
      memset(bias, 0, s.output_channels * sizeof *bias);
      for (uint32_t oc = 0; oc < s.output_channels; oc++)
        multiplier[oc] = 1e-4f;
      const rn_winograd_q8_args a = {
          .conv = {.geometry = g,
                   .input = input,
                   .bias = bias,
                   .multiplier = multiplier,
                   .output = buffer_output((size_t)s.size * g.output_row),
                   .high = 255},
          .weights = weights,
          .tile_height = tile_height,
          .tile_width = tile_width,
          .scratch =
              buffer_output(rn_winograd_q8_scratch(tile_height, tile_width, s.input_channels))};
      bench_samples samples;
      BENCH(&samples, run->kernels->winograd_q8(&a, 0, rn_winograd_q8_units(&a)));
      char name[40];
      snprintf(name, sizeof name, "F(%ux%u) %ux%u %u-%u", tile_height, tile_width, s.size, s.size,
               s.input_channels, s.output_channels);
      bench_report(run, &samples, name, multiplications(&s), run->peak_q8);
    }
  }
}

void bench_conv_f32(bench_run *run) {
  check_random random = {1};
  for (const struct shape *s = shapes; s < shapes + shape_count; s++) {
    buffers_reset();
    const float_layer layer = float_layer_of(s, &random);
    const size_t weight_count = taps_of(&layer.geometry) * s->output_channels;
    float *weights = buffer_input(weight_count * sizeof *weights);
    fill_floats(weights, weight_count, &random);
    const rn_conv_float_args a = {.geometry = layer.geometry,
                                  .input = layer.input,
                                  .weights = weights,
                                  .bias = layer.bias,
                                  .output = layer.output,
                                  .high = INFINITY};
    bench_samples samples;
    BENCH(&samples, run->kernels->conv_f32(&a, 0, rn_conv_units(&a.geometry)));
    char name[40];
    name_of(name, sizeof name, s);
    bench_report(run, &samples, name, multiplications(s), run->peak_f32);
  }
}

static void conv_f16(bench_run *run,
                     void (*kernel)(const rn_conv_float_args *, uint32_t, uint32_t)) {
  check_random random = {1};
  for (const struct shape *s = shapes; s < shapes + shape_count; s++) {
    buffers_reset();
    const float_layer layer = float_layer_of(s, &random);
    const size_t weight_count = taps_of(&layer.geometry) * s->output_channels;
    uint16_t *weights = buffer_input(weight_count * sizeof *weights);
    fill_halves(weights, weight_count, &random);
    const rn_conv_float_args a = {.geometry = layer.geometry,
                                  .input = layer.input,
                                  .weights = weights,
                                  .bias = layer.bias,
                                  .output = layer.output,
                                  .high = INFINITY};
    bench_samples samples;
    BENCH(&samples, kernel(&a, 0, rn_conv_units(&a.geometry)));
    char name[40];
    name_of(name, sizeof name, s);
    bench_report(run, &samples, name, multiplications(s), run->peak_f32);
  }
}

void bench_conv_f16(bench_run *run) { conv_f16(run, run->kernels->conv_f16); }

void bench_conv_f16acc16(bench_run *run) { conv_f16(run, run->kernels->conv_f16acc16); }

// The rate is that of the direct convolution's multiplications. As above.
static void winograd_f16(bench_run *run,
                         void (*kernel)(const rn_winograd_float_args *, uint32_t, uint32_t)) {
  static const uint32_t forms[][2] = {{2, 2}, {4, 2}, {4, 4}};
  if (strcmp(run->isa, "ref") == 0)
    return;
  check_random random = {1};
  for (unsigned i = 0; i < 4; i++) {
    for (unsigned form = 0; form < 3; form++) {
      buffers_reset();
      const struct shape s = {3, 1, 64u << i, 64u << i, 56u >> i};
      const float_layer layer = float_layer_of(&s, &random);
      const uint32_t tile_height = forms[form][0], tile_width = forms[form][1];
      const size_t weight_count = (size_t)rn_winograd_positions(tile_height, tile_width) *
                                  s.input_channels * s.output_channels;
      uint16_t *weights = buffer_input(weight_count * sizeof *weights);
      fill_halves(weights, weight_count, &random);
      const rn_winograd_float_args a = {.conv = {.geometry = layer.geometry,
                                                 .input = layer.input,
                                                 .bias = layer.bias,
                                                 .output = layer.output,
                                                 .high = INFINITY},
                                        .weights = weights,
                                        .tile_height = tile_height,
                                        .tile_width = tile_width,
                                        .scratch = buffer_output(rn_winograd_f16_scratch(
                                            tile_height, tile_width, s.input_channels))};
      bench_samples samples;
      BENCH(&samples, kernel(&a, 0, rn_winograd_f16_units(&a)));
      char name[40];
      snprintf(name, sizeof name, "F(%ux%u) %ux%u %u-%u", tile_height, tile_width, s.size, s.size,
               s.input_channels, s.output_channels);
      bench_report(run, &samples, name, multiplications(&s), run->peak_f32);
    }
  }
}

void bench_winograd_f16(bench_run *run) { winograd_f16(run, run->kernels->winograd_f16); }

void bench_winograd_f16acc16(bench_run *run) { winograd_f16(run, run->kernels->winograd_f16acc16); }
