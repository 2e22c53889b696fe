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

static size_t taps_of(const rn_conv_geometry *g) { return (size_t)g->kernel_rows * g->run; }

static size_t input_count(const struct shape *s, const rn_conv_geometry *g) {
  return ((s->size - 1) * s->stride + s->kernel) * g->input_row;
}

// Those of the network, without padding.
static double multiplications(const struct shape *s) {
  const double taps = s->kernel * s->kernel * s->input_channels;
  return (double)s->size * s->size * s->output_channels * taps;
}

static float *random_floats(size_t count, check_random *random) {
  float *values = buffer_input(count * sizeof *values);
  for (size_t i = 0; i < count; i++)
    values[i] = random_float(random);
  return values;
}

// From 0.0625 to 2, of both signs.
static uint16_t *random_halves(size_t count, check_random *random) {
  uint16_t *halves = buffer_input(count * sizeof *halves);
  random_bytes(random, halves, count * sizeof *halves);
  for (size_t i = 0; i < count; i++)
    halves[i] = (halves[i] & 0x93ff) | 0x2c00;
  return halves;
}

// A line with the rate of the direct convolution's multiplications; `form` is Winograd's, or null.
static void report(const bench_run *run, bench_samples *samples, const struct shape *s,
                   const uint32_t *form, double peak) {
  char name[40];
  if (form)
    snprintf(name, sizeof name, "F(%ux%u) %ux%u %u-%u", form[0], form[1], s->size, s->size,
             s->input_channels, s->output_channels);
  else
    snprintf(name, sizeof name, "%ux%us%u %ux%u %u-%u", s->kernel, s->kernel, s->stride, s->size,
             s->size, s->input_channels, s->output_channels);
  bench_report(run, samples, name, multiplications(s), peak);
}

// The arguments of a layer but its weights.
static rn_conv_q8_args q8_layer(const struct shape *s, check_random *random) {
  const rn_conv_geometry g = geometry_of(s, 4);
  const size_t inputs = input_count(s, &g);
  uint8_t *input = buffer_input(inputs);
  int32_t *bias = buffer_input(s->output_channels * sizeof *bias);
  float *multiplier = buffer_input(s->output_channels * sizeof *multiplier);
  random_bytes(random, input, inputs);
  memset(bias, 0, s->output_channels * sizeof *bias);
  for (uint32_t oc = 0; oc < s->output_channels; oc++)
    multiplier[oc] = 1e-4f;
  return (rn_conv_q8_args){.geometry = g,
                           .input = input,
                           .bias = bias,
                           .multiplier = multiplier,
                           .output = buffer_output((size_t)s->size * g.output_row),
                           .high = 255};
}

static rn_conv_float_args float_layer(const struct shape *s, check_random *random) {
  const rn_conv_geometry g = geometry_of(s, 1);
  return (rn_conv_float_args){
      .geometry = g,
      .input = random_floats(input_count(s, &g), random),
      .bias = random_floats(s->output_channels, random),
      .output = (float *)buffer_output((size_t)s->size * g.output_row * sizeof(float)),
      .high = INFINITY};
}

void bench_conv_q8(bench_run *run) {
  check_random random = {1};
  for (const struct shape *s = shapes; s < shapes + shape_count; s++) {
    buffers_reset();
    rn_conv_q8_args a = q8_layer(s, &random);
    const size_t weight_count = taps_of(&a.geometry) * s->output_channels;
    int8_t *weights = buffer_input(weight_count);
    random_bytes(&random, weights, weight_count);
    a.weights = weights;
    bench_samples samples;
    BENCH(&samples, run->kernels->conv_q8(&a, 0, rn_conv_units(&a.geometry)));
    report(run, &samples, s, 0, run->peak_q8);
  }
}

static void conv_float(bench_run *run, bool has_halves,
                       void (*kernel)(const rn_conv_float_args *, uint32_t, uint32_t)) {
  check_random random = {1};
  for (const struct shape *s = shapes; s < shapes + shape_count; s++) {
    buffers_reset();
    rn_conv_float_args a = float_layer(s, &random);
    const size_t weight_count = taps_of(&a.geometry) * s->output_channels;
    a.weights = has_halves ? (void *)random_halves(weight_count, &random)
                           : (void *)random_floats(weight_count, &random);
    bench_samples samples;
    BENCH(&samples, kernel(&a, 0, rn_conv_units(&a.geometry)));
    report(run, &samples, s, 0, run->peak_f32);
  }
}

void bench_conv_f32(bench_run *run) { conv_float(run, false, run->kernels->conv_f32); }

void bench_conv_f16(bench_run *run) { conv_float(run, true, run->kernels->conv_f16); }

void bench_conv_f16acc16(bench_run *run) { conv_float(run, true, run->kernels->conv_f16acc16); }

// The 3x3 layers of ResNets with every form of Winograd, whose reference is left out: it transforms
// anew for each output channel.
typedef struct winograd_layer {
  struct shape shape;
  uint32_t form[2];
  size_t weight_count; // transformed
} winograd_layer;

enum { winograd_layer_count = 4 * 3 };

static winograd_layer winograd_layer_of(unsigned index) {
  static const uint32_t forms[][2] = {{2, 2}, {4, 2}, {4, 4}};
  const uint32_t i = index / 3, *form = forms[index % 3], channels = 64u << i;
  return (winograd_layer){.shape = {3, 1, channels, channels, 56u >> i},
                          .form = {form[0], form[1]},
                          .weight_count = (size_t)rn_winograd_positions(form[0], form[1]) *
                                          channels * channels};
}

void bench_winograd_q8(bench_run *run) {
  check_random random = {1};
  for (unsigned i = 0; i < winograd_layer_count && strcmp(run->isa, "ref") != 0; i++) {
    buffers_reset();
    const winograd_layer l = winograd_layer_of(i);
    int16_t *weights = buffer_input(l.weight_count * sizeof *weights);
    random_bytes(&random, weights, l.weight_count * sizeof *weights);
    const rn_winograd_q8_args a = {.conv = q8_layer(&l.shape, &random),
                                   .weights = weights,
                                   .tile_height = l.form[0],
                                   .tile_width = l.form[1],
                                   .scratch = buffer_output(rn_winograd_q8_scratch(
                                       l.form[0], l.form[1], l.shape.input_channels))};
    bench_samples samples;
    BENCH(&samples, run->kernels->winograd_q8(&a, 0, rn_winograd_q8_units(&a)));
    report(run, &samples, &l.shape, l.form, run->peak_q8);
  }
}

static void winograd_f16(bench_run *run,
                         void (*kernel)(const rn_winograd_float_args *, uint32_t, uint32_t)) {
  check_random random = {1};
  for (unsigned i = 0; i < winograd_layer_count && strcmp(run->isa, "ref") != 0; i++) {
    buffers_reset();
    const winograd_layer l = winograd_layer_of(i);
    const rn_winograd_float_args a = {.conv = float_layer(&l.shape, &random),
                                      .weights = random_halves(l.weight_count, &random),
                                      .tile_height = l.form[0],
                                      .tile_width = l.form[1],
                                      .scratch = buffer_output(rn_winograd_f16_scratch(
                                          l.form[0], l.form[1], l.shape.input_channels))};
    bench_samples samples;
    BENCH(&samples, kernel(&a, 0, rn_winograd_f16_units(&a)));
    report(run, &samples, &l.shape, l.form, run->peak_f32);
  }
}

void bench_winograd_f16(bench_run *run) { winograd_f16(run, run->kernels->winograd_f16); }

void bench_winograd_f16acc16(bench_run *run) { winograd_f16(run, run->kernels->winograd_f16acc16); }
