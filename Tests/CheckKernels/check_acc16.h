// SPDX-License-Identifier: Apache-2.0
// What the checks of convolutions whose products and short sums may be in fp16 have in common:
// data, and the comparison within a bound of the reference that is derived for each output from its
// own operands.
//
// With u = 2^-11 the relative error of a rounding to fp16, a product that passes r roundings, its
// own and those of the sums it is a part of, is off by (1 + u)^r - 1 at most. Adding zeros rounds
// nothing, so r is never more than the terms of an output that are not zero. A fused multiplication
// whose result is denormal is off by 2^-25 as well; sums of fp16 numbers are exact there.
//
// Float32 roundings of kernel and reference add (terms + 64) * 2^-23 of the same sums, of the bias
// and of the residual. Clamping lets no error grow.
#ifndef CHECK_ACC16_H
#define CHECK_ACC16_H

#include "check_half.h"

// What random data the kinds of conv_data stand for here, all below the 2^9 of the contract:
// numbers around 1; inputs that are denormal in fp16; the greatest inputs; and few weights, so that
// a bound allows for little more than one rounding. Biases and residuals are the typical floats of
// check_half.h, which are below 1. Returns the weights.
uint16_t *acc16_fill(check_random *random, const conv_case *c);

// (1 + u)^count - 1
double acc16_roundings(double count);

// Takes what is within `bound` for what was expected, so that check_compare tells of the rest. The
// bound is that of the products; what the bias and the residual add is known here.
void acc16_accept(float *found, const float *expected, double bound);

#endif
