// SPDX-License-Identifier: Apache-2.0
// What the checks of Winograd convolutions of all formats have in common: shapes and forms, and of
// those in float32 the weights and the calls.
#ifndef CHECK_WINOGRAD_H
#define CHECK_WINOGRAD_H

#include "check_half.h"

// Runs `one` on every shape, form and kind of data below `kinds`, each with some kind of residual.
void winograd_cases(check_run *run, size_t element, unsigned kinds, conv_check *one);

// Runs `one` on the strips on both sides of 2^32, then on the last ones, of as many tiles as F(2x2)
// has of 1024x1024 outputs: tiles * strip passes 2^32. They are in one column and all rows of the
// input are one, so that it takes little memory.
void winograd_many_tiles(check_run *run, size_t element, conv_check *one);

// Makes the transformed weights of others: their number, and they themselves.
size_t winograd_transformed_count(const conv_case *c);
float *winograd_transform_floats(const conv_case *c, const float *weights);
uint16_t *winograd_transform(const conv_case *c, const uint16_t *weights);

// The arguments but residual and output.
rn_winograd_float_args winograd_float_args(check_random *random, const conv_case *c,
                                           const void *transformed);

// Calls the reference for `expected` and the kernel for `found`. Weights in fp16 are widened for
// the reference, that of float32: the bits have to be the same.
typedef void winograd_float_function(const rn_winograd_float_args *, uint32_t first, uint32_t last);
void winograd_convolve(check_run *run, const conv_case *c, const rn_winograd_float_args *args,
                       winograd_float_function *kernel);

#endif
