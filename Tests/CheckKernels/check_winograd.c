// SPDX-License-Identifier: Apache-2.0
#include "check_winograd.h"
#include "buffers.h"

// In int8, input channels are rounded up to a multiple of 32.
static const conv_shape shapes[] = {
    {3, 1, 64, 2, 56, 8}, {3, 1, 128, 1, 28, 6}, {3, 1, 128, 3, 28, 6}, {3, 1, 256, 2, 14, 14},
    {3, 1, 512, 1, 7, 7}, {3, 1, 16, 1, 1, 1},   {3, 1, 32, 3, 3, 2},   {3, 1, 16, 2, 4, 5},
    {3, 1, 80, 1, 11, 9}, {3, 1, 32, 5, 17, 4},  {3, 1, 272, 1, 17, 4}, {3, 1, 64, 2, 13, 25},
    {3, 1, 16, 3, 2, 60}, {3, 1, 48, 4, 1, 3},   {3, 1, 48, 1, 40, 1},
};
static const uint32_t forms[][2] = {{2, 2}, {4, 2}, {4, 4}};

// Pairs of blocks times strips.
static uint32_t units_of(const conv_case *c) {
  const rn_winograd_float_args a = {.conv = {.geometry = c->geometry},
                                    .tile_height = c->tile_height,
                                    .tile_width = c->tile_width};
  return rn_winograd_float_units(&a);
}

static void one_case(check_run *run, const conv_shape *shape, const uint32_t *form, unsigned data,
                     size_t element, conv_check *one) {
  check_begin(run);
  const conv_residual residual = random_below(&run->random, conv_residual_count);
  conv_shape whole = *shape;
  if (element == 1)
    whole.input_channels = (shape->input_channels + 31) / 32 * 32;
  conv_case c = conv_case_of(&run->random, &whole, residual, element);
  c.data = data;
  c.tile_height = form[0];
  c.tile_width = form[1];
  c.last = units_of(&c);
  check_describe(run, "F(%ux%u), %u channels to %u, output %ux%u, residual %d, data %u",
                 c.tile_height, c.tile_width, whole.input_channels, c.channels, shape->height,
                 shape->width, residual, data);
  one(run, &c);
  check_end(run);
}

void winograd_cases(check_run *run, size_t element, unsigned kinds, conv_check *one) {
  for (unsigned shape = 0; shape < sizeof shapes / sizeof shapes[0]; shape++)
    for (unsigned form = 0; form < sizeof forms / sizeof forms[0]; form++)
      for (unsigned data = 0; data < kinds; data++)
        one_case(run, &shapes[shape], forms[form], data, element, one);
}

void winograd_many_tiles(check_run *run, size_t element, conv_check *one) {
  enum { channels = 32, outputs = 16, height = 1 << 19, tiles = height / 2 };
  for (int are_last = 0; are_last < 2; are_last++) {
    check_begin(run);
    conv_case c = {.geometry = {.output_height = height,
                                .output_width = 1,
                                .output_blocks = 1,
                                .kernel_rows = 3,
                                .run = 3 * channels,
                                .step_x = channels,
                                .output_row = outputs,
                                .output_pixel = outputs},
                   .tile_height = 2,
                   .tile_width = 2};
    conv_prepare(&c, element);
    const uint32_t strips = units_of(&c);
    c.first = are_last ? strips - 2 : UINT32_MAX / tiles;
    c.last = c.first + 2;
    c.output.first = rn_winograd_strip_start(tiles, c.first, strips) * 2;
    c.output.last = rn_winograd_strip_start(tiles, c.last, strips) * 2;
    check_describe(run, "strips [%u, %u) of %u", c.first, c.last, strips);
    one(run, &c);
    check_end(run);
  }
}

size_t winograd_transformed_count(const conv_case *c) {
  return rn_winograd_positions(c->tile_height, c->tile_width) * c->weight_count / 9;
}

float *winograd_transform_floats(const conv_case *c, const float *weights) {
  float *transformed = buffer_input(winograd_transformed_count(c) * sizeof *transformed);
  rn_winograd_f32_weights(c->tile_height, c->tile_width, weights, c->geometry.output_blocks,
                          c->geometry.run / 3, transformed);
  return transformed;
}

uint16_t *winograd_transform(const conv_case *c, const uint16_t *weights) {
  uint16_t *transformed = buffer_input(winograd_transformed_count(c) * sizeof *transformed);
  rn_winograd_f16_weights(c->tile_height, c->tile_width, weights, c->geometry.output_blocks,
                          c->geometry.run / 3, transformed);
  return transformed;
}

rn_winograd_float_args winograd_float_args(check_random *random, const conv_case *c,
                                           const void *transformed) {
  return (rn_winograd_float_args){.conv = conv_float_args(random, c),
                                  .weights = transformed,
                                  .tile_height = c->tile_height,
                                  .tile_width = c->tile_width,
                                  .scratch = buffer_output(rn_winograd_float_scratch(
                                      c->tile_height, c->tile_width, c->geometry.run / 3))};
}

void winograd_convolve(check_run *run, const conv_case *c, const rn_winograd_float_args *args,
                       winograd_float_function *kernel) {
  conv_place_residual(c);
  rn_winograd_float_args a = *args;
  if (run->element == 2) {
    const size_t count = winograd_transformed_count(c);
    float *widened = buffer_input(count * sizeof *widened);
    for (size_t i = 0; i < count; i++)
      widened[i] = half_to_float(((const uint16_t *)args->weights)[i]);
    a.weights = widened;
  }
  a.conv.output = c->output.expected;
  a.conv.residual = conv_residual_of(c, a.conv.output);
  CHECK_REFERENCE(run, run->reference->winograd_f32(&a, c->first, c->last));
  a.weights = args->weights;
  a.conv.output = c->output.found;
  a.conv.residual = conv_residual_of(c, a.conv.output);
  // In two parts, as two threads have it.
  const uint32_t middle = random_between(&run->random, c->first, c->last);
  CHECK_KERNEL(run, (kernel(&a, middle, c->last), kernel(&a, c->first, middle)));
}
