// SPDX-License-Identifier: Apache-2.0
#include "check_half.h"
#include <float.h>
#include <math.h>

static float value_of(uint16_t half) {
  const int exponent = half >> 10 & 31, fraction = half & 0x3ff;
  const float magnitude =
      exponent ? ldexpf((float)(1024 + fraction), exponent - 25) : ldexpf((float)fraction, -24);
  return half & 0x8000 ? -magnitude : magnitude;
}

static void expect(check_run *run, float value, uint16_t half) {
  const uint16_t found = float_to_half(value);
  if (found != half)
    check_fail(run, "%a became 0x%04x, not 0x%04x", (double)value, found, half);
}

void check_half(check_run *run) {
  check_begin(run);
  check_describe(run, "all finite halves to float and back");
  for (uint32_t magnitude = 0; magnitude < 0x7c00; magnitude++) {
    for (uint32_t sign = 0; sign < 2; sign++) {
      const uint16_t half = (uint16_t)(sign << 15 | magnitude);
      const float value = value_of(half), found = half_to_float(half);
      if (memcmp(&value, &found, sizeof value))
        check_fail(run, "0x%04x became %a, not %a", half, (double)found, (double)value);
      expect(run, value, half);
      // Halfway to the next, which after 65504 would be 65536 and is infinity.
      const float direction = sign ? -1 : 1;
      const float next = magnitude == 0x7bff ? direction * 65536 : value_of(half + 1);
      const float middle = (value + next) / 2;
      expect(run, nextafterf(middle, 0), half);
      expect(run, middle, half + (half & 1));
      expect(run, nextafterf(middle, direction * INFINITY), half + 1);
    }
  }
  expect(run, 0x1p-149f, 0);
  expect(run, -0x1p-149f, 0x8000);
  expect(run, 0x1.fffffep127f, 0x7c00);
  expect(run, INFINITY, 0x7c00);
  expect(run, -INFINITY, 0xfc00);
  if ((float_to_half(NAN) & 0x7fff) <= 0x7c00)
    check_fail(run, "a NaN became a number");
  check_end(run);
}

void check_fill_halves(check_random *random, conv_data data, uint16_t *halves, size_t count) {
  // Zeros, the least and the greatest denormal, the least normal.
  static const uint16_t small[] = {0, 0x8000, 0x0001, 0x8001, 0x03ff, 0x83ff, 0x0400, 0x8400};
  // The greatest, 1, the least.
  static const uint16_t large[] = {0x7bff, 0xfbff, 0x3c00, 0xbc00, 0x0001, 0x8001, 0, 0x7bfe};
  for (size_t i = 0; i < count; i++) {
    const float number = random_float(random);
    switch (data) {
    case conv_typical:
      halves[i] = float_to_half(number);
      break;
    case conv_ties:
      halves[i] = small[random_below(random, 8)];
      break;
    case conv_greatest:
      halves[i] = float_to_half(number * (i % 2 ? 60000.0f : 1.0f));
      break;
    default:
      halves[i] = large[random_below(random, 8)];
    }
  }
}

void check_fill_range(check_random *random, rn_conv_float_args *a) {
  static const float lows[] = {-INFINITY, 0, 0, -0.25f}, highs[] = {INFINITY, INFINITY, 6, 0.125f};
  a->low = lows[random_below(random, 4)];
  a->high = highs[random_below(random, 4)];
}

// The kinds of data are the same for all operands: input, weights, bias, residual.
void check_fill_floats(check_random *random, conv_data data, float *values, size_t count) {
  static const float small[] = {0, -0.0f, 1e-42f, -1e-42f, FLT_MIN, -FLT_MIN, 1e-20f, -1e-20f};
  // Their sums overflow, and infinities of both signs meet.
  static const float large[] = {FLT_MAX, -FLT_MAX, 1e30f, -1e30f, 1.0f, -1.0f, 0, 1e-30f};
  for (size_t i = 0; i < count; i++) {
    const float number = random_float(random);
    switch (data) {
    case conv_typical:
      values[i] = number;
      break;
    case conv_ties:
      values[i] = small[random_below(random, 8)];
      break;
    case conv_greatest:
      // Products that cancel: a sum in another order, or not fused, has other bits.
      values[i] = number * (i % 2 ? 1e10f : 1.0f);
      break;
    default:
      values[i] = large[random_below(random, 8)];
    }
  }
}
