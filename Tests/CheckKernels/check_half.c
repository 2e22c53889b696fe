// SPDX-License-Identifier: Apache-2.0
#include "check_half.h"
#include "buffers.h"
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

// What the kinds of data draw from.
typedef struct values {
  float small[8], large[8], factor;
} values;

// Zeros, the least and the greatest denormal, the least normal; the greatest, 1, the least.
static const values of_halves = {
    {0, -0.0f, 0x1p-24f, -0x1p-24f, 0x3ffp-24f, -0x3ffp-24f, 0x1p-14f, -0x1p-14f},
    {65504, -65504, 1, -1, 0x1p-24f, -0x1p-24f, 0, 65472},
    60000};
// Sums of the large ones overflow, and infinities of both signs meet.
static const values of_floats = {{0, -0.0f, 1e-42f, -1e-42f, FLT_MIN, -FLT_MIN, 1e-20f, -1e-20f},
                                 {FLT_MAX, -FLT_MAX, 1e30f, -1e30f, 1, -1, 0, 1e-30f},
                                 1e10f};

void check_fill(check_random *random, conv_data data, bool has_halves, float *numbers,
                size_t count) {
  const values *of = has_halves ? &of_halves : &of_floats;
  for (size_t i = 0; i < count; i++) {
    const float number = random_float(random);
    switch (data) {
    case conv_typical:
      numbers[i] = number;
      break;
    case conv_ties:
      numbers[i] = of->small[random_below(random, 8)];
      break;
    case conv_greatest:
      // Products that cancel: a sum in another order, or not fused, has other bits.
      numbers[i] = number * (i % 2 ? of->factor : 1.0f);
      break;
    default:
      numbers[i] = of->large[random_below(random, 8)];
    }
  }
}

// The kinds of data are the same for all operands: input, weights, bias, residual.
void conv_fill_floats(check_random *random, const conv_case *c, conv_data data) {
  check_fill(random, data, false, c->input, c->input_count);
  check_fill(random, data, false, c->bias, c->channels);
  check_fill(random, data, false, c->residual, c->residual_count);
}

uint16_t *conv_halves(const conv_case *c, const float *weights) {
  // Of an odd run, 32 bytes more: weights are aligned to 64.
  uint16_t *halves = buffer_input((c->weight_count + 31) / 32 * 32 * sizeof *halves);
  for (size_t i = 0; i < c->weight_count; i++)
    halves[i] = float_to_half(weights[i]);
  return halves;
}

rn_conv_float_args conv_float_args(check_random *random, const conv_case *c) {
  static const float lows[] = {-INFINITY, 0, 0, -0.25f}, highs[] = {INFINITY, INFINITY, 6, 0.125f};
  return (rn_conv_float_args){.geometry = c->geometry,
                              .input = c->input,
                              .bias = c->bias,
                              .low = lows[random_below(random, 4)],
                              .high = highs[random_below(random, 4)]};
}

void conv_call_floats(check_run *run, const conv_case *c, conv_float_function *reference,
                      const void *reference_weights, conv_float_function *kernel,
                      const void *weights) {
  conv_place_residual(c);
  rn_conv_float_args a = conv_float_args(&run->random, c);
  a.weights = reference_weights;
  a.output = c->output.expected;
  a.residual = conv_residual_of(c, a.output);
  CHECK_REFERENCE(run, reference(&a, c->first, c->last));
  a.weights = weights;
  a.output = c->output.found;
  a.residual = conv_residual_of(c, a.output);
  CHECK_KERNEL(run, kernel(&a, c->first, c->last));
}
