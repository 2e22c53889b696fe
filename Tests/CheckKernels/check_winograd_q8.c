// SPDX-License-Identifier: Apache-2.0
// Against the direct reference: Winograd has to give the same bits.
#include "buffers.h"
#include "compare.h"
#include "flip.h"
#include "slots.h"
#include <string.h>

static const struct {
  uint32_t channels, blocks, height, width;
} shapes[] = {{64, 2, 9, 56}, {128, 3, 6, 28}, {256, 2, 5, 14}, {512, 1, 7, 7}, {32, 1, 1, 1},
              {32, 3, 2, 3},  {32, 2, 5, 4},   {96, 1, 9, 11},  {32, 5, 4, 17}, {64, 2, 25, 13}};
static const uint32_t forms[][2] = {{2, 2}, {4, 2}, {4, 4}};

typedef enum data { typical, greatest, lopsided, data_count } data;

// Weights at which the form is still exact: random, all of the greatest magnitude, of one sign.
static void fill_weights(check_random *random, data kind, uint32_t scale, uint32_t taps,
                         int8_t *weights, size_t count) {
  const int64_t limit = INT32_MAX / (255 * (int64_t)scale) / taps;
  const int32_t most = limit < 127 ? (int32_t)limit : 127;
  for (size_t i = 0; i < count; i++) {
    const int32_t bound = kind == typical && most < 64 ? 2 * most - 1 : most;
    weights[i] = kind == typical ? random_between(random, -bound, bound) : most;
    if (kind == greatest && random_below(random, 2))
      weights[i] = -weights[i];
  }
}

static void one(check_run *run, unsigned shape, unsigned form, data kind, int has_residual) {
  const uint32_t channels = shapes[shape].channels, blocks = shapes[shape].blocks;
  const uint32_t height = shapes[shape].height, width = shapes[shape].width;
  const uint32_t tile_height = forms[form][0], tile_width = forms[form][1];
  const uint32_t scale = (tile_height == 4 ? 8 : 2) * (tile_width == 4 ? 8 : 2);
  const uint32_t outputs = blocks * 16, taps = 9 * channels;
  check_begin(run);
  check_random *random = &run->random;
  const size_t input_row = (width + 2 + random_below(random, 3)) * channels;
  const size_t output_row = width * outputs + random_below(random, 40);
  const rn_conv_geometry g = {.output_height = height,
                              .output_width = width,
                              .output_blocks = blocks,
                              .kernel_rows = 3,
                              .run = 3 * channels,
                              .input_row = input_row,
                              .step_y = input_row,
                              .step_x = channels,
                              .output_row = output_row,
                              .output_pixel = outputs,
                              .residual_row = output_row};
  const size_t input_count = (height + 1) * input_row + (size_t)(width + 2) * channels;
  const size_t weight_count = (size_t)taps * outputs;
  uint8_t *input = buffer_input(input_count);
  int8_t *weights = buffer_input(weight_count);
  const size_t positions = rn_winograd_positions(tile_height, tile_width);
  int16_t *transformed = buffer_input(positions * channels * outputs * sizeof *transformed);
  int32_t *bias = buffer_input(outputs * sizeof *bias);
  float *multiplier = buffer_input(outputs * sizeof *multiplier);
  const size_t residual_count = (height - 1) * output_row + (size_t)width * outputs;
  uint8_t *residual = buffer_input(residual_count);
  random_bytes(random, input, input_count);
  if (kind != typical)
    memset(input, 255, input_count);
  random_bytes(random, residual, residual_count);
  fill_weights(random, kind, scale, taps, weights, weight_count);
  for (uint32_t oc = 0; oc < outputs; oc++) {
    bias[oc] = random_between(random, -100000, 100000);
    multiplier[oc] = (1.0f + random_float(random)) / (kind == typical ? 1 << 12 : 1 << 16);
  }
  uint32_t first = 0;
  rn_winograd_q8_args a = {.conv = {.geometry = g,
                                    .input = input,
                                    .weights = weights,
                                    .bias = bias,
                                    .multiplier = multiplier,
                                    .residual = has_residual ? residual : 0,
                                    .residual_multiplier = 0.75f,
                                    .residual_zero = 3,
                                    .low = -20,
                                    .high = 235,
                                    .output_zero = 20},
                           .weights = transformed,
                           .tile_height = tile_height,
                           .tile_width = tile_width};
  a.scratch = buffer_output(rn_winograd_q8_scratch(tile_height, tile_width, channels));
  const uint32_t units = rn_winograd_q8_units(&a);
  check_describe(run, "F(%ux%u), %u channels to %u, output %ux%u, %s residual, data %d",
                 tile_height, tile_width, channels, outputs, height, width,
                 has_residual ? "a" : "no", kind);
  const check_view view = {.origin = buffer_margin,
                           .row = output_row,
                           .pixel = outputs,
                           .element = 1,
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
  rn_winograd_q8_weights(tile_height, tile_width, weights, blocks, channels, transformed);
  a.conv.output = expected + buffer_margin;
  CHECK_REFERENCE(run, run->reference->conv_q8(&a.conv, 0, rn_conv_units(&g)));
  a.conv.output = found + buffer_margin;
  a.conv.weights = 0;
  check_flip_conv(run, &a.conv, weights, input_count, residual_count);
  check_flip(run, found, size);
  // In two parts, as two threads have it.
  first = random_below(random, units + 1);
  CHECK_KERNEL(
      run, (run->kernels->winograd_q8(&a, first, units), run->kernels->winograd_q8(&a, 0, first)));
  check_flip(run, found, size);
  check_compare(run, &view, before, expected, found);
  check_end(run);
}

// As many tiles as F(2x2) has of 1024x1024 outputs: tiles * strip passes 2^32. They are in one
// column and all rows of the input are one, so that it takes little memory.
static void many_tiles(check_run *run, int are_last) {
  const uint32_t channels = 32, outputs = 16, height = 1 << 19, tiles = height / 2;
  check_begin(run);
  check_random *random = &run->random;
  rn_winograd_q8_args a = {.conv = {.geometry = {.output_height = height,
                                                 .output_width = 1,
                                                 .output_blocks = 1,
                                                 .kernel_rows = 3,
                                                 .run = 3 * channels,
                                                 .step_x = channels,
                                                 .output_row = outputs,
                                                 .output_pixel = outputs},
                                    .low = -20,
                                    .high = 235,
                                    .output_zero = 20},
                           .tile_height = 2,
                           .tile_width = 2};
  // The strips on both sides of 2^32, or the last ones.
  const uint32_t strips = rn_winograd_q8_units(&a);
  const uint32_t first = are_last ? strips - 2 : UINT32_MAX / tiles, last = first + 2;
  const size_t input_count = 3 * channels, weight_count = (size_t)9 * channels * outputs;
  uint8_t *input = buffer_input(input_count);
  int8_t *weights = buffer_input(weight_count);
  int16_t *transformed = buffer_input((size_t)16 * channels * outputs * sizeof *transformed);
  int32_t *bias = buffer_input(outputs * sizeof *bias);
  float *multiplier = buffer_input(outputs * sizeof *multiplier);
  random_bytes(random, input, input_count);
  fill_weights(random, typical, 4, 9 * channels, weights, weight_count);
  rn_winograd_q8_weights(2, 2, weights, 1, channels, transformed);
  for (uint32_t oc = 0; oc < outputs; oc++) {
    bias[oc] = random_between(random, -100000, 100000);
    multiplier[oc] = (1.0f + random_float(random)) / (1 << 12);
  }
  check_describe(run, "strips [%u, %u) of %u", first, last, strips);
  const check_view view = {.origin = buffer_margin,
                           .row = outputs,
                           .pixel = outputs,
                           .element = 1,
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
  a.scratch = buffer_output(rn_winograd_q8_scratch(2, 2, channels));
  a.conv.input = input;
  a.conv.bias = bias;
  a.conv.multiplier = multiplier;
  a.conv.weights = weights;
  a.conv.output = expected + buffer_margin;
  CHECK_REFERENCE(run, run->reference->conv_q8(&a.conv, view.first, view.last));
  a.weights = transformed;
  a.conv.output = found + buffer_margin;
  a.conv.weights = 0;
  check_flip_conv(run, &a.conv, weights, input_count, 0);
  check_flip(run, found, size);
  CHECK_KERNEL(run, run->kernels->winograd_q8(&a, first, last));
  check_flip(run, found, size);
  check_compare(run, &view, before, expected, found);
  check_end(run);
}

void check_winograd_q8(check_run *run) {
  for (unsigned shape = 0; shape < sizeof shapes / sizeof shapes[0]; shape++)
    for (unsigned form = 0; form < 3; form++)
      for (data kind = 0; kind < data_count; kind++)
        for (int has_residual = 0; has_residual < 2; has_residual++)
          one(run, shape, form, kind, has_residual);
  many_tiles(run, 0);
  many_tiles(run, 1);
}
