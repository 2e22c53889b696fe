// SPDX-License-Identifier: Apache-2.0
// Against the float32 reference on the widened weights: the bits have to be the same.
#include "buffers.h"
#include "check_half.h"
#include "slots.h"

static void one(check_run *run, const conv_case *c) {
  check_random *random = &run->random;
  uint16_t *weights = conv_half_weights(c);
  float *widened = buffer_input(c->weight_count * sizeof *widened), *bias = c->bias;
  conv_fill_floats(random, c, c->data);
  // Extreme inputs with tiny weights stay finite in some outputs.
  check_fill_halves(random, c->data, weights, c->weight_count);
  if (c->data == conv_extreme && random_below(random, 2))
    check_fill_halves(random, conv_ties, weights, c->weight_count);
  // Whole channels of zeros, with a bias of -0: the sign of zero shows at the clamp.
  for (uint32_t oc = 0; oc < c->channels; oc++) {
    if (random_below(random, 8))
      continue;
    bias[oc] = -0.0f;
    for (uint32_t k = 0; k < c->taps; k++)
      weights[rn_weight_index_float(oc, 0, k, 1, c->taps)] = 0x8000;
  }
  for (size_t i = 0; i < c->weight_count; i++)
    widened[i] = half_to_float(weights[i]);
  conv_call_floats(run, c, run->reference->conv_f32, widened, run->kernels->conv_f16, weights);
  check_compare(run, &c->view, c->before, c->expected, c->found);
}

void check_conv_f16(check_run *run) {
  check_half(run);
  check_conv_cases(run, sizeof(float), one);
}
