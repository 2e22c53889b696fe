// SPDX-License-Identifier: Apache-2.0
// Within a bound of the reference, see check_acc16.h.
//
// The input is rounded, multiplied by 1/16 (2^-25 * 16 if that is denormal) and transformed in
// fp16. Each of the two transforms rounds a term twice at most and multiplies by integers, which is
// exact for denormals; so V is off by (1 + u)^5 - 1 of W = |B^T| |d| |B|, and 2^-20.5 times the
// sums of the rows of |B^T|, 10 and 10. Then chains of up to 16 products, up to 4 of those, and
// those of 64 channels each, all in fp16: r = 5 + min(terms, 16 + 3 + channels / 64). A
// product's denormal error of 2^-25 is 16 times as much in M. Through the output's transform, with
// sums over channels and positions,
//   error <= |A^T| [ ((1 + u)^r - 1) * sum |U| W + 100 * 2^-20.5 * sum |U| + 2^-21 * terms ] |A|
#include "buffers.h"
#include "check_acc16.h"
#include "check_winograd.h"
#include "slots.h"
#include <math.h>
#include <string.h>

// Absolute values of B^T and A^T.
static const double input_matrix[2][6][6] = {{{1, 0, 1}, {0, 1, 1}, {0, 1, 1}, {0, 1, 0, 1}},
                                             {{4, 0, 5, 0, 1},
                                              {0, 4, 4, 1, 1},
                                              {0, 4, 4, 1, 1},
                                              {0, 2, 1, 2, 1},
                                              {0, 2, 1, 2, 1},
                                              {0, 4, 0, 5, 0, 1}}};
static const double output_matrix[2][4][6] = {
    {{1, 1, 1}, {0, 1, 1, 1}},
    {{1, 1, 1, 1, 1}, {0, 1, 1, 2, 2}, {0, 1, 1, 4, 4}, {0, 1, 1, 8, 8, 1}}};

// W of every channel of a tile: [position][channel].
static void absolute_inputs(const rn_winograd_float_args *a, uint32_t y, uint32_t x, double *w) {
  const rn_conv_geometry *g = &a->conv.geometry;
  const uint32_t rows = a->tile_height + 2, columns = a->tile_width + 2, channels = g->run / 3;
  const double(*vertical)[6] = input_matrix[a->tile_height == 4];
  const double(*horizontal)[6] = input_matrix[a->tile_width == 4];
  for (uint32_t c = 0; c < channels; c++) {
    double d[6][6], half[6][6] = {{0}};
    for (uint32_t i = 0; i < rows; i++) {
      for (uint32_t j = 0; j < columns; j++) {
        const size_t row = y + i < g->output_height + 1 ? y + i : g->output_height + 1;
        const size_t column = x + j < g->output_width + 1 ? x + j : g->output_width + 1;
        d[i][j] = fabs((double)a->conv.input[row * g->input_row + column * g->step_x + c]);
      }
    }
    for (uint32_t i = 0; i < rows; i++)
      for (uint32_t p = 0; p < columns; p++)
        for (uint32_t j = 0; j < columns; j++)
          half[i][p] += d[i][j] * horizontal[p][j];
    for (uint32_t q = 0; q < rows; q++) {
      for (uint32_t p = 0; p < columns; p++) {
        double sum = 0;
        for (uint32_t i = 0; i < rows; i++)
          sum += vertical[q][i] * half[i][p];
        w[(q * columns + p) * channels + c] = sum;
      }
    }
  }
}

// The bounds of one output channel of a tile.
static void bounds_of_tile(const rn_winograd_float_args *a, const double *w, uint32_t oc,
                           double bounds[4][4]) {
  const uint32_t rows = a->tile_height + 2, columns = a->tile_width + 2;
  const uint32_t channels = a->conv.geometry.run / 3;
  const uint16_t *weights =
      (const uint16_t *)a->weights + rn_winograd_index_float(oc, 0, 0, rows * columns, channels);
  memset(bounds, 0, 16 * sizeof(double));
  for (uint32_t p = 0; p < rows * columns; p++) {
    double products = 0, sum = 0, terms = 0;
    for (uint32_t c = 0; c < channels; c++, weights += 16) {
      const double weight = fabs((double)half_to_float(*weights));
      products += weight * w[p * channels + c];
      sum += weight;
      terms += weight != 0;
    }
    const double relative =
        acc16_roundings(5 + fmin(terms, 16 + 3 + channels / 64)) + (terms + 64) * 0x1p-23;
    const double of_m = relative * products + 100 * 0x1p-20 / 1.4142 * sum + 0x1p-21 * terms;
    for (uint32_t i = 0; i < a->tile_height; i++)
      for (uint32_t j = 0; j < a->tile_width; j++)
        bounds[i][j] += output_matrix[a->tile_height == 4][i][p / columns] *
                        output_matrix[a->tile_width == 4][j][p % columns] * of_m;
  }
}

static void one(check_run *run, const conv_case *c) {
  check_random *random = &run->random;
  const rn_conv_geometry *g = &c->geometry;
  const uint32_t height = g->output_height, width = g->output_width, channels = g->run / 3;
  const uint32_t positions = rn_winograd_positions(c->tile_height, c->tile_width);
  uint16_t *transformed = winograd_transform(c, acc16_fill(random, c));
  // Few channels in each sum, rather than few taps of all.
  if (c->data == conv_extreme)
    for (uint32_t ic = 0; ic < channels; ic++)
      for (uint32_t oc = 0; oc < c->channels; oc++)
        if (random_below(random, channels) >= 2)
          for (uint32_t p = 0; p < positions; p++)
            transformed[rn_winograd_index_float(oc, p, ic, positions, channels)] = 0;
  const rn_winograd_float_args a = winograd_float_args(random, c, transformed);
  winograd_convolve(run, c, &a, run->kernels->winograd_f16acc16);
  float *found = c->output.found;
  const float *expected = c->output.expected;
  double *w = buffer_output(positions * channels * sizeof *w);
  for (uint32_t y = 0; y < height; y += a.tile_height) {
    for (uint32_t x = 0; x < width; x += a.tile_width) {
      absolute_inputs(&a, y, x, w);
      for (uint32_t oc = 0; oc < c->channels; oc++) {
        double bounds[4][4];
        bounds_of_tile(&a, w, oc, bounds);
        for (uint32_t i = 0; i < a.tile_height && y + i < height; i++) {
          for (uint32_t j = 0; j < a.tile_width && x + j < width; j++) {
            const size_t at = (y + i) * g->output_row + (x + j) * g->output_pixel + oc;
            acc16_accept(found + at, expected + at, bounds[i][j]);
          }
        }
      }
    }
  }
  check_compare(run, &c->output);
}

void check_winograd_f16acc16(check_run *run) {
  winograd_cases(run, sizeof(float), conv_data_count, one);
}
