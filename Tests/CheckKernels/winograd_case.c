// SPDX-License-Identifier: Apache-2.0
#include "winograd_case.h"
#include "buffers.h"
#include <string.h>

static const struct {
  uint32_t channels, blocks, height, width;
} shapes[] = {{64, 2, 8, 56},  {128, 1, 6, 28}, {128, 3, 6, 28}, {256, 2, 14, 14}, {512, 1, 7, 7},
              {16, 1, 1, 1},   {32, 3, 2, 3},   {16, 2, 5, 4},   {48, 1, 9, 11},   {32, 5, 4, 17},
              {272, 1, 4, 17}, {64, 2, 25, 13}, {16, 3, 60, 2},  {48, 4, 3, 1},    {80, 1, 1, 40}};
static const uint32_t forms[][2] = {{2, 2}, {4, 2}, {4, 4}};

void winograd_prepare(winograd_case *c) {
  rn_winograd_float_args *a = &c->args;
  const rn_conv_geometry *g = &a->conv.geometry;
  const uint32_t height = g->output_height, width = g->output_width;
  c->channels = g->run / 3;
  c->outputs = g->output_blocks * 16;
  c->input_count = (height + 1) * g->input_row + (width + 2) * g->step_x;
  c->weight_count = (size_t)9 * c->channels * c->outputs;
  c->transformed_count =
      (size_t)rn_winograd_positions(a->tile_height, a->tile_width) * c->channels * c->outputs;
  c->residual_count = (height - 1) * g->residual_row + (width - 1) * g->output_pixel + c->outputs;
  c->input = buffer_input(c->input_count * sizeof *c->input);
  c->weights = buffer_input(c->weight_count * sizeof *c->weights);
  c->transformed = buffer_input(c->transformed_count * sizeof *c->transformed);
  c->bias = buffer_input(c->outputs * sizeof *c->bias);
  c->residual = buffer_input(c->residual_count * sizeof *c->residual);
  c->view = (check_view){.origin = buffer_margin,
                         .row = g->output_row * sizeof(float),
                         .pixel = g->output_pixel * sizeof(float),
                         .element = sizeof(float),
                         .height = height,
                         .width = width,
                         .channels = c->outputs,
                         .unit_channels = c->outputs,
                         .first = 0,
                         .last = height};
  const size_t size = view_size(&c->view);
  c->before = buffer_output(size);
  c->expected = buffer_output(size);
  c->found = buffer_output(size);
  a->conv.input = c->input;
  a->conv.bias = c->bias;
  a->conv.residual = c->residual_kind == conv_separate ? c->residual : 0;
  a->weights = c->transformed;
  a->scratch = buffer_output(rn_winograd_f16_scratch(a->tile_height, a->tile_width, c->channels));
}

static void one_case(check_run *run, unsigned shape, unsigned form, unsigned kind,
                     void (*one)(check_run *, const winograd_case *)) {
  const uint32_t channels = shapes[shape].channels, outputs = shapes[shape].blocks * 16;
  const uint32_t height = shapes[shape].height, width = shapes[shape].width;
  check_begin(run);
  check_random *random = &run->random;
  winograd_case c = {.args = {.tile_height = forms[form][0], .tile_width = forms[form][1]},
                     .kind = kind,
                     .residual_kind = random_below(random, conv_residual_count)};
  const size_t input_row = (width + 2 + random_below(random, 3)) * channels;
  const size_t output_pixel = outputs + (random_below(random, 4) ? 0 : 16);
  const size_t output_row = width * output_pixel + random_below(random, 40);
  const size_t residual_row =
      output_row + (c.residual_kind == conv_separate ? random_below(random, 40) : 0);
  c.args.conv.geometry = (rn_conv_geometry){.output_height = height,
                                            .output_width = width,
                                            .output_blocks = shapes[shape].blocks,
                                            .kernel_rows = 3,
                                            .run = 3 * channels,
                                            .input_row = input_row,
                                            .step_y = input_row,
                                            .step_x = channels,
                                            .output_row = output_row,
                                            .output_pixel = output_pixel,
                                            .residual_row = residual_row};
  check_fill_range(random, &c.args.conv);
  winograd_prepare(&c);
  check_describe(run, "F(%ux%u), %u channels to %u, output %ux%u, residual %d, data %u",
                 c.args.tile_height, c.args.tile_width, channels, outputs, height, width,
                 c.residual_kind, kind);
  one(run, &c);
  check_end(run);
}

void winograd_cases(check_run *run, unsigned kinds,
                    void (*one)(check_run *, const winograd_case *)) {
  for (unsigned shape = 0; shape < sizeof shapes / sizeof shapes[0]; shape++)
    for (unsigned form = 0; form < sizeof forms / sizeof forms[0]; form++)
      for (unsigned kind = 0; kind < kinds; kind++)
        one_case(run, shape, form, kind, one);
}

void winograd_transform(const winograd_case *c) {
  rn_winograd_f16_weights(c->args.tile_height, c->args.tile_width, c->weights, c->outputs / 16,
                          c->channels, c->transformed);
}

void winograd_convolve(check_run *run, const winograd_case *c,
                       void (*kernel)(const rn_winograd_float_args *, uint32_t, uint32_t)) {
  if (c->residual_kind == conv_in_place) {
    memcpy(c->before + c->view.origin, c->residual, c->residual_count * sizeof *c->residual);
    memcpy(c->expected, c->before, view_size(&c->view));
    memcpy(c->found, c->before, view_size(&c->view));
  }
  rn_winograd_float_args a = c->args;
  const uint32_t units = rn_winograd_f16_units(&a);
  a.conv.output = (float *)(c->expected + c->view.origin);
  if (c->residual_kind == conv_in_place)
    a.conv.residual = a.conv.output;
  CHECK_REFERENCE(run, run->reference->winograd_f16(&a, 0, units));
  a.conv.output = (float *)(c->found + c->view.origin);
  if (c->residual_kind == conv_in_place)
    a.conv.residual = a.conv.output;
  // In two parts, as two threads have it.
  const uint32_t first = random_below(&run->random, units + 1);
  CHECK_KERNEL(run, (kernel(&a, first, units), kernel(&a, 0, first)));
}
