// SPDX-License-Identifier: Apache-2.0
#include "check_conv.h"
#include "buffers.h"
#include <string.h>

// The convolutions of ResNets with full rows and sums, and fewer rows and output channels. Stride 2
// stands in the 3x3 of both block kinds, in the downsample 1x1 and, in older Bottlenecks, in conv1.
static const conv_shape resnet_shapes[] = {
    {7, 2, 3, 4, 112, 2}, // stem
    {3, 1, 64, 4, 56, 2},
    {3, 1, 128, 2, 28, 2},
    {3, 1, 256, 2, 14, 2},
    {3, 1, 512, 2, 7, 3},
    {3, 2, 64, 2, 28, 2},
    {3, 2, 128, 2, 14, 3},
    {3, 2, 256, 2, 7, 4},
    {3, 2, 512, 2, 7, 2},
    {1, 2, 64, 8, 28, 3},
    {1, 2, 128, 4, 14, 4},
    {1, 2, 256, 3, 7, 7}, // downsample
    {1, 1, 64, 16, 56, 2},
    {1, 1, 128, 8, 28, 2},
    {1, 1, 256, 5, 14, 3},
    {1, 1, 512, 3, 7, 7}, // conv3
    {1, 1, 64, 4, 56, 3},
    {1, 1, 256, 4, 56, 2},
    {1, 1, 512, 2, 28, 2},
    {1, 1, 1024, 2, 14, 2},
    {1, 1, 2048, 2, 7, 3},
    {1, 2, 256, 2, 28, 2},
    {1, 2, 512, 4, 14, 2},
    {1, 2, 1024, 2, 7, 4},
    // More input for a row of outputs than conv_f16acc16_neonfp16 converts at once.
    {1, 1, 512, 1, 70, 2},
    {3, 2, 128, 3, 57, 1},
};

static const struct {
  uint32_t kernel, stride, input_channels;
} odd_kernels[] = {{1, 1, 16}, {1, 1, 48}, {1, 2, 16}, {2, 2, 16}, {2, 2, 48},
                   {3, 1, 16}, {3, 1, 4},  {3, 2, 3},  {3, 2, 16}, {3, 2, 32},
                   {7, 2, 3},  {5, 1, 3},  {2, 3, 8}};
static const uint32_t odd_widths[] = {1,  2,  3,  4,  5,  6,  7,  8,  9, 10,
                                      11, 12, 13, 14, 15, 16, 17, 25, 49};

void conv_prepare(conv_case *c, size_t element) {
  const rn_conv_geometry *g = &c->geometry;
  c->channels = g->output_blocks * RN_CHANNEL_BLOCK;
  c->taps = g->kernel_rows * g->run;
  c->weight_count = (size_t)c->taps * c->channels;
  c->input_count = (g->output_height - 1) * g->step_y + (g->kernel_rows - 1) * g->input_row +
                   (g->output_width - 1) * g->step_x + g->run;
  c->residual_count = (g->output_height - 1) * g->residual_row +
                      (g->output_width - 1) * g->output_pixel + c->channels;
  const size_t row = g->output_row > 0 ? g->output_row : g->output_width * g->output_pixel;
  c->output = check_output_of((check_output){.row = row * element,
                                             .pixel = g->output_pixel * element,
                                             .element = element,
                                             .height = g->output_height,
                                             .width = g->output_width,
                                             .channels = c->channels,
                                             .unit_channels = 2 * RN_CHANNEL_BLOCK,
                                             .last = rn_conv_units(g)});
  c->input = buffer_input(c->input_count * element);
  c->bias = buffer_input(c->channels * 4);
  c->residual = buffer_input(c->residual_count * element);
}

conv_case conv_case_of(check_random *random, const conv_shape *shape, conv_residual residual,
                       size_t element) {
  conv_case c = {.residual_kind = residual};
  rn_conv_geometry *g = &c.geometry;
  g->output_height = shape->height;
  g->output_width = shape->width;
  g->output_blocks = shape->output_blocks;
  g->kernel_rows = shape->kernel;
  g->run = shape->kernel * shape->input_channels;
  if (element == 1)
    g->run = (g->run + 3) / 4 * 4;
  // The least columns that hold all taps, and sometimes a border more; no pitch has to be round.
  const uint32_t columns = (shape->width - 1) * shape->stride + shape->kernel;
  g->input_row = (size_t)(columns + random_below(random, 3)) * shape->input_channels;
  g->step_y = shape->stride * g->input_row;
  g->step_x = (size_t)shape->stride * shape->input_channels;
  g->output_pixel = shape->output_blocks * RN_CHANNEL_BLOCK + (random_below(random, 4) ? 0 : 16);
  g->output_row =
      shape->width * g->output_pixel + random_below(random, 2) * random_below(random, 40);
  g->residual_row = g->output_row;
  if (residual != conv_in_place)
    g->residual_row += random_below(random, 2) * random_below(random, 40);
  // The pitch of a single row does not matter: that of the stem's is 0.
  if (shape->height == 1 && random_below(random, 2))
    g->output_row = g->residual_row = 0;
  conv_prepare(&c, element);
  return c;
}

void conv_place_residual(const conv_case *c) {
  if (c->residual_kind != conv_in_place)
    return;
  const check_output *o = &c->output;
  void *const outputs[] = {o->before, o->expected, o->found};
  for (int i = 0; i < 3; i++)
    memcpy(outputs[i], c->residual, c->residual_count * o->element);
}

const void *conv_residual_of(const conv_case *c, const void *output) {
  return c->residual_kind == conv_separate   ? c->residual
         : c->residual_kind == conv_in_place ? output
                                             : 0;
}

static void one_case(check_run *run, const conv_shape *shape, conv_data data,
                     conv_residual residual, size_t element, conv_check *one) {
  check_begin(run);
  check_random *random = &run->random;
  conv_case c = conv_case_of(random, shape, residual, element);
  c.data = data;
  if (random_below(random, 2)) {
    c.output.first = random_below(random, c.output.last + 1);
    c.output.last = c.output.first + random_below(random, c.output.last - c.output.first + 1);
  }
  c.first = c.output.first;
  c.last = c.output.last;
  static const char *const data_names[] = {"typical", "ties", "greatest", "extreme"};
  static const char *const residual_names[] = {"no", "separate", "in-place"};
  check_describe(run,
                 "%ux%u s%u, %u channels to %u, output %ux%u (row %zu, pixel %zu), %s residual, "
                 "%s data, units [%u, %u)",
                 shape->kernel, shape->kernel, shape->stride, shape->input_channels, c.channels,
                 shape->height, shape->width, c.geometry.output_row, c.geometry.output_pixel,
                 residual_names[residual], data_names[data], c.first, c.last);
  one(run, &c);
  check_end(run);
}

static void every_kind(check_run *run, const conv_shape *shape, size_t element, conv_check *one) {
  for (conv_data data = 0; data < conv_data_count; data++)
    for (conv_residual residual = 0; residual < conv_residual_count; residual++)
      one_case(run, shape, data, residual, element, one);
}

void check_conv_cases(check_run *run, size_t element, conv_check *one) {
  for (unsigned i = 0; i < sizeof resnet_shapes / sizeof resnet_shapes[0]; i++)
    every_kind(run, &resnet_shapes[i], element, one);
  for (unsigned k = 0; k < sizeof odd_kernels / sizeof odd_kernels[0]; k++) {
    for (unsigned w = 0; w < sizeof odd_widths / sizeof odd_widths[0]; w++) {
      // Heights and blocks in another rhythm than widths, so that they meet in many ways.
      const conv_shape shape = {
          odd_kernels[k].kernel, odd_kernels[k].stride, odd_kernels[k].input_channels,
          1 + (w + 2 * k) % 5,   odd_widths[w],         1 + (3 * w + k) % 7};
      every_kind(run, &shape, element, one);
    }
  }
}
