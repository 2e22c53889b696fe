// SPDX-License-Identifier: Apache-2.0
// Convolutions whose products and short sums may be in fp16: within a bound of the reference that
// is derived for each output from its own operands.
//
// With u = 2^-11 the relative error of a rounding to fp16, a product that passes r roundings, its
// own and those of the sums it is a part of, is off by (1 + u)^r - 1 at most. Adding zeros rounds
// nothing, so r is never more than the terms of an output that are not zero. A fused multiplication
// whose result is denormal is off by 2^-25 as well; sums of fp16 numbers are exact there.
//
// conv_f16_halfsums: chains of up to 64 products, up to 16 of those added in fp16, the rest in
// float32. With one for the input, r = 1 + min(terms, 64 + 15), and
//   error <= ((1 + u)^r - 1) * sum |w x|  +  2^-24 * (sum |w| + terms)
//
// winograd_f16_halfsums: the input is rounded, multiplied by 1/16 (2^-25 * 16 if that is denormal)
// and transformed in fp16. Each of the two transforms rounds a term twice at most and multiplies by
// integers, which is exact for denormals; so V is off by (1 + u)^5 - 1 of W = |B^T| |d| |B|, and
// 2^-20.5 times the sums of the rows of |B^T|, 10 and 10. Then chains of up to 16 products, up to
// 16 of those, and those of 256 channels each, all in fp16: r = 5 + min(terms, 16 + 15 +
// channels / 256). A product's denormal error of 2^-25 is 16 times as much in M. Through the
// output's transform, with sums over channels and positions,
//   error <= |A^T| [ ((1 + u)^r - 1) * sum |U| W + 100 * 2^-20.5 * sum |U| + 2^-21 * terms ] |A|
//
// Float32 roundings of kernel and reference add (terms + 64) * 2^-23 of the same sums, of the bias
// and of the residual. Clamping lets no error grow.
#include "buffers.h"
#include "check_half.h"
#include "slots.h"
#include <math.h>
#include <string.h>

// What random data the kinds of conv_data stand for here, all below the 2^9 of the contract:
// numbers around 1; inputs that are denormal in fp16; the greatest inputs; and few weights, so that
// a bound allows for little more than one rounding.
static void fill_inputs(check_random *random, conv_data data, float *values, size_t count) {
  static const float scales[conv_data_count] = {
      [conv_typical] = 4, [conv_ties] = 0x1p-14f, [conv_greatest] = 511, [conv_extreme] = 4};
  for (size_t i = 0; i < count; i++)
    values[i] = random_float(random) * scales[data];
}

static void fill_weights(check_random *random, conv_data data, uint16_t *weights, size_t count) {
  for (size_t i = 0; i < count; i++) {
    const float number = random_float(random) * (data == conv_greatest ? 0x1p-6f : 0.25f);
    weights[i] = float_to_half(data == conv_extreme && random_below(random, 32) ? 0 : number);
  }
}

static void fill_floats(check_random *random, float *values, size_t count) {
  for (size_t i = 0; i < count; i++)
    values[i] = random_float(random);
}

static double roundings(double count) { return expm1(count * log1p(0x1p-11)); }

// Takes what is within its bound for what was expected; so check_compare tells of the rest.
static void accept(float *found, const float *expected, double bound) {
  if (fabs((double)*found - (double)*expected) <= bound)
    *found = *expected;
}

static double bound_of_direct(const rn_conv_f16_args *a, uint32_t y, uint32_t x, uint32_t oc) {
  const rn_conv_geometry *g = &a->geometry;
  const size_t block = (size_t)g->kernel_rows * g->run * 16;
  const uint16_t *weights = a->weights + oc / 16 * block + oc % 16;
  double products = 0, sum = 0, terms = 0;
  for (uint32_t r = 0; r < g->kernel_rows; r++) {
    const float *input = a->input + y * g->step_y + r * g->input_row + x * g->step_x;
    for (uint32_t k = 0; k < g->run; k++, weights += 16) {
      const double weight = fabs((double)half_to_float(*weights));
      products += weight * fabs((double)input[k]);
      sum += weight;
      terms += weight != 0;
    }
  }
  return roundings(1 + fmin(terms, 64 + 15)) * products + 0x1p-24 * (sum + terms) +
         (terms + 64) * 0x1p-23 * products;
}

static void one_direct(check_run *run, const conv_case *c) {
  check_random *random = &run->random;
  float *input = buffer_input(c->input_count * sizeof(float));
  uint16_t *weights = buffer_input(c->weight_count * sizeof *weights);
  float *bias = buffer_input(c->channels * sizeof(float));
  float *residual = buffer_input(c->residual_count * sizeof(float));
  const size_t size = view_size(&c->view);
  uint8_t *before = buffer_output(size);
  uint8_t *expected = buffer_output(size);
  uint8_t *found = buffer_output(size);
  fill_inputs(random, c->data, input, c->input_count);
  fill_weights(random, c->data, weights, c->weight_count);
  fill_floats(random, bias, c->channels);
  fill_floats(random, residual, c->residual_count);
  if (c->residual == conv_in_place) {
    memcpy(before + c->view.origin, residual, c->residual_count * sizeof(float));
    memcpy(expected, before, size);
    memcpy(found, before, size);
  }
  const rn_conv_geometry *g = &c->geometry;
  rn_conv_f16_args a = {.geometry = *g,
                        .input = input,
                        .weights = weights,
                        .bias = bias,
                        .output = (float *)(expected + c->view.origin),
                        .low = random_below(random, 2) ? 0.0f : -INFINITY};
  a.residual = c->residual == conv_separate   ? residual
               : c->residual == conv_in_place ? a.output
                                              : 0;
  CHECK_REFERENCE(run, rn_conv_f16_ref(&a, c->first, c->last));
  a.output = (float *)(found + c->view.origin);
  if (c->residual == conv_in_place)
    a.residual = a.output;
  CHECK_KERNEL(run, run->kernels->conv_f16_halfsums(&a, c->first, c->last));
  for (uint32_t unit = c->first; unit < c->last; unit++) {
    const uint32_t y = unit % g->output_height, first = unit / g->output_height * 32;
    for (uint32_t x = 0; x < g->output_width; x++) {
      for (uint32_t oc = first; oc < first + 32 && oc < c->channels; oc++) {
        const size_t at = y * g->output_row + x * g->output_pixel + oc;
        const float *wanted = (const float *)(expected + c->view.origin) + at;
        // Bias and residual are below 1.
        if (a.output[at] != *wanted)
          accept(a.output + at, wanted, bound_of_direct(&a, y, x, oc) + 0x1p-20);
      }
    }
  }
  check_compare(run, &c->view, before, expected, found);
}

// Where a level has no such arithmetic, the kernels are the exact ones and checked as those.
void check_conv_f16_halfsums(check_run *run) {
  if (run->kernels->conv_f16_halfsums != run->kernels->conv_f16)
    check_conv_cases(run, sizeof(float), one_direct);
}

// Absolute values of B^T and A^T.
static const double input_matrix[2][6][6] = {{{1, 0, 1}, {0, 1, 1}, {0, 1, 1}, {0, 1, 0, 1}},
                                             {{4, 0, 5, 0, 1},
                                              {0, 4, 4, 1, 1},
                                              {0, 4, 4, 1, 1},
                                              {0, 2, 1, 2, 1},
                                              {0, 2, 1, 2, 1},
                                              {0, 4, 0, 5, 0, 1}}};
static const double output_matrix[2][4][6] = {
    {{1, 1, 1}, {0, 1, 1, 1}},
    {{1, 1, 1, 1, 1}, {0, 1, 1, 2, 2}, {0, 1, 1, 4, 4}, {0, 1, 1, 8, 8, 1}}};

// W of every channel of a tile: [position][channel].
static void absolute_inputs(const rn_winograd_f16_args *a, uint32_t y, uint32_t x, double *w) {
  const rn_conv_geometry *g = &a->conv.geometry;
  const uint32_t rows = a->tile_height + 2, columns = a->tile_width + 2, channels = g->run / 3;
  const double(*vertical)[6] = input_matrix[a->tile_height == 4];
  const double(*horizontal)[6] = input_matrix[a->tile_width == 4];
  for (uint32_t c = 0; c < channels; c++) {
    double d[6][6], half[6][6] = {{0}};
    for (uint32_t i = 0; i < rows; i++) {
      for (uint32_t j = 0; j < columns; j++) {
        const size_t row = y + i < g->output_height + 1 ? y + i : g->output_height + 1;
        const size_t column = x + j < g->output_width + 1 ? x + j : g->output_width + 1;
        d[i][j] = fabs((double)a->conv.input[row * g->input_row + column * g->step_x + c]);
      }
    }
    for (uint32_t i = 0; i < rows; i++)
      for (uint32_t p = 0; p < columns; p++)
        for (uint32_t j = 0; j < columns; j++)
          half[i][p] += d[i][j] * horizontal[p][j];
    for (uint32_t q = 0; q < rows; q++) {
      for (uint32_t p = 0; p < columns; p++) {
        double sum = 0;
        for (uint32_t i = 0; i < rows; i++)
          sum += vertical[q][i] * half[i][p];
        w[(q * columns + p) * channels + c] = sum;
      }
    }
  }
}

// The bounds of one output channel of a tile.
static void bounds_of_tile(const rn_winograd_f16_args *a, const double *w, uint32_t oc,
                           double bounds[4][4]) {
  const uint32_t rows = a->tile_height + 2, columns = a->tile_width + 2;
  const uint32_t channels = a->conv.geometry.run / 3;
  const uint16_t *weights = a->weights + (size_t)oc / 16 * rows * columns * channels * 16 + oc % 16;
  memset(bounds, 0, 16 * sizeof(double));
  for (uint32_t p = 0; p < rows * columns; p++) {
    double products = 0, sum = 0, terms = 0;
    for (uint32_t c = 0; c < channels; c++, weights += 16) {
      const double weight = fabs((double)half_to_float(*weights));
      products += weight * w[p * channels + c];
      sum += weight;
      terms += weight != 0;
    }
    const double relative =
        roundings(5 + fmin(terms, 16 + 15 + channels / 256)) + (terms + 64) * 0x1p-23;
    const double of_m = relative * products + 100 * 0x1p-20 / 1.4142 * sum + 0x1p-21 * terms;
    for (uint32_t i = 0; i < a->tile_height; i++)
      for (uint32_t j = 0; j < a->tile_width; j++)
        bounds[i][j] += output_matrix[a->tile_height == 4][i][p / columns] *
                        output_matrix[a->tile_width == 4][j][p % columns] * of_m;
  }
}

static const struct {
  uint32_t channels, blocks, height, width;
} shapes[] = {{64, 2, 8, 56}, {128, 1, 6, 28}, {256, 2, 14, 14}, {512, 1, 7, 7},  {16, 1, 1, 1},
              {32, 3, 2, 3},  {16, 2, 5, 4},   {48, 1, 9, 11},   {272, 1, 4, 17}, {64, 2, 25, 13},
              {16, 3, 60, 2}, {48, 4, 3, 1},   {80, 1, 1, 40}};
static const uint32_t forms[][2] = {{2, 2}, {4, 2}, {4, 4}};

static void one_winograd(check_run *run, unsigned shape, unsigned form, conv_data data) {
  const uint32_t channels = shapes[shape].channels, blocks = shapes[shape].blocks;
  const uint32_t height = shapes[shape].height, width = shapes[shape].width;
  const uint32_t tile_height = forms[form][0], tile_width = forms[form][1];
  const uint32_t positions = rn_winograd_positions(tile_height, tile_width);
  const uint32_t outputs = blocks * 16;
  check_begin(run);
  check_random *random = &run->random;
  const conv_residual residual_kind = random_below(random, conv_residual_count);
  const size_t input_row = (width + 2 + random_below(random, 3)) * channels;
  const size_t output_pixel = outputs + (random_below(random, 4) ? 0 : 16);
  const size_t output_row = width * output_pixel + random_below(random, 40);
  const size_t residual_row =
      output_row + (residual_kind == conv_separate ? random_below(random, 40) : 0);
  const rn_conv_geometry g = {.output_height = height,
                              .output_width = width,
                              .output_blocks = blocks,
                              .kernel_rows = 3,
                              .run = 3 * channels,
                              .input_row = input_row,
                              .step_y = input_row,
                              .step_x = channels,
                              .output_row = output_row,
                              .output_pixel = output_pixel,
                              .residual_row = residual_row};
  const size_t input_count = (height + 1) * input_row + (size_t)(width + 2) * channels;
  const size_t weight_count = (size_t)9 * channels * outputs;
  const size_t transformed_count = (size_t)positions * channels * outputs;
  const size_t residual_count = (height - 1) * residual_row + (width - 1) * output_pixel + outputs;
  float *input = buffer_input(input_count * sizeof *input);
  uint16_t *weights = buffer_input(weight_count * sizeof *weights);
  uint16_t *transformed = buffer_input(transformed_count * sizeof *transformed);
  float *bias = buffer_input(outputs * sizeof *bias);
  float *residual = buffer_input(residual_count * sizeof *residual);
  fill_inputs(random, data, input, input_count);
  fill_weights(random, data, weights, weight_count);
  fill_floats(random, bias, outputs);
  fill_floats(random, residual, residual_count);
  rn_winograd_f16_weights(tile_height, tile_width, weights, blocks, channels, transformed);
  // Few channels in each sum, rather than few taps of all.
  if (data == conv_extreme)
    for (size_t ic = 0; ic < channels; ic++)
      for (uint32_t oc = 0; oc < outputs; oc++)
        if (random_below(random, channels) >= 2)
          for (size_t p = 0; p < positions; p++)
            transformed[((oc / 16 * positions + p) * channels + ic) * 16 + oc % 16] = 0;
  check_describe(run, "F(%ux%u), %u channels to %u, output %ux%u, residual %d, data %u",
                 tile_height, tile_width, channels, outputs, height, width, residual_kind, data);

  const check_view view = {.origin = buffer_margin,
                           .row = output_row * sizeof(float),
                           .pixel = output_pixel * sizeof(float),
                           .element = sizeof(float),
                           .height = height,
                           .width = width,
                           .channels = outputs,
                           .unit_channels = outputs,
                           .first = 0,
                           .last = height};
  const size_t size = view_size(&view);
  uint8_t *before = buffer_output(size);
  uint8_t *expected = buffer_output(size);
  uint8_t *found = buffer_output(size);
  if (residual_kind == conv_in_place) {
    memcpy(before + buffer_margin, residual, residual_count * sizeof *residual);
    memcpy(expected, before, size);
    memcpy(found, before, size);
  }
  rn_winograd_f16_args a = {.conv = {.geometry = g,
                                     .input = input,
                                     .bias = bias,
                                     .low = random_below(random, 2) ? 0.0f : -INFINITY},
                            .weights = transformed,
                            .tile_height = tile_height,
                            .tile_width = tile_width};
  a.scratch = buffer_output(rn_winograd_f16_scratch(tile_height, tile_width, channels));
  const uint32_t units = rn_winograd_f16_units(&a);
  a.conv.output = (float *)(expected + buffer_margin);
  a.conv.residual = residual_kind == conv_separate   ? residual
                    : residual_kind == conv_in_place ? a.conv.output
                                                     : 0;
  CHECK_REFERENCE(run, rn_winograd_f16_ref(&a, 0, units));
  a.conv.output = (float *)(found + buffer_margin);
  if (residual_kind == conv_in_place)
    a.conv.residual = a.conv.output;
  // In two parts, as two threads have it.
  const uint32_t first = random_below(random, units + 1);
  CHECK_KERNEL(run, (run->kernels->winograd_f16_halfsums(&a, first, units),
                     run->kernels->winograd_f16_halfsums(&a, 0, first)));
  double *w = (double *)buffer_output(positions * channels * sizeof *w);
  for (uint32_t y = 0; y < height; y += tile_height) {
    for (uint32_t x = 0; x < width; x += tile_width) {
      absolute_inputs(&a, y, x, w);
      for (uint32_t oc = 0; oc < outputs; oc++) {
        double bounds[4][4];
        bounds_of_tile(&a, w, oc, bounds);
        for (uint32_t i = 0; i < tile_height && y + i < height; i++) {
          for (uint32_t j = 0; j < tile_width && x + j < width; j++) {
            const size_t at = (y + i) * output_row + (x + j) * output_pixel + oc;
            // Bias and residual are below 1.
            accept(a.conv.output + at, (const float *)(expected + buffer_margin) + at,
                   bounds[i][j] + 0x1p-20);
          }
        }
      }
    }
  }
  check_compare(run, &view, before, expected, found);
  check_end(run);
}

void check_winograd_f16_halfsums(check_run *run) {
  if (run->kernels->winograd_f16_halfsums == run->kernels->winograd_f16)
    return;
  for (unsigned shape = 0; shape < sizeof shapes / sizeof shapes[0]; shape++)
    for (unsigned form = 0; form < 3; form++)
      for (conv_data data = 0; data < conv_data_count; data++)
        one_winograd(run, shape, form, data);
}
