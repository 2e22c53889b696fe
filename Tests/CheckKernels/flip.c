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

static const int32_t *flipped_bias(const rn_conv_q8_args *a, const int8_t *weights, int32_t flip) {
  const rn_conv_geometry *g = &a->geometry;
  const uint32_t channels = g->output_blocks * RN_CHANNEL_BLOCK;
  const uint32_t taps = g->kernel_rows * g->run;
  int32_t *bias = buffer_input(channels * sizeof *bias);
  for (uint32_t oc = 0; oc < channels; oc++) {
    bias[oc] = a->bias[oc];
    for (uint32_t k = 0; k < taps; k++)
      bias[oc] += flip * weights[rn_weight_index_q8(oc, 0, k, 1, taps)];
  }
  return bias;
}

void check_flip_conv(const check_run *run, rn_conv_q8_args *a, const int8_t *weights,
                     size_t input_count, size_t residual_count) {
  const int32_t flip = run->kernels->activation_flip;
  a->input = check_flipped(run, a->input, input_count);
  a->bias = flipped_bias(a, weights, flip);
  a->output_zero -= flip;
  a->residual_zero -= flip;
  if (a->residual && residual_count > 0)
    a->residual = check_flipped(run, a->residual, residual_count);
}
