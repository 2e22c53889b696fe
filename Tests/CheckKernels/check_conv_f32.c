// SPDX-License-Identifier: Apache-2.0
#include "buffers.h"
#include "check_half.h"
#include "slots.h"
#include <math.h>
#include <string.h>

static void one(check_run *run, const conv_case *c) {
  check_random *random = &run->random;
  float *input = buffer_input(c->input_count * sizeof(float));
  float *weights = buffer_input(c->weight_count * sizeof(float));
  float *bias = buffer_input(c->channels * sizeof(float));
  float *residual = buffer_input(c->residual_count * sizeof(float));
  const size_t size = view_size(&c->view);
  uint8_t *before = buffer_output(size);
  uint8_t *expected = buffer_output(size);
  uint8_t *found = buffer_output(size);

  check_fill_floats(random, c->data, input, c->input_count);
  // Extreme inputs with weights of 0 and 1 stay finite in some outputs.
  check_fill_floats(random, c->data == conv_extreme ? conv_ties : c->data, weights,
                    c->weight_count);
  check_fill_floats(random, c->data, bias, c->channels);
  check_fill_floats(random, c->data, residual, c->residual_count);
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
  if (c->residual == conv_in_place) {
    memcpy(before + c->view.origin, residual, c->residual_count * sizeof(float));
    memcpy(expected, before, size);
    memcpy(found, before, size);
  }

  rn_conv_float_args a = {
      .geometry = c->geometry, .input = input, .weights = weights, .bias = bias};
  check_fill_range(random, &a);
  a.output = (float *)(expected + c->view.origin);
  a.residual = c->residual == conv_separate   ? residual
               : c->residual == conv_in_place ? a.output
                                              : 0;
  CHECK_REFERENCE(run, run->reference->conv_f32(&a, c->first, c->last));
  a.output = (float *)(found + c->view.origin);
  if (c->residual == conv_in_place)
    a.residual = a.output;
  CHECK_KERNEL(run, run->kernels->conv_f32(&a, c->first, c->last));
  check_compare(run, &c->view, before, expected, found);
}

void check_conv_f32(check_run *run) { check_conv_cases(run, sizeof(float), one); }
