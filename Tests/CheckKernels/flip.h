// SPDX-License-Identifier: Apache-2.0
// Levels whose activations are int8: the reference has uint8, so inputs are flipped before the call
// and outputs after it.
#ifndef CHECK_FLIP_H
#define CHECK_FLIP_H

#include "check_conv.h"

// Flips bytes in place as the level has them.
void check_flip(const check_run *run, uint8_t *bytes, size_t count);

// An input with the bytes of `bytes` as the level has them.
const uint8_t *check_flipped(const check_run *run, const uint8_t *bytes, size_t count);

// Turns the arguments of the reference into those of the level, which writes `found`: inputs, both
// zeros, and the bias, which needs the sums of the weights.
void check_flip_conv(const check_run *run, const conv_case *c, rn_conv_q8_args *a,
                     const int8_t *weights);

// Flips `found` back and compares.
void check_flip_compare(check_run *run, const conv_case *c);

#endif
