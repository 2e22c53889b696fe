// SPDX-License-Identifier: Apache-2.0
// What the convolutions of all formats have in common: shapes, geometry, units.
#ifndef CHECK_CONV_H
#define CHECK_CONV_H

#include "compare.h"
#include "run.h"

typedef enum conv_data {
  conv_typical,
  conv_ties, // sums that the multiplier takes to exactly .5; float: zeros of both signs, subnormals
  conv_greatest, // every factor at the end of its range
  conv_extreme,  // multipliers, or float values, from 0 to the greatest finite
  conv_data_count
} conv_data;

typedef enum conv_residual {
  conv_no_residual,
  conv_separate,
  conv_in_place, // the residual is the output
  conv_residual_count
} conv_residual;

typedef struct conv_case {
  rn_conv_geometry geometry;
  conv_data data;
  conv_residual residual;
  uint32_t first, last;                             // units
  uint32_t channels;                                // of the output
  uint32_t taps;                                    // products in one sum
  size_t input_count, weight_count, residual_count; // elements
  check_view view;
} conv_case;

// Runs `one` on every shape, kind of data and kind of residual.
void check_conv_cases(check_run *run, size_t element,
                      void (*one)(check_run *run, const conv_case *c));

#endif
