// SPDX-License-Identifier: Apache-2.0
#include "check_acc16.h"
#include <math.h>

void acc16_fill_inputs(check_random *random, conv_data data, float *values, size_t count) {
  static const float scales[conv_data_count] = {
      [conv_typical] = 4, [conv_ties] = 0x1p-14f, [conv_greatest] = 511, [conv_extreme] = 4};
  for (size_t i = 0; i < count; i++)
    values[i] = random_float(random) * scales[data];
}

void acc16_fill_weights(check_random *random, conv_data data, uint16_t *weights, size_t count) {
  for (size_t i = 0; i < count; i++) {
    const float number = random_float(random) * (data == conv_greatest ? 0x1p-6f : 0.25f);
    weights[i] = float_to_half(data == conv_extreme && random_below(random, 32) ? 0 : number);
  }
}

double acc16_roundings(double count) { return expm1(count * log1p(0x1p-11)); }

void acc16_accept(float *found, const float *expected, double bound) {
  if (fabs((double)*found - (double)*expected) <= bound + 0x1p-20)
    *found = *expected;
}
