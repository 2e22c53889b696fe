// SPDX-License-Identifier: Apache-2.0
// Weights in fp16 are compared with the float32 reference on what they are widened to: the bits
// have to be the same.
#include "buffers.h"
#include "check_half.h"
#include "slots.h"

float *conv_fill_weights(check_run *run, const conv_case *c) {
  check_random *random = &run->random;
  const bool has_halves = run->element == 2;
  const uint32_t width = c->group_channels ? c->group_channels : c->taps;
  float *weights = buffer_input(c->weight_count * sizeof *weights), *bias = c->bias;
  conv_fill_floats(random, c, c->data);
  // Extreme inputs with small weights, and with those of 1, stay finite in some outputs.
  const bool is_extreme = c->data == conv_extreme;
  const bool has_small = is_extreme && (!has_halves || random_below(random, 2));
  check_fill(random, has_small ? conv_ties : c->data, has_halves, weights, c->weight_count);
  if (is_extreme && !has_halves)
    for (size_t i = 0; i < c->weight_count; i += 1 + random_below(random, 64))
      weights[i] = random_below(random, 2) ? 1.0f : -2.0f;
  // Whole channels of zeros, with a bias of -0: the sign of zero shows at the clamp.
  for (uint32_t oc = 0; oc < c->channels; oc++) {
    if (random_below(random, 8))
      continue;
    bias[oc] = -0.0f;
    for (uint32_t k = 0; k < c->taps; k++)
      weights[rn_weight_index_float(oc, k / width, k % width, c->taps / width, width)] = -0.0f;
  }
  return weights;
}

static void one(check_run *run, const conv_case *c) {
  float *weights = conv_fill_weights(run, c);
  if (run->element == 2) {
    const uint16_t *halves = conv_halves(c, weights);
    for (size_t i = 0; i < c->weight_count; i++)
      weights[i] = half_to_float(halves[i]);
    conv_call_floats(run, c, run->reference->conv_f32, weights, run->kernels->conv_f16, halves);
  } else {
    conv_call_floats(run, c, run->reference->conv_f32, weights, run->kernels->conv_f32, weights);
  }
  check_compare(run, &c->output);
}

void check_conv_float(check_run *run) {
  if (run->element == 2)
    check_half(run);
  check_conv_cases(run, sizeof(float), one);
}
