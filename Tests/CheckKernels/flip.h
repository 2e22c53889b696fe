// SPDX-License-Identifier: Apache-2.0
// Levels whose activations are int8: the reference has uint8, so inputs are flipped before the call
// and outputs after it.
#ifndef CHECK_FLIP_H
#define CHECK_FLIP_H

#include "run.h"
#include <stddef.h>
#include <stdint.h>

// Flips bytes in place as the level has them.
void check_flip(const check_run *run, uint8_t *bytes, size_t count);

// An input with the bytes of `bytes` as the level has them.
const uint8_t *check_flipped(const check_run *run, const uint8_t *bytes, size_t count);

// Turns the arguments of the reference into those of the level: inputs, both zeros, and the bias,
// which needs the sums of the weights. The output is the caller's to flip.
void check_flip_conv(const check_run *run, rn_conv_q8_args *a, const int8_t *weights,
                     size_t input_count, size_t residual_count);

#endif
