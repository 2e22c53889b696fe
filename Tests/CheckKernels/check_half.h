// SPDX-License-Identifier: Apache-2.0
// The conversions of half.h, and what the checks of float convolutions have in common.
#ifndef CHECK_HALF_H
#define CHECK_HALF_H

#include "../../CKernels/weights/half.h"
#include "check_conv.h"

// Every finite half, and floats on and beside every boundary of rounding.
void check_half(check_run *run);

// Finite numbers of a kind of data: random, denormal and zero, or cancelling, or from the least to
// the greatest; of the range of fp16, or of float32.
void check_fill(check_random *random, conv_data data, bool has_halves, float *numbers,
                size_t count);

// Fills input, bias and residual with a kind of data.
void conv_fill_floats(check_random *random, const conv_case *c, conv_data data);

// Draws all data of a convolution and makes its weights, those of fp16 before they are rounded.
float *conv_fill_weights(check_run *run, const conv_case *c);

// The weights in fp16.
uint16_t *conv_halves(const conv_case *c, const float *weights);

// The arguments but weights, residual and output. The range of the output is random: all, a ReLU, a
// ReLU6, or some other, which sums reach.
rn_conv_float_args conv_float_args(check_random *random, const conv_case *c);

// Calls the reference for `expected` and the kernel for `found`, each with its weights.
typedef void conv_float_function(const rn_conv_float_args *, uint32_t first, uint32_t last);
void conv_call_floats(check_run *run, const conv_case *c, conv_float_function *reference,
                      const void *reference_weights, conv_float_function *kernel,
                      const void *weights);

#endif
