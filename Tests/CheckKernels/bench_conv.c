// SPDX-License-Identifier: Apache-2.0
#include "buffers.h"
#include "slots.h"
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

// From 0.0625 to 2, of both signs.
static uint16_t *random_halves(check_random *random, size_t count) {
  uint16_t *halves = buffer_random(random, count * sizeof *halves, 1);
  for (size_t i = 0; i < count; i++)
    halves[i] = (halves[i] & 0x93ff) | 0x2c00;
  return halves;
}

static const void *random_weights(const bench_run *run, check_random *random, size_t count) {
  return run->element == 2 ? (void *)random_halves(random, count)
                           : buffer_random(random, count, sizeof(float));
}

// What a line is about.
typedef struct shape_name {
  char text[40];
} shape_name;

static shape_name name_of(const struct shape *s) {
  shape_name name;
  snprintf(name.text, sizeof name.text, "%ux%us%u %ux%u %u-%u", s->kernel, s->kernel, s->stride,
           s->size, s->size, s->input_channels, s->output_channels);
  return name;
}

// The arguments of a layer but its weights.
static rn_conv_q8_args q8_layer(const struct shape *s, check_random *random) {
  const rn_conv_geometry g = geometry_of(s, 4);
  float *multiplier = buffer_input(s->output_channels * sizeof *multiplier);
  for (uint32_t oc = 0; oc < s->output_channels; oc++)
    multiplier[oc] = 1e-4f;
  const size_t bias_size = s->output_channels * sizeof(int32_t);
  return (rn_conv_q8_args){.geometry = g,
                           .input = buffer_random(random, input_count(s, &g), 1),
                           .bias = memset(buffer_input(bias_size), 0, bias_size),
                           .multiplier = multiplier,
                           .output = buffer_output((size_t)s->size * g.output_row),
                           .high = 255};
}

static rn_conv_float_args float_layer(const struct shape *s, check_random *random) {
  const rn_conv_geometry g = geometry_of(s, 1);
  return (rn_conv_float_args){.geometry = g,
                              .input = buffer_random(random, input_count(s, &g), sizeof(float)),
                              .bias = buffer_random(random, s->output_channels, sizeof(float)),
                              .output =
                                  buffer_output((size_t)s->size * g.output_row * sizeof(float)),
                              .high = INFINITY};
}

void bench_conv_q8(bench_run *run) {
  check_random random = {1};
  for (const struct shape *s = shapes; s < shapes + shape_count; s++) {
    buffers_reset();
    rn_conv_q8_args a = q8_layer(s, &random);
    a.weights = buffer_random(&random, taps_of(&a.geometry) * s->output_channels, 1);
    BENCH(run, name_of(s).text, multiplications(s), run->peak_q8,
          run->kernels->conv_q8(&a, 0, rn_conv_units(&a.geometry)));
  }
}

static void conv_float(bench_run *run,
                       void (*kernel)(const rn_conv_float_args *, uint32_t, uint32_t)) {
  check_random random = {1};
  for (const struct shape *s = shapes; s < shapes + shape_count; s++) {
    buffers_reset();
    rn_conv_float_args a = float_layer(s, &random);
    const size_t count = taps_of(&a.geometry) * s->output_channels;
    a.weights = random_weights(run, &random, count);
    BENCH(run, name_of(s).text, multiplications(s), run->peak_f32,
          kernel(&a, 0, rn_conv_units(&a.geometry)));
  }
}

void bench_conv_float(bench_run *run) {
  conv_float(run, run->element == 2 ? run->kernels->conv_f16 : run->kernels->conv_f32);
}

void bench_conv_f16acc16(bench_run *run) { conv_float(run, run->kernels->conv_f16acc16); }

// The grouped convolutions of ResNeXt50 32x4d, and of ResNeXt101 32x8d its own widths.
static const struct grouped_layer {
  struct shape shape;
  uint32_t width;
} grouped_layers[] = {
    {{3, 1, 128, 128, 56}, 4},   {{3, 2, 256, 256, 28}, 8},    {{3, 1, 256, 256, 28}, 8},
    {{3, 2, 512, 512, 14}, 16},  {{3, 1, 512, 512, 14}, 16},   {{3, 2, 1024, 1024, 7}, 32},
    {{3, 1, 1024, 1024, 7}, 32}, {{3, 1, 256, 256, 56}, 8},    {{3, 2, 512, 512, 28}, 16},
    {{3, 1, 512, 512, 28}, 16},  {{3, 1, 1024, 1024, 14}, 32}, {{3, 1, 2048, 2048, 7}, 64},
    {{3, 2, 128, 128, 28}, 4},
};
enum { grouped_layer_count = sizeof grouped_layers / sizeof grouped_layers[0] };

static rn_conv_geometry grouped_geometry(const struct grouped_layer *l, rn_conv_geometry g) {
  g.run = l->width < RN_CHANNEL_BLOCK ? RN_CHANNEL_BLOCK : l->width;
  return g;
}

static size_t grouped_weights(const struct grouped_layer *l) {
  return (size_t)l->shape.kernel * l->shape.kernel * l->width * l->shape.output_channels;
}

static double grouped_multiplications(const struct grouped_layer *l) {
  return multiplications(&l->shape) / l->shape.input_channels * l->width;
}

static shape_name grouped_name(const struct grouped_layer *l) {
  const struct shape *s = &l->shape;
  shape_name name;
  snprintf(name.text, sizeof name.text, "%ux%us%u %ux%u %u of %u", s->kernel, s->kernel, s->stride,
           s->size, s->size, s->input_channels / l->width, l->width);
  return name;
}

void bench_grouped_q8(bench_run *run) {
  check_random random = {1};
  for (const struct grouped_layer *l = grouped_layers; l < grouped_layers + grouped_layer_count;
       l++) {
    buffers_reset();
    rn_grouped_q8_args a = {.conv = q8_layer(&l->shape, &random),
                            .group_channels = l->width,
                            .kernel_columns = l->shape.kernel,
                            .input_column = l->shape.input_channels};
    a.conv.geometry = grouped_geometry(l, a.conv.geometry);
    a.conv.weights = buffer_random(&random, grouped_weights(l), 1);
    BENCH(run, grouped_name(l).text, grouped_multiplications(l), run->peak_q8,
          run->kernels->grouped_q8(&a, 0, rn_conv_units(&a.conv.geometry)));
  }
}

void bench_grouped_float(bench_run *run) {
  check_random random = {1};
  for (const struct grouped_layer *l = grouped_layers; l < grouped_layers + grouped_layer_count;
       l++) {
    buffers_reset();
    rn_grouped_float_args a = {.conv = float_layer(&l->shape, &random),
                               .group_channels = l->width,
                               .kernel_columns = l->shape.kernel,
                               .input_column = l->shape.input_channels};
    a.conv.geometry = grouped_geometry(l, a.conv.geometry);
    a.conv.weights = random_weights(run, &random, grouped_weights(l));
    BENCH(run, grouped_name(l).text, grouped_multiplications(l), run->peak_f32,
          (run->element == 2 ? run->kernels->grouped_f16
                             : run->kernels->grouped_f32)(&a, 0, rn_conv_units(&a.conv.geometry)));
  }
}

// The 3x3 layers of ResNets with every form of Winograd, whose reference is left out: it transforms
// anew for each output channel.
typedef struct winograd_layer {
  struct shape shape;
  uint32_t form[2];
  size_t weight_count; // transformed
  shape_name name;
} winograd_layer;

enum { winograd_layer_count = 4 * 3 };

static winograd_layer winograd_layer_of(unsigned index) {
  static const uint32_t forms[][2] = {{2, 2}, {4, 2}, {4, 4}};
  const uint32_t i = index / 3, *form = forms[index % 3], channels = 64u << i, size = 56u >> i;
  winograd_layer l = {.shape = {3, 1, channels, channels, size},
                      .form = {form[0], form[1]},
                      .weight_count =
                          (size_t)rn_winograd_positions(form[0], form[1]) * channels * channels};
  snprintf(l.name.text, sizeof l.name.text, "F(%ux%u) %ux%u %u-%u", form[0], form[1], size, size,
           channels, channels);
  return l;
}

void bench_winograd_q8(bench_run *run) {
  check_random random = {1};
  for (unsigned i = 0; i < winograd_layer_count && strcmp(run->isa, "ref") != 0; i++) {
    buffers_reset();
    const winograd_layer l = winograd_layer_of(i);
    const rn_winograd_q8_args a = {
        .conv = q8_layer(&l.shape, &random),
        .weights = buffer_random(&random, l.weight_count * sizeof(int16_t), 1),
        .tile_height = l.form[0],
        .tile_width = l.form[1],
        .scratch =
            buffer_output(rn_winograd_q8_scratch(l.form[0], l.form[1], l.shape.input_channels))};
    BENCH(run, l.name.text, multiplications(&l.shape), run->peak_q8,
          run->kernels->winograd_q8(&a, 0, rn_winograd_q8_units(&a)));
  }
}

void bench_coded_q8(bench_run *run) {
  static const char *const names[RN_CODED_FORMS] = {"F(2x2)", "SFC-4(4x4)"};
  check_random random = {1};
  for (unsigned i = 0; i < 4 * RN_CODED_FORMS && strcmp(run->isa, "ref") != 0; i++) {
    buffers_reset();
    const rn_coded_form form = i % RN_CODED_FORMS;
    const uint32_t channels = 64u << i / RN_CODED_FORMS, size = 56u >> i / RN_CODED_FORMS;
    const struct shape shape = {3, 1, channels, channels, size};
    const uint32_t taps = rn_coded_taps(form);
    const size_t sums = (size_t)taps * channels * sizeof(int32_t);
    int16_t *step = buffer_input(7 * 8 * sizeof *step);
    for (uint32_t tap = 0; tap < 7 * 8; tap++)
      step[tap] = 8000;
    const rn_coded_q8_args a = {.conv = q8_layer(&shape, &random),
                                .form = form,
                                .weights =
                                    buffer_random(&random, (size_t)taps * channels * channels, 1),
                                .start = memset(buffer_input(sums), 0, sums),
                                .shift = memset(buffer_input(sums), 0, sums),
                                .step = step,
                                .zero = 128,
                                .scratch = buffer_output(rn_coded_q8_scratch(form, channels))};
    char name[40];
    snprintf(name, sizeof name, "%s %ux%u %u-%u", names[form], size, size, channels, channels);
    BENCH(run, name, multiplications(&shape), run->peak_q8,
          run->kernels->coded_q8(&a, 0, rn_coded_q8_units(&a)));
  }
}

static void winograd_float(bench_run *run,
                           void (*kernel)(const rn_winograd_float_args *, uint32_t, uint32_t)) {
  check_random random = {1};
  for (unsigned i = 0; i < winograd_layer_count && strcmp(run->isa, "ref") != 0; i++) {
    buffers_reset();
    const winograd_layer l = winograd_layer_of(i);
    const rn_winograd_float_args a = {.conv = float_layer(&l.shape, &random),
                                      .weights = random_weights(run, &random, l.weight_count),
                                      .tile_height = l.form[0],
                                      .tile_width = l.form[1],
                                      .scratch = buffer_output(rn_winograd_float_scratch(
                                          l.form[0], l.form[1], l.shape.input_channels))};
    BENCH(run, l.name.text, multiplications(&l.shape), run->peak_f32,
          kernel(&a, 0, rn_winograd_float_units(&a)));
  }
}

void bench_winograd_float(bench_run *run) {
  winograd_float(run, run->element == 2 ? run->kernels->winograd_f16 : run->kernels->winograd_f32);
}

void bench_winograd_f16acc16(bench_run *run) {
  winograd_float(run, run->kernels->winograd_f16acc16);
}
