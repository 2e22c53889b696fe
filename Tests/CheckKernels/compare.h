// SPDX-License-Identifier: Apache-2.0
// Compares what a kernel wrote with what the reference wrote, and with what neither may touch.
#ifndef CHECK_COMPARE_H
#define CHECK_COMPARE_H

#include "run.h"
#include <stddef.h>
#include <stdint.h>

// An output, as often as it is needed, each between two margins. Only the units [first, last) of it
// may be written: unit u is row u % height of the u / height-th `unit_channels` channels.
typedef struct check_output {
  size_t row, pixel; // in bytes
  size_t element;    // 1: uint8, 4: float
  uint32_t height, width, channels;
  uint32_t unit_channels, first, last;
  void *before, *expected, *found; // before the calls, and for the reference and the kernel
} check_output;

// Makes the buffers of an output.
check_output check_output_of(check_output shape);

// One row of `count` elements, all of which may be written.
check_output check_output_row(uint32_t count, size_t element);

void check_compare(check_run *run, const check_output *output);

// Levels whose activations are int8: the reference has uint8, so inputs are flipped before the call
// and outputs before and after it. Floats stay as they are.

// The bytes of an input as the level has them.
const void *check_flipped(const check_run *run, const void *values, size_t count);

// Flips what the kernel writes, margins and all.
void check_flip_found(const check_run *run, const check_output *output);

#endif
