// SPDX-License-Identifier: Apache-2.0
// Bit for bit against the reference; and the reference against the direct convolution.
//
// Exact data show that the formula is right. In F(4) the rows of 24 G hold integers, in F(2) those
// of 2 G, so weights of 0 and +-576 make a U of integers up to 576, which fp16 holds. With inputs
// of 0 and +-1 all sums are integers far below 2^24, and both convolutions have the same bits.
//
// Other data show that roundings stay within their bound. To first order the only one that counts
// is that of U to fp16, with relative error 2^-11 (and 2^-25 absolute for denormals). It reaches
// output y through
//   sum over k of |A^T[y][k]| * |U[k]| * |V[k]|,
//   |U[k]| <= max of |G[k]| * sum |w|,   |V[k]| <= sum of |B^T[k]| * max |x|
// In one dimension the sum of |A^T[y][k]| * max |G[k]| * sum |B^T[k]| is at most
//   F(2), either y:   1 * 1 * 2 + 2 * (1 * 1/2 * 2) = 4
//   F(4), y = 3:      2 * (1 * 1/6 * 10) + 2 * (8 * 1/6 * 6) + 1 * 1 * 10 = 29 1/3
// and in two the product of those of both. Float32 roundings add channels + 64 times 2^-24, from
// the chain and fewer than 64 operations before, after and beside it.
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
                          const uint16_t *weights) {
  const rn_conv_geometry *g = &c->geometry;
  float *zeros = buffer_input(c->channels * sizeof *zeros);
  memset(zeros, 0, c->channels * sizeof *zeros);
  const size_t count = g->output_height * g->output_row;
  float *direct = buffer_output(count * sizeof *direct);
  float *winograd = buffer_output(count * sizeof *winograd);
  a.conv.bias = zeros;
  a.conv.low = -INFINITY;
  a.conv.high = INFINITY;
  a.conv.output = winograd;
  CHECK_REFERENCE(run, run->reference->winograd_f16(&a, c->first, c->last));
  a.conv.weights = weights;
  a.conv.output = direct;
  CHECK_REFERENCE(run, run->reference->conv_f16(&a.conv, 0, rn_conv_units(g)));

  const double norm4 = 88.0 / 3;
  const double norm = (a.tile_height == 4 ? norm4 : 4) * (a.tile_width == 4 ? norm4 : 4) *
                      greatest(c->input, c->input_count);
  const double relative = 0x1p-11 + (g->run / 3 + 64) * 0x1p-24;
  for (uint32_t oc = 0; oc < c->channels; oc++) {
    double sum = 0;
    for (uint32_t k = 0; k < c->taps; k++)
      sum += fabs((double)half_to_float(weights[rn_weight_index_float(oc, 0, k, 1, c->taps)]));
    const double bound = c->data == exact ? 0 : norm * (relative * sum + 0x1p-25 * c->taps);
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

static void one(check_run *run, const conv_case *c) {
  check_random *random = &run->random;
  const conv_data data = c->data == exact ? conv_typical : (conv_data)c->data;
  float *numbers = buffer_input(c->weight_count * sizeof *numbers);
  conv_fill_floats(random, c, data);
  check_fill(random, data, true, numbers, c->weight_count);
  // The range of F(2) is 4/9 of that of fp16.
  if (c->data == exact)
    fill_exactly(random, c, numbers);
  else if (c->tile_width == 2)
    for (size_t i = 0; i < c->weight_count; i++)
      numbers[i] *= 4.0f / 9;
  const uint16_t *weights = conv_halves(c, numbers);
  const uint16_t *transformed = winograd_transform(c, weights);
  for (size_t i = 0; i < winograd_transformed_count(c); i++) {
    if ((transformed[i] & 0x7fff) >= 0x7c00) {
      check_fail(run, "a transformed weight is not finite");
      break;
    }
  }
  const rn_winograd_float_args a = winograd_float_args(random, c, transformed);
  winograd_convolve(run, c, &a, run->kernels->winograd_f16);
  check_compare(run, &c->output);
  if (c->data == conv_typical || c->data == exact)
    check_formula(run, c, a, weights);
}

// With exact data the direct convolution has the same bits.
static void one_of_many_tiles(check_run *run, const conv_case *c) {
  float *numbers = buffer_input(c->weight_count * sizeof *numbers), *bias = c->bias;
  fill_exactly(&run->random, c, numbers);
  const uint16_t *weights = conv_halves(c, numbers);
  for (uint32_t oc = 0; oc < c->channels; oc++)
    bias[oc] = (float)random_between(&run->random, -100, 100);
  rn_winograd_float_args a = winograd_float_args(&run->random, c, winograd_transform(c, weights));
  a.conv.weights = weights;
  a.conv.output = c->output.expected;
  CHECK_REFERENCE(run, run->reference->conv_f16(&a.conv, c->output.first, c->output.last));
  a.conv.weights = 0;
  a.conv.output = c->output.found;
  CHECK_KERNEL(run, run->kernels->winograd_f16(&a, c->first, c->last));
  check_compare(run, &c->output);
}

void check_winograd_f16(check_run *run) {
  winograd_cases(run, sizeof(float), data_count, one);
  winograd_many_tiles(run, sizeof(float), one_of_many_tiles);
}
