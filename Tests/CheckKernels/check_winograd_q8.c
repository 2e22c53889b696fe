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

// 2 G and 24 G.
static const int32_t rows_of_2[4][3] = {{2, 0, 0}, {1, 1, 1}, {1, -1, 1}, {0, 0, 2}};
static const int32_t rows_of_4[6][3] = {{6, 0, 0}, {-4, -4, -4}, {-4, 4, -4},
                                        {1, 2, 4}, {1, -2, 4},   {0, 0, 6}};

static int32_t tap(const conv_case *c, const int8_t *weights, uint32_t oc, uint32_t ic,
                   uint32_t row, uint32_t column) {
  const uint32_t run = c->geometry.run;
  return weights[rn_weight_index_q8(oc, row, column * (run / 3) + ic, 3, run)];
}

static int32_t transformed_weight(const conv_case *c, const int8_t *weights, uint32_t oc,
                                  uint32_t ic, uint32_t position) {
  const uint32_t row = position / (c->tile_width + 2), column = position % (c->tile_width + 2);
  const int32_t *v = c->tile_height == 2 ? rows_of_2[row] : rows_of_4[row];
  const int32_t *h = c->tile_width == 2 ? rows_of_2[column] : rows_of_4[column];
  int32_t sum = 0;
  for (uint32_t i = 0; i < 3; i++)
    for (uint32_t j = 0; j < 3; j++)
      sum += v[i] * tap(c, weights, oc, ic, i, j) * h[j];
  return sum;
}

// Those of the reference, in two parts, as two threads have it, against the formula.
static void check_transformed(check_run *run, const conv_case *c, const int8_t *weights,
                              int16_t *transformed) {
  const uint32_t channels = c->geometry.run / 3, blocks = c->geometry.output_blocks;
  const uint32_t positions = rn_winograd_positions(c->tile_height, c->tile_width);
  const uint32_t middle = random_below(&run->random, blocks + 1);
  rn_winograd_q8_weights(c->tile_height, c->tile_width, weights, middle, blocks, channels,
                         transformed);
  rn_winograd_q8_weights(c->tile_height, c->tile_width, weights, 0, middle, channels, transformed);
  for (uint32_t oc = 0; oc < c->channels; oc++) {
    for (uint32_t ic = 0; ic < channels; ic++) {
      for (uint32_t p = 0; p < positions; p++) {
        const int32_t expected = transformed_weight(c, weights, oc, ic, p);
        const int32_t found = transformed[rn_winograd_index_q8(oc, p, ic, positions, channels)];
        if (found != expected)
          return check_fail(run, "weight %u, %u became %d at position %u, not %d", oc, ic, found, p,
                            expected);
      }
    }
  }
}

static void check_greatest_sum(check_run *run, const conv_case *c, const int8_t *weights) {
  const uint32_t taps = (uint32_t)c->taps, blocks = c->geometry.output_blocks;
  uint64_t expected = 0;
  for (uint32_t oc = 0; oc < c->channels; oc++) {
    uint64_t positive = 0, negative = 0;
    for (uint32_t k = 0; k < taps; k++) {
      const int32_t w = weights[rn_weight_index_q8(oc, 0, k, 1, taps)];
      positive += w > 0 ? 255 * w : 0;
      negative += w < 0 ? -255 * w : 0;
    }
    expected = positive > expected ? positive : expected;
    expected = negative > expected ? negative : expected;
  }
  const uint32_t found = rn_winograd_q8_greatest_sum(weights, blocks, c->geometry.run / 3);
  if (found != expected)
    check_fail(run, "the greatest sum is %u, not %llu", found, (unsigned long long)expected);
}

static void one(check_run *run, const conv_case *c) {
  check_random *random = &run->random;
  const uint32_t channels = c->geometry.run / 3;
  int8_t *weights = buffer_input(c->weight_count);
  int16_t *transformed = buffer_input(winograd_transformed_count(c) * sizeof *transformed);
  int32_t *bias = c->bias;
  float *multiplier = buffer_input(c->channels * sizeof *multiplier);
  random_bytes(random, c->input, c->input_count);
  if (c->data != typical)
    memset(c->input, 255, c->input_count);
  random_bytes(random, c->residual, c->residual_count);
  fill_weights(random, c, weights);
  check_transformed(run, c, weights, transformed);
  check_greatest_sum(run, c, weights);
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
  const conv_lower lower = conv_draw_lower(random, c, &a.conv);
  conv_scale_lower(c, &lower, multiplier, &a.conv);
  conv_set_lower(c, &lower, lower.output.expected, &a.conv);
  CHECK_REFERENCE(run, run->reference->conv_q8(&a.conv, c->output.first, c->output.last));
  a.conv.weights = 0;
  conv_flip(run, c, &lower, &a.conv, weights);
  // In two parts, as two threads have it.
  const uint32_t middle = random_between(random, c->first, c->last);
  CHECK_KERNEL(run, (run->kernels->winograd_q8(&a, middle, c->last),
                     run->kernels->winograd_q8(&a, c->first, middle)));
  check_flip_found(run, &c->output);
  check_compare(run, &c->output);
  check_compare(run, &lower.output);
}

// Sums on both sides of 2^32, and of what each form keeps exact.
static void winograd_limits(check_run *run) {
  check_begin(run);
  enum { channels = 14624, weight_count = 9 * channels * 16 };
  int8_t *weights = buffer_input(weight_count);
  check_describe(run, "the greatest sum of %d channels", channels);
  static const struct {
    int8_t weight;
    uint32_t sum;
  } cases[] = {{127, 255u * 127 * 9 * channels}, {-128, UINT32_MAX}, {1, 255 * 9 * channels}};
  for (unsigned i = 0; i < sizeof cases / sizeof cases[0]; i++) {
    memset(weights, cases[i].weight, weight_count);
    const uint32_t found = rn_winograd_q8_greatest_sum(weights, 1, channels);
    if (found != cases[i].sum)
      check_fail(run, "weights of %d have a greatest sum of %u, not %u", cases[i].weight, found,
                 cases[i].sum);
  }
  static const uint32_t forms[][3] = {{2, 2, 4}, {4, 2, 16}, {4, 4, 64}};
  for (unsigned i = 0; i < sizeof forms / sizeof forms[0]; i++) {
    const uint32_t limit = INT32_MAX / forms[i][2];
    if (!rn_winograd_q8_is_exact(forms[i][0], forms[i][1], limit) ||
        rn_winograd_q8_is_exact(forms[i][0], forms[i][1], limit + 1))
      check_fail(run, "%u is not the limit of F(%ux%u)", limit, forms[i][0], forms[i][1]);
  }
  check_end(run);
}

void check_winograd_q8(check_run *run) {
  winograd_limits(run);
  winograd_cases(run, 1, data_count, one);
  winograd_many_tiles(run, 1, one);
}
