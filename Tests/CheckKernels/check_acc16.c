// SPDX-License-Identifier: Apache-2.0
#include "check_acc16.h"
#include <math.h>

void acc16_fill(check_random *random, const conv_case *c, uint16_t *weights) {
  static const float scales[conv_data_count] = {
      [conv_typical] = 4, [conv_ties] = 0x1p-14f, [conv_greatest] = 511, [conv_extreme] = 4};
  conv_fill_floats(random, c, conv_typical);
  float *input = c->input;
  for (size_t i = 0; i < c->input_count; i++)
    input[i] *= scales[c->data];
  for (size_t i = 0; i < c->weight_count; i++) {
    const float number = random_float(random) * (c->data == conv_greatest ? 0x1p-6f : 0.25f);
    weights[i] = float_to_half(c->data == conv_extreme && random_below(random, 32) ? 0 : number);
  }
}

double acc16_roundings(double count) { return expm1(count * log1p(0x1p-11)); }

void acc16_accept(float *found, const float *expected, double bound) {
  if (fabs((double)*found - (double)*expected) <= bound + 0x1p-20)
    *found = *expected;
}
