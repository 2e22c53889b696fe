// SPDX-License-Identifier: Apache-2.0
// What the checks of Winograd convolutions with fp16 weights have in common: shapes, geometry,
// buffers and the calls.
#ifndef WINOGRAD_CASE_H
#define WINOGRAD_CASE_H

#include "check_half.h"

typedef struct winograd_case {
  rn_winograd_float_args args; // without output, and without residual if that is the output
  unsigned kind;               // of data, as the check numbers them
  conv_residual residual_kind;
  uint32_t channels, outputs; // of the input and of the output
  // What the check fills, in elements.
  size_t input_count, weight_count, transformed_count, residual_count;
  float *input, *bias, *residual;
  uint16_t *weights, *transformed;
  check_view view; // of the whole output
  uint8_t *before, *expected, *found;
} winograd_case;

// Runs `one` on every shape, form and kind of data below `kinds`, each with some kind of residual.
void winograd_cases(check_run *run, unsigned kinds,
                    void (*one)(check_run *run, const winograd_case *c));

// Makes all that follows from geometry, form and kind of residual: counts, buffers and view.
void winograd_prepare(winograd_case *c);

// Makes `transformed` of `weights`.
void winograd_transform(const winograd_case *c);

// Calls the reference for `expected` and the kernel for `found`.
void winograd_convolve(check_run *run, const winograd_case *c,
                       void (*kernel)(const rn_winograd_float_args *, uint32_t, uint32_t));

#endif
