// SPDX-License-Identifier: Apache-2.0
// Against the direct reference: Winograd has to give the same bits.
#include "buffers.h"
#include "check_winograd.h"
#include "slots.h"
#include <string.h>

typedef enum data { typical, greatest, lopsided, data_count } data;

// Weights at which the form is still exact: random, all of the greatest magnitude, of one sign.
static void fill_weights(check_random *random, const conv_case *c, int8_t *weights) {
  const int64_t scale = (c->tile_height == 4 ? 8 : 2) * (c->tile_width == 4 ? 8 : 2);
  const int64_t limit = INT32_MAX / (255 * scale) / c->taps;
  const int32_t most = limit < 127 ? (int32_t)limit : 127;
  for (size_t i = 0; i < c->weight_count; i++) {
    const int32_t bound = c->data == typical && most < 64 ? 2 * most - 1 : most;
    weights[i] = c->data == typical ? random_between(random, -bound, bound) : most;
    if (c->data == greatest && random_below(random, 2))
      weights[i] = -weights[i];
  }
}

static void one(check_run *run, const conv_case *c) {
  check_random *random = &run->random;
  const uint32_t channels = c->geometry.run / 3, blocks = c->geometry.output_blocks;
  int8_t *weights = buffer_input(c->weight_count);
  int16_t *transformed = buffer_input(winograd_transformed_count(c) * sizeof *transformed);
  int32_t *bias = c->bias;
  float *multiplier = buffer_input(c->channels * sizeof *multiplier);
  random_bytes(random, c->input, c->input_count);
  if (c->data != typical)
    memset(c->input, 255, c->input_count);
  random_bytes(random, c->residual, c->residual_count);
  fill_weights(random, c, weights);
  rn_winograd_q8_weights(c->tile_height, c->tile_width, weights, blocks, channels, transformed);
  for (uint32_t oc = 0; oc < c->channels; oc++) {
    bias[oc] = random_between(random, -100000, 100000);
    multiplier[oc] = (1.0f + random_float(random)) / (c->data == typical ? 1 << 12 : 1 << 16);
  }
  conv_place_residual(c);
  rn_winograd_q8_args a = {
      .conv = {.geometry = c->geometry,
               .input = c->input,
               .weights = weights,
               .bias = bias,
               .multiplier = multiplier,
               .output = c->output.expected,
               .residual_multiplier = 0.75f,
               .residual_zero = 3,
               .low = -20,
               .high = 235,
               .output_zero = 20},
      .weights = transformed,
      .tile_height = c->tile_height,
      .tile_width = c->tile_width,
      .scratch = buffer_output(rn_winograd_q8_scratch(c->tile_height, c->tile_width, channels))};
  a.conv.residual = conv_residual_of(c, a.conv.output);
  CHECK_REFERENCE(run, run->reference->conv_q8(&a.conv, c->output.first, c->output.last));
  a.conv.weights = 0;
  conv_flip(run, c, &a.conv, weights);
  // In two parts, as two threads have it.
  const uint32_t middle = random_between(random, c->first, c->last);
  CHECK_KERNEL(run, (run->kernels->winograd_q8(&a, middle, c->last),
                     run->kernels->winograd_q8(&a, c->first, middle)));
  check_flip_found(run, &c->output);
  check_compare(run, &c->output);
}

void check_winograd_q8(check_run *run) {
  winograd_cases(run, 1, data_count, one);
  winograd_many_tiles(run, 1, one);
}
