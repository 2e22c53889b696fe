// SPDX-License-Identifier: Apache-2.0
// Bit for bit against the reference; and the reference against the direct convolution.
//
// Exact data show that the formula is right. In F(4) the rows of 24 G hold integers, in F(2) those
// of 2 G, so weights of 0 and +-576 make a U of integers up to 576, which fp16 holds. With inputs
// of 0 and +-1 all sums are integers far below 2^24, and both convolutions have the same bits.
//
// Other data show that roundings stay within their bound. In fp16 the one that counts most is that
// of U, with relative error 2^-11 (and 2^-25 absolute for denormals). It reaches output y through
//   sum over k of |A^T[y][k]| * |U[k]| * |V[k]|,
//   |U[k]| <= max of |G[k]| * sum |w|,   |V[k]| <= sum of |B^T[k]| * max |x|
// In one dimension the sum of |A^T[y][k]| * max |G[k]| * sum |B^T[k]| is at most
//   F(2), either y:   1 * 1 * 2 + 2 * (1 * 1/2 * 2) = 4
//   F(4), y = 3:      2 * (1 * 1/6 * 10) + 2 * (8 * 1/6 * 6) + 1 * 1 * 10 = 29 1/3
// and in two the product of those of both. Float32 roundings, which in float32 are all, add
// channels + 64 times 2^-24, from the chain and fewer than 64 operations before, after and beside
// it; those of the direct chain are beside that.
#include "buffers.h"
#include "check_winograd.h"
#include "slots.h"
#include <math.h>
#include <string.h>

// The kinds of data of convolutions, and exact ones.
enum { exact = conv_data_count, data_count };

static float greatest(const float *values, size_t count) {
  float most = 0;
  for (size_t i = 0; i < count; i++)
    most = fmaxf(most, fabsf(values[i]));
  return most;
}

static void fill_exactly(check_random *random, const conv_case *c, float *weights) {
  float *input = c->input;
  for (size_t i = 0; i < c->input_count; i++)
    input[i] = (float)random_between(random, -1, 1);
  for (size_t i = 0; i < c->weight_count; i++)
    weights[i] = random_below(random, 4) ? 0 : random_below(random, 2) ? 576 : -576;
}

// Compares with the direct convolution: without clamp, bias and residual.
static void check_formula(check_run *run, const conv_case *c, rn_winograd_float_args a,
                          const void *weights) {
  const bool has_halves = run->element == 2;
  const rn_conv_geometry *g = &c->geometry;
  float *zeros = buffer_input(c->channels * sizeof *zeros);
  memset(zeros, 0, c->channels * sizeof *zeros);
  const size_t count = c->output.height * c->output.row / sizeof(float);
  float *direct = buffer_output(count * sizeof *direct);
  float *winograd = buffer_output(count * sizeof *winograd);
  a.conv.bias = zeros;
  a.conv.low = -INFINITY;
  a.conv.high = INFINITY;
  a.conv.output = winograd;
  CHECK_REFERENCE(run, (has_halves ? run->reference->winograd_f16
                                   : run->reference->winograd_f32)(&a, c->first, c->last));
  a.conv.weights = weights;
  a.conv.output = direct;
  CHECK_REFERENCE(run, (has_halves ? run->reference->conv_f16
                                   : run->reference->conv_f32)(&a.conv, 0, rn_conv_units(g)));

  const double norm4 = 88.0 / 3;
  const double norm = (a.tile_height == 4 ? norm4 : 4) * (a.tile_width == 4 ? norm4 : 4);
  const double input = greatest(c->input, c->input_count);
  const double relative =
      norm * ((has_halves ? 0x1p-11 : 0) + (g->run / 3 + 64) * 0x1p-24) + c->taps * 0x1p-24;
  const double absolute = has_halves ? norm * 0x1p-25 * c->taps : 0;
  for (uint32_t oc = 0; oc < c->channels; oc++) {
    double sum = 0;
    for (uint32_t k = 0; k < c->taps; k++) {
      const size_t at = rn_weight_index_float(oc, 0, k, 1, c->taps);
      sum += fabs((double)(has_halves ? half_to_float(((const uint16_t *)weights)[at])
                                      : ((const float *)weights)[at]));
    }
    const double bound = c->data == exact ? 0 : input * (relative * sum + absolute);
    for (uint32_t y = 0; y < g->output_height; y++) {
      for (uint32_t x = 0; x < g->output_width; x++) {
        const size_t at = y * g->output_row + x * g->output_pixel + oc;
        if (fabs((double)winograd[at] - (double)direct[at]) <= bound)
          continue;
        check_fail(run, "(y %u, x %u, c %u): %.9g, directly %.9g, bound %g", y, x, oc,
                   (double)winograd[at], (double)direct[at], bound);
        return;
      }
    }
  }
}

// The weights of the format, and what the form makes of them.
typedef struct case_weights {
  const void *plain, *transformed;
} case_weights;

static case_weights weights_of(const check_run *run, const conv_case *c, const float *numbers) {
  if (run->element == 4)
    return (case_weights){numbers, winograd_transform_floats(c, numbers)};
  const uint16_t *halves = conv_halves(c, numbers);
  return (case_weights){halves, winograd_transform(c, halves)};
}

static void one(check_run *run, const conv_case *c) {
  check_random *random = &run->random;
  const bool has_halves = run->element == 2;
  const conv_data data = c->data == exact ? conv_typical : (conv_data)c->data;
  float *numbers = buffer_input(c->weight_count * sizeof *numbers);
  conv_fill_floats(random, c, data);
  // Extreme inputs with small weights stay finite in some outputs.
  const bool is_small = !has_halves && data == conv_extreme && random_below(random, 2);
  check_fill(random, is_small ? conv_ties : data, has_halves, numbers, c->weight_count);
  // The range of F(2) is 4/9 of that of fp16, the range of float32 2/9.
  const float scale = !has_halves ? 2.0f / 9 : c->tile_width == 2 ? 4.0f / 9 : 1;
  for (size_t i = 0; i < c->weight_count; i++)
    numbers[i] *= scale;
  if (c->data == exact)
    fill_exactly(random, c, numbers);
  const case_weights weights = weights_of(run, c, numbers);
  for (size_t i = 0; i < winograd_transformed_count(c); i++) {
    if (has_halves ? (((const uint16_t *)weights.transformed)[i] & 0x7fff) >= 0x7c00
                   : !isfinite(((const float *)weights.transformed)[i])) {
      check_fail(run, "a transformed weight is not finite");
      break;
    }
  }
  const rn_winograd_float_args a = winograd_float_args(random, c, weights.transformed);
  winograd_convolve(run, c, &a,
                    has_halves ? run->kernels->winograd_f16 : run->kernels->winograd_f32);
  check_compare(run, &c->output);
  if (c->data == conv_typical || c->data == exact)
    check_formula(run, c, a, weights.plain);
}

// With exact data the direct convolution has the same bits.
static void one_of_many_tiles(check_run *run, const conv_case *c) {
  const bool has_halves = run->element == 2;
  float *numbers = buffer_input(c->weight_count * sizeof *numbers), *bias = c->bias;
  fill_exactly(&run->random, c, numbers);
  const case_weights weights = weights_of(run, c, numbers);
  for (uint32_t oc = 0; oc < c->channels; oc++)
    bias[oc] = (float)random_between(&run->random, -100, 100);
  rn_winograd_float_args a = winograd_float_args(&run->random, c, weights.transformed);
  a.conv.weights = numbers;
  a.conv.output = c->output.expected;
  CHECK_REFERENCE(run, run->reference->conv_f32(&a.conv, c->output.first, c->output.last));
  a.conv.weights = 0;
  a.conv.output = c->output.found;
  CHECK_KERNEL(run, (has_halves ? run->kernels->winograd_f16
                                : run->kernels->winograd_f32)(&a, c->first, c->last));
  check_compare(run, &c->output);
}

void check_winograd_float(check_run *run) {
  winograd_cases(run, sizeof(float), data_count, one);
  winograd_many_tiles(run, sizeof(float), one_of_many_tiles);
}
