// SPDX-License-Identifier: Apache-2.0
// What the direct convolutions with fp16 weights share on ARM: the way from one pixel of a tile to
// the next, which may be on the row below.
#ifndef RN_CONV_F16_TILES_H
#define RN_CONV_F16_TILES_H

#include "../common/rn_target.h"
#include <stddef.h>
#include <stdint.h>

// The next pixel's number in its row, and what a pointer has to skip to get there: a step, and at
// the end of a row the wrap too. Signed: behind the last pixel of a single row, whose pitch may be
// 0, the wrap goes back.
RN_ALWAYS_INLINE ptrdiff_t next_pixel(uint32_t *x, uint32_t width, ptrdiff_t step, ptrdiff_t wrap) {
  const int is_last_of_row = ++*x == width;
  *x = is_last_of_row ? 0 : *x;
  return step + (is_last_of_row ? wrap : 0);
}

#endif
