// SPDX-License-Identifier: Apache-2.0
#include "buffers.h"
#include "check_half.h"
#include "slots.h"

static void one(check_run *run, const conv_case *c) {
  check_random *random = &run->random;
  float *weights = buffer_input(c->weight_count * sizeof *weights), *bias = c->bias;
  conv_fill_floats(random, c, c->data);
  // Extreme inputs with weights of 0 and 1 stay finite in some outputs.
  check_fill_floats(random, c->data == conv_extreme ? conv_ties : c->data, weights,
                    c->weight_count);
  // Whole channels of zeros, with a bias of -0: the sign of zero shows at the clamp.
  for (uint32_t oc = 0; oc < c->channels; oc++) {
    if (random_below(random, 8))
      continue;
    bias[oc] = -0.0f;
    for (uint32_t k = 0; k < c->taps; k++)
      weights[rn_weight_index_float(oc, 0, k, 1, c->taps)] = -0.0f;
  }
  if (c->data == conv_extreme)
    for (size_t i = 0; i < c->weight_count; i += 1 + random_below(random, 64))
      weights[i] = random_below(random, 2) ? 1.0f : -2.0f;
  conv_call_floats(run, c, run->reference->conv_f32, weights, run->kernels->conv_f32, weights);
  check_compare(run, &c->view, c->before, c->expected, c->found);
}

void check_conv_f32(check_run *run) { check_conv_cases(run, sizeof(float), one); }
