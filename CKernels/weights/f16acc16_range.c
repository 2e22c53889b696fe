// SPDX-License-Identifier: Apache-2.0
// Which convolutions may have products and short sums in fp16: those whose sums cannot leave its
// range.
#include "rn_kernels.h"
#include "winograd_matrices.h"

// The same decision on every CPU.
#pragma STDC FP_CONTRACT OFF

static double magnitude(double x) { return x < 0 ? -x : x; }

// The sum of a row of |B^T|.
static double input_sum(const winograd_matrices *m, uint32_t tile, uint32_t row) {
  double sum = 0;
  for (uint32_t i = 0; i < tile + 2; i++)
    sum += magnitude(m->input[row][i]);
  return sum;
}

// |G|; its last row is stored divided by what A^T's last column is multiplied by.
static double weight_factor(const winograd_matrices *m, uint32_t tile, uint32_t row, uint32_t tap) {
  const double scale = tile == 4 ? 24 : 2, last = row == tile + 1 ? m->output[tile - 1][row] : 1;
  return magnitude(m->weights[row][tap] * last) / scale;
}

// The greatest sum of a position for inputs of at most 1, of one output channel with these sums of
// |w| over input channels.
static double winograd_sum(uint32_t tile_height, uint32_t tile_width, const double taps[9]) {
  const winograd_matrices *v = winograd_of(tile_height), *h = winograd_of(tile_width);
  double greatest = 0;
  for (uint32_t row = 0; row < tile_height + 2; row++) {
    for (uint32_t column = 0; column < tile_width + 2; column++) {
      double sum = 0;
      for (uint32_t y = 0; y < 3; y++)
        for (uint32_t x = 0; x < 3; x++)
          sum += weight_factor(v, tile_height, row, y) * weight_factor(h, tile_width, column, x) *
                 taps[3 * y + x];
      sum = input_sum(v, tile_height, row) * input_sum(h, tile_width, column) * sum;
      greatest = sum > greatest ? sum : greatest;
    }
  }
  return greatest / RN_WINOGRAD_F16ACC16_SCALE;
}

static int is_in_range(double greatest_input, double greatest_sum) {
  return greatest_input < RN_F16ACC16_INPUT_LIMIT &&
         greatest_input * greatest_sum < RN_F16ACC16_SUM_LIMIT;
}

int rn_conv_f16acc16_is_in_range(const float *weights, uint32_t outputs, uint32_t inputs,
                                 uint32_t taps, double greatest_input) {
  for (uint32_t oc = 0; oc < outputs; oc++) {
    double sum = 0;
    for (uint32_t tap = 0; tap < taps; tap++) {
      double sum_of_tap = 0;
      for (uint32_t ic = 0; ic < inputs; ic++)
        sum_of_tap += magnitude(weights[((size_t)oc * inputs + ic) * taps + tap]);
      sum += sum_of_tap;
    }
    if (!is_in_range(greatest_input, sum))
      return 0;
  }
  return 1;
}

int rn_winograd_f16acc16_is_in_range(uint32_t tile_height, uint32_t tile_width,
                                     const float *weights, uint32_t outputs, uint32_t inputs,
                                     double greatest_input) {
  for (uint32_t oc = 0; oc < outputs; oc++) {
    double sums[9] = {0};
    for (size_t i = 0; i < 9 * (size_t)inputs; i++)
      sums[i % 9] += magnitude(weights[9 * (size_t)oc * inputs + i]);
    if (!is_in_range(greatest_input, winograd_sum(tile_height, tile_width, sums)))
      return 0;
  }
  return 1;
}
