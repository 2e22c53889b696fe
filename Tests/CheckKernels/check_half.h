// SPDX-License-Identifier: Apache-2.0
// The conversions of half.h, and what the checks of float convolutions have in common.
#ifndef CHECK_HALF_H
#define CHECK_HALF_H

#include "../../CKernels/weights/half.h"
#include "check_conv.h"

// Every finite half, and floats on and beside every boundary of rounding.
void check_half(check_run *run);

// Finite weights of a kind of data: random, denormal and zero, or cancelling, or from the least to
// the greatest.
void check_fill_halves(check_random *random, conv_data data, uint16_t *halves, size_t count);

// Floats of a kind of data.
void check_fill_floats(check_random *random, conv_data data, float *values, size_t count);

// Fills input, bias and residual with a kind of data.
void conv_fill_floats(check_random *random, const conv_case *c, conv_data data);

// Room for fp16 weights.
uint16_t *conv_half_weights(const conv_case *c);

// The arguments but weights, residual and output. The range of the output is random: all, a ReLU, a
// ReLU6, or some other, which sums reach.
rn_conv_float_args conv_float_args(check_random *random, const conv_case *c);

// Calls the reference for `expected` and the kernel for `found`, each with its weights.
typedef void conv_float_function(const rn_conv_float_args *, uint32_t first, uint32_t last);
void conv_call_floats(check_run *run, const conv_case *c, conv_float_function *reference,
                      const void *reference_weights, conv_float_function *kernel,
                      const void *weights);

#endif
