// SPDX-License-Identifier: Apache-2.0
// Bit for bit against the reference; and the reference against the direct convolution.
//
// Exact data show that the formula is right. In F(4) the rows of 24 G hold integers, in F(2) those
// of 2 G, so weights of 0 and +-576 make a U of integers up to 576, which fp16 holds. With inputs
// of 0 and +-1 all sums are integers far below 2^24, and both convolutions have the same bits.
//
// Other data show that roundings stay within their bound. To first order the only one that counts
// is that of U to fp16, with relative error 2^-11 (and 2^-25 absolute for denormals). It reaches
// output y through
//   sum over k of |A^T[y][k]| * |U[k]| * |V[k]|,
//   |U[k]| <= max of |G[k]| * sum |w|,   |V[k]| <= sum of |B^T[k]| * max |x|
// In one dimension the sum of |A^T[y][k]| * max |G[k]| * sum |B^T[k]| is at most
//   F(2), either y:   1 * 1 * 2 + 2 * (1 * 1/2 * 2) = 4
//   F(4), y = 3:      2 * (1 * 1/6 * 10) + 2 * (8 * 1/6 * 6) + 1 * 1 * 10 = 29 1/3
// and in two the product of those of both. Float32 roundings add channels + 64 times 2^-24, from
// the chain and fewer than 64 operations before, after and beside it.
#include "buffers.h"
#include "check_half.h"
#include "slots.h"
#include <math.h>

static const struct {
  uint32_t channels, blocks, height, width;
} shapes[] = {{64, 2, 8, 56}, {128, 3, 6, 28}, {256, 2, 14, 14}, {512, 1, 7, 7}, {16, 1, 1, 1},
              {32, 3, 2, 3},  {16, 2, 5, 4},   {48, 1, 9, 11},   {32, 5, 4, 17}, {64, 2, 25, 13},
              {16, 3, 60, 2}, {48, 4, 3, 1},   {80, 1, 1, 40}};
static const uint32_t forms[][2] = {{2, 2}, {4, 2}, {4, 4}};

// The kinds of data of convolutions, and exact ones.
enum { exact = conv_data_count, data_count };

static float greatest(const float *values, size_t count) {
  float most = 0;
  for (size_t i = 0; i < count; i++)
    most = fmaxf(most, fabsf(values[i]));
  return most;
}

static void fill_exactly(check_random *random, float *input, size_t input_count, uint16_t *weights,
                         size_t weight_count) {
  for (size_t i = 0; i < input_count; i++)
    input[i] = (float)random_between(random, -1, 1);
  for (size_t i = 0; i < weight_count; i++)
    weights[i] = float_to_half(random_below(random, 4) ? 0 : random_below(random, 2) ? 576 : -576);
}

// Compares with the direct convolution: without clamp, bias and residual.
static void check_formula(check_run *run, rn_winograd_f16_args a, const uint16_t *weights,
                          size_t input_count, int is_exact) {
  const rn_conv_geometry *g = &a.conv.geometry;
  const uint32_t outputs = g->output_blocks * 16, taps = 3 * g->run;
  float *zeros = buffer_input(outputs * sizeof *zeros);
  memset(zeros, 0, outputs * sizeof *zeros);
  const size_t count = g->output_height * g->output_row;
  float *direct = (float *)buffer_output(count * sizeof *direct);
  float *winograd = (float *)buffer_output(count * sizeof *winograd);
  a.conv.bias = zeros;
  a.conv.residual = 0;
  a.conv.low = -INFINITY;
  a.conv.output = winograd;
  CHECK_REFERENCE(run, rn_winograd_f16_ref(&a, 0, rn_winograd_f16_units(&a)));
  a.conv.weights = weights;
  a.conv.output = direct;
  CHECK_REFERENCE(run, rn_conv_f16_ref(&a.conv, 0, rn_conv_units(g)));

  const double norm4 = 88.0 / 3;
  const double norm = (a.tile_height == 4 ? norm4 : 4) * (a.tile_width == 4 ? norm4 : 4) *
                      greatest(a.conv.input, input_count);
  const double relative = 0x1p-11 + (g->run / 3 + 64) * 0x1p-24;
  for (uint32_t oc = 0; oc < outputs; oc++) {
    double sum = 0;
    for (uint32_t k = 0; k < taps; k++)
      sum += fabs((double)half_to_float(weights[(oc / 16 * taps + k) * 16 + oc % 16]));
    const double bound = is_exact ? 0 : norm * (relative * sum + 0x1p-25 * taps);
    for (uint32_t y = 0; y < g->output_height; y++) {
      for (uint32_t x = 0; x < g->output_width; x++) {
        const size_t at = y * g->output_row + x * g->output_pixel + oc;
        if (fabs((double)winograd[at] - (double)direct[at]) <= bound)
          continue;
        check_fail(run, "(y %u, x %u, c %u): %.9g, directly %.9g, bound %g", y, x, oc,
                   (double)winograd[at], (double)direct[at], bound);
        return;
      }
    }
  }
}

static void one(check_run *run, unsigned shape, unsigned form, unsigned kind) {
  const uint32_t channels = shapes[shape].channels, blocks = shapes[shape].blocks;
  const uint32_t height = shapes[shape].height, width = shapes[shape].width;
  const uint32_t tile_height = forms[form][0], tile_width = forms[form][1];
  const uint32_t outputs = blocks * 16, taps = 9 * channels;
  check_begin(run);
  check_random *random = &run->random;
  const conv_data data = kind == exact ? conv_typical : (conv_data)kind;
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
  const size_t weight_count = (size_t)taps * outputs;
  const size_t transformed_count =
      (size_t)rn_winograd_positions(tile_height, tile_width) * channels * outputs;
  const size_t residual_count = (height - 1) * residual_row + (width - 1) * output_pixel + outputs;
  float *input = buffer_input(input_count * sizeof *input);
  uint16_t *weights = buffer_input(weight_count * sizeof *weights);
  uint16_t *transformed = buffer_input(transformed_count * sizeof *transformed);
  float *bias = buffer_input(outputs * sizeof *bias);
  float *residual = buffer_input(residual_count * sizeof *residual);
  check_fill_floats(random, data, input, input_count);
  check_fill_halves(random, data, weights, weight_count);
  check_fill_floats(random, data, bias, outputs);
  check_fill_floats(random, data, residual, residual_count);
  if (kind == exact)
    fill_exactly(random, input, input_count, weights, weight_count);
  // The range of F(2) is 4/9 of that of fp16.
  if (kind != exact && tile_width == 2)
    for (size_t i = 0; i < weight_count; i++)
      weights[i] = float_to_half(half_to_float(weights[i]) * (4.0f / 9));
  rn_winograd_f16_weights(tile_height, tile_width, weights, blocks, channels, transformed);
  check_describe(run, "F(%ux%u), %u channels to %u, output %ux%u, residual %d, data %u",
                 tile_height, tile_width, channels, outputs, height, width, residual_kind, kind);
  for (size_t i = 0; i < transformed_count; i++) {
    if ((transformed[i] & 0x7fff) >= 0x7c00) {
      check_fail(run, "a transformed weight is not finite");
      break;
    }
  }

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
  CHECK_KERNEL(run, (run->kernels->winograd_f16(&a, first, units),
                     run->kernels->winograd_f16(&a, 0, first)));
  check_compare(run, &view, before, expected, found);
  if (kind == conv_typical || kind == exact)
    check_formula(run, a, weights, input_count, kind == exact);
  check_end(run);
}

// As many tiles as F(2x2) has of 1024x1024 outputs: tiles * strip passes 2^32. They are in one
// column and all rows of the input are one, so that it takes little memory. With the exact data
// above the direct convolution has the same bits.
static void many_tiles(check_run *run, int are_last) {
  const uint32_t channels = 16, outputs = 16, height = 1 << 19, tiles = height / 2;
  check_begin(run);
  check_random *random = &run->random;
  rn_winograd_f16_args a = {.conv = {.geometry = {.output_height = height,
                                                  .output_width = 1,
                                                  .output_blocks = 1,
                                                  .kernel_rows = 3,
                                                  .run = 3 * channels,
                                                  .step_x = channels,
                                                  .output_row = outputs,
                                                  .output_pixel = outputs},
                                     .low = -INFINITY},
                            .tile_height = 2,
                            .tile_width = 2};
  // The strips on both sides of 2^32, or the last ones.
  const uint32_t strips = rn_winograd_f16_units(&a);
  const uint32_t first = are_last ? strips - 2 : UINT32_MAX / tiles, last = first + 2;
  const size_t input_count = 3 * channels, weight_count = (size_t)9 * channels * outputs;
  float *input = buffer_input(input_count * sizeof *input);
  uint16_t *weights = buffer_input(weight_count * sizeof *weights);
  uint16_t *transformed = buffer_input((size_t)16 * channels * outputs * sizeof *transformed);
  float *bias = buffer_input(outputs * sizeof *bias);
  fill_exactly(random, input, input_count, weights, weight_count);
  rn_winograd_f16_weights(2, 2, weights, 1, channels, transformed);
  for (uint32_t oc = 0; oc < outputs; oc++)
    bias[oc] = (float)random_between(random, -100, 100);
  check_describe(run, "strips [%u, %u) of %u", first, last, strips);
  const check_view view = {.origin = buffer_margin,
                           .row = outputs * sizeof(float),
                           .pixel = outputs * sizeof(float),
                           .element = sizeof(float),
                           .height = height,
                           .width = 1,
                           .channels = outputs,
                           .unit_channels = outputs,
                           .first = (uint32_t)((uint64_t)tiles * first / strips) * 2,
                           .last = (uint32_t)((uint64_t)tiles * last / strips) * 2};
  const size_t size = view_size(&view);
  uint8_t *before = buffer_output(size);
  uint8_t *expected = buffer_output(size);
  uint8_t *found = buffer_output(size);
  a.scratch = buffer_output(rn_winograd_f16_scratch(2, 2, channels));
  a.conv.input = input;
  a.conv.bias = bias;
  a.conv.weights = weights;
  a.conv.output = (float *)(expected + buffer_margin);
  CHECK_REFERENCE(run, rn_conv_f16_ref(&a.conv, view.first, view.last));
  a.weights = transformed;
  a.conv.output = (float *)(found + buffer_margin);
  a.conv.weights = 0;
  CHECK_KERNEL(run, run->kernels->winograd_f16(&a, first, last));
  check_compare(run, &view, before, expected, found);
  check_end(run);
}

void check_winograd_f16(check_run *run) {
  for (unsigned shape = 0; shape < sizeof shapes / sizeof shapes[0]; shape++)
    for (unsigned form = 0; form < 3; form++)
      for (unsigned kind = 0; kind < data_count; kind++)
        one(run, shape, form, kind);
  many_tiles(run, 0);
  many_tiles(run, 1);
}
