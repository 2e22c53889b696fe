// SPDX-License-Identifier: Apache-2.0
// The conversions of half.h, and fp16 weights for the checks of convolutions.
#ifndef CHECK_HALF_H
#define CHECK_HALF_H

#include "../../CKernels/weights/half.h"
#include "check_conv.h"

// Every finite half, and floats on and beside every boundary of rounding.
void check_half(check_run *run);

// Finite weights of a kind of data: random, denormal and zero, or cancelling, or from the least to
// the greatest.
void check_fill_halves(check_random *random, conv_data data, uint16_t *halves, size_t count);

// The range of the output: all, a ReLU, a ReLU6, or some other, which sums reach.
void check_fill_range(check_random *random, rn_conv_float_args *a);

// Floats of a kind of data, for inputs, biases and residuals.
void check_fill_floats(check_random *random, conv_data data, float *values, size_t count);

#endif
