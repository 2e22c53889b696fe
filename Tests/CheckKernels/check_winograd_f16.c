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
#include "check_half.h"
#include "slots.h"
#include "winograd_case.h"
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

static void fill_exactly(check_random *random, const winograd_case *c) {
  for (size_t i = 0; i < c->input_count; i++)
    c->input[i] = (float)random_between(random, -1, 1);
  for (size_t i = 0; i < c->weight_count; i++)
    c->weights[i] = float_to_half(random_below(random, 4)   ? 0
                                  : random_below(random, 2) ? 576
                                                            : -576);
}

// Compares with the direct convolution: without clamp, bias and residual.
static void check_formula(check_run *run, const winograd_case *c) {
  rn_winograd_float_args a = c->args;
  const rn_conv_geometry *g = &a.conv.geometry;
  const uint16_t *weights = c->weights;
  const uint32_t outputs = c->outputs, taps = 3 * g->run;
  float *zeros = buffer_input(outputs * sizeof *zeros);
  memset(zeros, 0, outputs * sizeof *zeros);
  const size_t count = g->output_height * g->output_row;
  float *direct = (float *)buffer_output(count * sizeof *direct);
  float *winograd = (float *)buffer_output(count * sizeof *winograd);
  a.conv.bias = zeros;
  a.conv.residual = 0;
  a.conv.low = -INFINITY;
  a.conv.high = INFINITY;
  a.conv.output = winograd;
  CHECK_REFERENCE(run, run->reference->winograd_f16(&a, 0, rn_winograd_f16_units(&a)));
  a.conv.weights = weights;
  a.conv.output = direct;
  CHECK_REFERENCE(run, run->reference->conv_f16(&a.conv, 0, rn_conv_units(g)));

  const double norm4 = 88.0 / 3;
  const double norm = (a.tile_height == 4 ? norm4 : 4) * (a.tile_width == 4 ? norm4 : 4) *
                      greatest(c->input, c->input_count);
  const double relative = 0x1p-11 + (c->channels + 64) * 0x1p-24;
  for (uint32_t oc = 0; oc < outputs; oc++) {
    double sum = 0;
    for (uint32_t k = 0; k < taps; k++)
      sum += fabs((double)half_to_float(weights[rn_weight_index_float(oc, 0, k, 1, taps)]));
    const double bound = c->kind == exact ? 0 : norm * (relative * sum + 0x1p-25 * taps);
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

static void one(check_run *run, const winograd_case *c) {
  check_random *random = &run->random;
  const conv_data data = c->kind == exact ? conv_typical : (conv_data)c->kind;
  check_fill_floats(random, data, c->input, c->input_count);
  check_fill_halves(random, data, c->weights, c->weight_count);
  check_fill_floats(random, data, c->bias, c->outputs);
  check_fill_floats(random, data, c->residual, c->residual_count);
  // The range of F(2) is 4/9 of that of fp16.
  if (c->kind == exact)
    fill_exactly(random, c);
  else if (c->args.tile_width == 2)
    for (size_t i = 0; i < c->weight_count; i++)
      c->weights[i] = float_to_half(half_to_float(c->weights[i]) * (4.0f / 9));
  winograd_transform(c);
  for (size_t i = 0; i < c->transformed_count; i++) {
    if ((c->transformed[i] & 0x7fff) >= 0x7c00) {
      check_fail(run, "a transformed weight is not finite");
      break;
    }
  }
  winograd_convolve(run, c, run->kernels->winograd_f16);
  check_compare(run, &c->view, c->before, c->expected, c->found);
  if (c->kind == conv_typical || c->kind == exact)
    check_formula(run, c);
}

// As many tiles as F(2x2) has of 1024x1024 outputs: tiles * strip passes 2^32. They are in one
// column and all rows of the input are one, so that it takes little memory. With exact data the
// direct convolution has the same bits.
static void many_tiles(check_run *run, int are_last) {
  const uint32_t channels = 16, outputs = 16, height = 1 << 19, tiles = height / 2;
  check_begin(run);
  winograd_case c = {.args = {.conv = {.geometry = {.output_height = height,
                                                    .output_width = 1,
                                                    .output_blocks = 1,
                                                    .kernel_rows = 3,
                                                    .run = 3 * channels,
                                                    .step_x = channels,
                                                    .output_row = outputs,
                                                    .output_pixel = outputs},
                                       .low = -INFINITY,
                                       .high = INFINITY},
                              .tile_height = 2,
                              .tile_width = 2},
                     .kind = exact};
  winograd_prepare(&c);
  fill_exactly(&run->random, &c);
  winograd_transform(&c);
  for (uint32_t oc = 0; oc < outputs; oc++)
    c.bias[oc] = (float)random_between(&run->random, -100, 100);
  // The strips on both sides of 2^32, or the last ones.
  rn_winograd_float_args a = c.args;
  const uint32_t strips = rn_winograd_f16_units(&a);
  const uint32_t first = are_last ? strips - 2 : UINT32_MAX / tiles, last = first + 2;
  check_describe(run, "strips [%u, %u) of %u", first, last, strips);
  c.view.first = (uint32_t)((uint64_t)tiles * first / strips) * 2;
  c.view.last = (uint32_t)((uint64_t)tiles * last / strips) * 2;
  a.conv.weights = c.weights;
  a.conv.output = (float *)(c.expected + c.view.origin);
  CHECK_REFERENCE(run, run->reference->conv_f16(&a.conv, c.view.first, c.view.last));
  a.conv.weights = 0;
  a.conv.output = (float *)(c.found + c.view.origin);
  CHECK_KERNEL(run, run->kernels->winograd_f16(&a, first, last));
  check_compare(run, &c.view, c.before, c.expected, c.found);
  check_end(run);
}

void check_winograd_f16(check_run *run) {
  winograd_cases(run, data_count, one);
  many_tiles(run, 0);
  many_tiles(run, 1);
}
