// SPDX-License-Identifier: Apache-2.0
// Compares what a kernel wrote with what the reference wrote, and with what neither may touch.
#ifndef CHECK_COMPARE_H
#define CHECK_COMPARE_H

#include "run.h"
#include <stddef.h>
#include <stdint.h>

// Where the output lies in its buffer, in bytes from the buffer's start. Only the units
// [first, last) of it may be written: unit u is row u % height of the u / height-th
// `unit_channels` channels.
typedef struct check_view {
  size_t origin, row, pixel;
  size_t element; // 1: uint8, 4: float
  uint32_t height, width, channels;
  uint32_t unit_channels, first, last;
} check_view;

// One row of `count` elements between two margins, all of which may be written.
check_view view_of_row(uint32_t count, size_t element);

// The size of a buffer that holds the output, its pitches and both margins.
size_t view_size(const check_view *view);

// All three buffers have view_size bytes; `before` is what was in the buffer before the call.
void check_compare(check_run *run, const check_view *view, const uint8_t *before,
                   const uint8_t *expected, const uint8_t *found);

#endif
