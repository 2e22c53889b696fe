// SPDX-License-Identifier: Apache-2.0
#include "flip.h"
#include "buffers.h"
#include <string.h>

void check_flip(const check_run *run, uint8_t *bytes, size_t count) {
  for (size_t i = 0; i < count; i++)
    bytes[i] ^= run->kernels->activation_flip;
}

const uint8_t *check_flipped(const check_run *run, const uint8_t *bytes, size_t count) {
  uint8_t *copy = buffer_input(count);
  memcpy(copy, bytes, count);
  check_flip(run, copy, count);
  return copy;
}

static const int32_t *flipped_bias(const conv_case *c, const int8_t *weights, int32_t flip) {
  int32_t *bias = buffer_input(c->channels * sizeof *bias);
  memcpy(bias, c->bias, c->channels * sizeof *bias);
  for (uint32_t oc = 0; oc < c->channels; oc++)
    for (uint32_t k = 0; k < c->taps; k++)
      bias[oc] += flip * weights[rn_weight_index_q8(oc, 0, k, 1, c->taps)];
  return bias;
}

void check_flip_conv(const check_run *run, const conv_case *c, rn_conv_q8_args *a,
                     const int8_t *weights) {
  const int32_t flip = run->kernels->activation_flip;
  a->input = check_flipped(run, c->input, c->input_count);
  a->bias = flipped_bias(c, weights, flip);
  a->output_zero -= flip;
  a->residual_zero -= flip;
  a->output = c->found + c->view.origin;
  check_flip(run, c->found, view_size(&c->view));
  a->residual = c->residual_kind == conv_separate
                    ? check_flipped(run, c->residual, c->residual_count)
                    : conv_residual_of(c, a->output);
}

void check_flip_compare(check_run *run, const conv_case *c) {
  check_flip(run, c->found, view_size(&c->view));
  check_compare(run, &c->view, c->before, c->expected, c->found);
}
