// SPDX-License-Identifier: Apache-2.0
#include "buffers.h"
#include "check_conv.h"
#include "slots.h"
#include <float.h>
#include <math.h>
#include <string.h>

size_t conv_weight_q8(const conv_case *c, uint32_t oc, uint32_t k) {
  const uint32_t width = c->group_channels;
  return width ? rn_grouped_index_q8(oc, k / width, k % width, c->taps / width, width)
               : rn_weight_index_q8(oc, 0, k, 1, c->taps);
}

static float extreme_multiplier(check_random *random) {
  static const float values[] = {0,    -0.0f, 1e-42f, FLT_MIN, 1e-12f, 0.5f,    -0.5f,
                                 1.0f, 2.5f,  -3e-7f, 1e12f,   -1e30f, FLT_MAX, -FLT_MAX};
  return values[random_below(random, sizeof values / sizeof values[0])];
}

static void fill_sums(check_random *random, const conv_case *c, int8_t *weights) {
  uint8_t *input = c->input;
  int32_t *bias = c->bias;
  random_bytes(random, input, c->input_count);
  random_bytes(random, weights, c->weight_count);
  for (size_t i = 0; i < c->weight_count; i++)
    weights[i] = weights[i] == -128 ? 127 : weights[i];
  for (uint32_t oc = 0; oc < c->channels; oc++)
    bias[oc] = random_between(random, -100000, 100000);
  if (c->data == conv_ties) {
    // Small sums: few weights that are not 0.
    for (size_t i = 0; i < c->input_count; i++)
      input[i] &= 3;
    for (size_t i = 0; i < c->weight_count; i++)
      weights[i] = random_below(random, c->taps) < 16 ? random_between(random, -2, 2) : 0;
    for (uint32_t oc = 0; oc < c->channels; oc++)
      bias[oc] = random_between(random, -300, 600);
  } else if (c->data == conv_greatest) {
    memset(input, 255, c->input_count);
    for (uint32_t oc = 0; oc < c->channels; oc++) {
      const int8_t weight = random_below(random, 2) ? 127 : -127;
      for (uint32_t k = 0; k < c->taps; k++)
        weights[conv_weight_q8(c, oc, k)] = weight;
      // Mostly of the same sign as the sum: the accumulator's greatest magnitude.
      bias[oc] = (random_below(random, 4) ? weight : -weight) > 0 ? 1 << 29 : -(1 << 29);
    }
  }
}

static void fill_multipliers(check_random *random, const conv_case *c, rn_conv_q8_args *a,
                             float *multiplier) {
  static const float halves[] = {0.5f, 0.25f, 1.5f, -0.5f};
  // Takes typical sums to about twice the output's range.
  const float typical = 150.0f / (73.0f * 147.0f * sqrtf((float)c->taps));
  for (uint32_t oc = 0; oc < c->channels; oc++) {
    switch (c->data) {
    case conv_typical:
      multiplier[oc] = typical * (1.0f + 0.5f * random_float(random));
      break;
    case conv_ties:
      multiplier[oc] = halves[random_below(random, 4)];
      break;
    case conv_greatest:
      multiplier[oc] = 128.0f / (1 << 29) * (1.0f + random_float(random));
      break;
    default:
      multiplier[oc] = extreme_multiplier(random);
    }
  }
  a->residual_multiplier = c->data == conv_ties      ? halves[random_below(random, 4)]
                           : c->data == conv_extreme ? extreme_multiplier(random)
                                                     : 1.0f + random_float(random);
}

// The range of the output: all of uint8, above zero (ReLU), or some part of it, not always whole.
static void fill_range(check_random *random, rn_conv_q8_args *a) {
  static const int32_t zeros[] = {0, 0, 128, 255, 1, 254};
  a->output_zero =
      random_below(random, 8) ? zeros[random_below(random, 6)] : random_between(random, 0, 255);
  a->residual_zero =
      random_below(random, 8) ? zeros[random_below(random, 6)] : random_between(random, 0, 255);
  a->low = random_below(random, 2) ? 0.0f : (float)-a->output_zero;
  a->high = (float)(255 - a->output_zero);
  if (random_below(random, 8) == 0) {
    const float span = a->high - a->low;
    a->low += span * 0.25f;
    a->high -= span * 0.25f;
  }
}

conv_lower conv_draw_lower(check_random *random, const conv_case *c, rn_conv_q8_args *a) {
  conv_lower lower = {.output = check_output_of(c->output),
                      .residual = buffer_input(c->residual_count),
                      .has_output = random_below(random, 2),
                      .has_residual =
                          c->residual_kind != conv_no_residual && random_below(random, 2)};
  random_bytes(random, lower.residual, c->residual_count);
  const check_output *o = &lower.output;
  void *const outputs[] = {o->before, o->expected, o->found};
  for (int i = 0; i < 3 && c->residual_kind == conv_in_place && lower.has_output; i++)
    memcpy(outputs[i], lower.residual, c->residual_count);
  if (lower.has_output) {
    a->output_zero = a->output_zero * 256 + 128;
    a->low *= 256;
    // To the end of the bytes, or a little further, to that of 16 bits.
    a->high = random_below(random, 2) ? a->high * 256 : (float)(65535 - a->output_zero);
  }
  if (lower.has_residual)
    a->residual_zero = a->residual_zero * 256 + 128;
  return lower;
}

void conv_scale_lower(const conv_case *c, const conv_lower *lower, float *multiplier,
                      rn_conv_q8_args *a) {
  const float factor = lower->has_output ? 256 : 1;
  for (uint32_t oc = 0; oc < c->channels; oc++)
    multiplier[oc] *= factor;
  a->residual_multiplier *= lower->has_residual ? factor / 256 : factor;
}

void conv_set_lower(const conv_case *c, const conv_lower *lower, void *output_lower,
                    rn_conv_q8_args *a) {
  const bool is_in_output = c->residual_kind == conv_in_place && lower->has_output;
  const uint8_t *residual_lower = is_in_output ? output_lower : lower->residual;
  a->output_lower = lower->has_output ? (uint8_t *)output_lower - a->output : 0;
  a->residual_lower = lower->has_residual ? residual_lower - a->residual : 0;
}

void conv_flip(const check_run *run, const conv_case *c, const conv_lower *lower,
               rn_conv_q8_args *a, const int8_t *weights) {
  const int32_t flip = run->kernels->activation_flip;
  if (weights) {
    int32_t *bias = buffer_input(c->channels * sizeof *bias);
    memcpy(bias, c->bias, c->channels * sizeof *bias);
    for (uint32_t oc = 0; oc < c->channels; oc++)
      for (uint32_t k = 0; k < c->taps; k++)
        bias[oc] += flip * weights[conv_weight_q8(c, oc, k)];
    a->bias = bias;
  }
  a->input = check_flipped(run, c->input, c->input_count);
  a->output_zero -= lower->has_output ? 256 * flip : flip;
  a->residual_zero -= lower->has_residual ? 256 * flip : flip;
  a->output = c->output.found;
  check_flip_found(run, &c->output);
  a->residual = c->residual_kind == conv_separate
                    ? check_flipped(run, c->residual, c->residual_count)
                    : conv_residual_of(c, a->output);
  conv_set_lower(c, lower, lower->output.found, a);
}

void conv_check_q8(check_run *run, const conv_case *c, conv_q8_call *call) {
  check_random *random = &run->random;
  int8_t *weights = buffer_input(c->weight_count);
  float *multiplier = buffer_input(c->channels * sizeof *multiplier);
  rn_conv_q8_args a = {.geometry = c->geometry,
                       .input = c->input,
                       .weights = weights,
                       .bias = c->bias,
                       .multiplier = multiplier};
  fill_sums(random, c, weights);
  fill_multipliers(random, c, &a, multiplier);
  fill_range(random, &a);
  const conv_lower lower = conv_draw_lower(random, c, &a);
  // The extreme ones would leave the floats.
  if (c->data != conv_extreme)
    conv_scale_lower(c, &lower, multiplier, &a);
  random_bytes(random, c->residual, c->residual_count);
  if (c->data == conv_greatest)
    memset(c->residual, random_below(random, 2) ? 255 : 0, c->residual_count);
  conv_place_residual(c);
  a.output = c->output.expected;
  a.residual = conv_residual_of(c, a.output);
  conv_set_lower(c, &lower, lower.output.expected, &a);
  CHECK_REFERENCE(run, call(run->reference, c, &a));
  conv_flip(run, c, &lower, &a, weights);
  CHECK_KERNEL(run, call(run->kernels, c, &a));
  check_flip_found(run, &c->output);
  check_compare(run, &c->output);
  check_compare(run, &lower.output);
}

static void call(const rn_kernels *table, const conv_case *c, const rn_conv_q8_args *a) {
  table->conv_q8(a, c->first, c->last);
}

static void one(check_run *run, const conv_case *c) { conv_check_q8(run, c, call); }

void check_conv_q8(check_run *run) { check_conv_cases(run, 1, one); }
