// SPDX-License-Identifier: Apache-2.0
// Grouped convolutions: every width of groups, strides, dilations, and the layers of ResNeXts.
#include "buffers.h"
#include "check_half.h"
#include "slots.h"

typedef struct grouped_shape {
  uint32_t kernel_rows, kernel_columns, stride, dilation, group_channels, groups;
  uint32_t width, height; // of the output
} grouped_shape;

// Full rows and fewer groups and rows of ResNeXts.
static const grouped_shape resnext_shapes[] = {
    {3, 3, 1, 1, 4, 32, 56, 2}, {3, 3, 2, 1, 8, 8, 28, 2},  {3, 3, 1, 1, 8, 8, 28, 3},
    {3, 3, 2, 1, 16, 4, 14, 3}, {3, 3, 1, 1, 16, 5, 14, 4}, {3, 3, 2, 1, 32, 3, 7, 7},
    {3, 3, 1, 1, 32, 2, 7, 7},  {3, 3, 1, 1, 64, 2, 7, 4},  {3, 3, 2, 1, 64, 1, 7, 3},
    {3, 3, 2, 1, 4, 12, 28, 3}, {3, 3, 1, 2, 16, 2, 14, 3},
};

static const uint32_t odd_groups[][2] = {{4, 4},  {4, 12}, {8, 2},  {8, 10}, {16, 1},
                                         {16, 2}, {16, 3}, {32, 1}, {32, 3}, {48, 1},
                                         {48, 2}, {48, 3}, {64, 1}, {80, 2}};
static const uint32_t odd_widths[] = {1,  2,  3,  4,  5,  6,  7,  8,  9, 10,
                                      11, 12, 13, 14, 15, 16, 17, 25, 49};

static conv_case case_of(check_random *random, const grouped_shape *shape, conv_residual residual,
                         size_t element) {
  const uint32_t channels = shape->group_channels * shape->groups;
  conv_case c = {.residual_kind = residual,
                 .group_channels = shape->group_channels,
                 .kernel_columns = shape->kernel_columns,
                 .input_column = (size_t)shape->dilation * channels};
  rn_conv_geometry *g = &c.geometry;
  g->output_height = shape->height;
  g->output_width = shape->width;
  g->output_blocks = channels / RN_CHANNEL_BLOCK;
  g->kernel_rows = shape->kernel_rows;
  // The least columns that hold all taps, and sometimes a border more; no pitch has to be round.
  const uint32_t columns =
      (shape->width - 1) * shape->stride + (shape->kernel_columns - 1) * shape->dilation + 1;
  const size_t row = (size_t)(columns + random_below(random, 3)) * channels;
  g->input_row = shape->dilation * row;
  g->step_y = shape->stride * row;
  g->step_x = (size_t)shape->stride * channels;
  g->output_pixel = channels + (random_below(random, 4) ? 0 : 16);
  g->output_row =
      shape->width * g->output_pixel + random_below(random, 2) * random_below(random, 40);
  g->residual_row = g->output_row;
  if (residual != conv_in_place)
    g->residual_row += random_below(random, 2) * random_below(random, 40);
  if (shape->height == 1 && random_below(random, 2))
    g->output_row = g->residual_row = 0;
  // A row of the kernel reaches to the last tap's last channel.
  g->run = (uint32_t)((shape->kernel_columns - 1) * c.input_column) + channels;
  conv_prepare(&c, element);
  g->run = shape->group_channels < 16 ? 16 : shape->group_channels;
  c.taps = shape->kernel_rows * shape->kernel_columns * shape->group_channels;
  c.weight_count = (size_t)c.taps * channels;
  return c;
}

static void call_q8(const rn_kernels *table, const conv_case *c, const rn_conv_q8_args *conv) {
  const rn_grouped_q8_args a = {*conv, c->group_channels, c->kernel_columns, c->input_column};
  // In two parts, as two threads have it.
  const uint32_t middle = (c->first + c->last) / 2;
  table->grouped_q8(&a, middle, c->last);
  table->grouped_q8(&a, c->first, middle);
}

static void one_q8(check_run *run, const conv_case *c) { conv_check_q8(run, c, call_q8); }

// Weights in fp16 are compared with the float32 reference on what they are widened to.
static void one_float(check_run *run, const conv_case *c) {
  float *weights = conv_fill_weights(run, c);
  const void *found_weights = weights;
  if (run->element == 2) {
    const uint16_t *halves = conv_halves(c, weights);
    for (size_t i = 0; i < c->weight_count; i++)
      weights[i] = half_to_float(halves[i]);
    found_weights = halves;
  }
  conv_place_residual(c);
  rn_grouped_float_args a = {conv_float_args(&run->random, c), c->group_channels, c->kernel_columns,
                             c->input_column};
  a.conv.weights = weights;
  a.conv.output = c->output.expected;
  a.conv.residual = conv_residual_of(c, a.conv.output);
  CHECK_REFERENCE(run, run->reference->grouped_f32(&a, c->first, c->last));
  a.conv.weights = found_weights;
  a.conv.output = c->output.found;
  a.conv.residual = conv_residual_of(c, a.conv.output);
  const uint32_t middle = (c->first + c->last) / 2;
  CHECK_KERNEL(run, {
    void (*kernel)(const rn_grouped_float_args *, uint32_t, uint32_t) =
        run->element == 2 ? run->kernels->grouped_f16 : run->kernels->grouped_f32;
    kernel(&a, middle, c->last);
    kernel(&a, c->first, middle);
  });
  check_compare(run, &c->output);
}

static void one_case(check_run *run, const grouped_shape *shape, conv_data data,
                     conv_residual residual, size_t element, conv_check *one) {
  check_begin(run);
  check_random *random = &run->random;
  conv_case c = case_of(random, shape, residual, element);
  c.data = data;
  if (random_below(random, 2)) {
    c.output.first = random_below(random, c.output.last + 1);
    c.output.last = c.output.first + random_below(random, c.output.last - c.output.first + 1);
  }
  c.first = c.output.first;
  c.last = c.output.last;
  check_describe(run,
                 "%ux%u s%u dilation %u, %u groups of %u, output %ux%u (row %zu, pixel %zu), "
                 "residual %d, data %d, units [%u, %u)",
                 shape->kernel_rows, shape->kernel_columns, shape->stride, shape->dilation,
                 shape->groups, shape->group_channels, shape->height, shape->width,
                 c.geometry.output_row, c.geometry.output_pixel, residual, data, c.first, c.last);
  one(run, &c);
  check_end(run);
}

static void check_grouped(check_run *run, size_t element, conv_check *one) {
  for (unsigned i = 0; i < sizeof resnext_shapes / sizeof resnext_shapes[0]; i++)
    for (conv_data data = 0; data < conv_data_count; data++)
      for (conv_residual residual = 0; residual < conv_residual_count; residual++)
        one_case(run, &resnext_shapes[i], data, residual, element, one);
  // Kernels, strides, data and the rest in rhythms of their own, so that they meet in many ways.
  unsigned n = 0;
  for (unsigned i = 0; i < sizeof odd_groups / sizeof odd_groups[0]; i++) {
    for (unsigned w = 0; w < sizeof odd_widths / sizeof odd_widths[0]; w++) {
      for (unsigned repeat = 0; repeat < 3; repeat++, n++) {
        static const uint32_t kernels[][2] = {{3, 3}, {1, 1}, {3, 3}, {2, 2}, {5, 5},
                                              {3, 3}, {1, 3}, {4, 4}, {3, 2}, {2, 5}};
        const grouped_shape shape = {
            kernels[n % 10][0], kernels[n % 10][1], 1 + n % 7 % 2, n % 11 % 3 == 2 ? 1 + n % 3 : 1,
            odd_groups[i][0],   odd_groups[i][1],   odd_widths[w], 1 + n % 5};
        one_case(run, &shape, n % 9 % conv_data_count, n / 2 % conv_residual_count, element, one);
      }
    }
  }
}

void check_grouped_q8(check_run *run) { check_grouped(run, 1, one_q8); }

void check_grouped_float(check_run *run) { check_grouped(run, sizeof(float), one_float); }
