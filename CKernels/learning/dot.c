// SPDX-License-Identifier: Apache-2.0
// Sums of products: 8 partial sums in a defined order, which vectors of 2, 4 or 8 lanes keep.
#include "rn_learning.h"

#pragma STDC FP_CONTRACT OFF

enum { partial_sums = 8 };

static double total(const double *sum) {
  double result = sum[0];
  for (int i = 1; i < partial_sums; i++)
    result = result + sum[i];
  return result;
}

double rn_dot_f32(const float *a, const float *b, uint32_t count) {
  double sum[partial_sums] = {0};
  uint32_t i = 0;
  for (; i + partial_sums <= count; i += partial_sums)
    for (uint32_t l = 0; l < partial_sums; l++)
      sum[l] = sum[l] + (double)a[i + l] * (double)b[i + l];
  for (; i < count; i++)
    sum[i % partial_sums] = sum[i % partial_sums] + (double)a[i] * (double)b[i];
  return total(sum);
}
