// SPDX-License-Identifier: Apache-2.0
#include "check_acc16.h"
#include "buffers.h"
#include <math.h>

uint16_t *acc16_fill(check_random *random, const conv_case *c) {
  static const float scales[conv_data_count] = {
      [conv_typical] = 4, [conv_ties] = 0x1p-14f, [conv_greatest] = 511, [conv_extreme] = 4};
  conv_fill_floats(random, c, conv_typical);
  float *input = c->input, *weights = buffer_random(random, c->weight_count, sizeof *weights);
  for (size_t i = 0; i < c->input_count; i++)
    input[i] *= scales[c->data];
  for (size_t i = 0; i < c->weight_count; i++) {
    weights[i] *= c->data == conv_greatest ? 0x1p-6f : 0.25f;
    if (c->data == conv_extreme && random_below(random, 32))
      weights[i] = 0;
  }
  return conv_halves(c, weights);
}

double acc16_roundings(double count) { return expm1(count * log1p(0x1p-11)); }

void acc16_accept(float *found, const float *expected, double bound) {
  if (fabs((double)*found - (double)*expected) <= bound + 0x1p-20)
    *found = *expected;
}
