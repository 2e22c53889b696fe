// SPDX-License-Identifier: Apache-2.0
// The transforms of F(2, 3) and F(4, 3) in vectors, for all formats, and where the inputs of a tile
// lie. Included once by each kernel file, after it has defined
//   value, sum                          vectors of inputs and of sums, with + and -
//   plus_product(y, x, factor)          y + factor * x of values, with one rounding
//   minus_product(y, x, factor)         y - factor * x
//   plus_sum_product(y, m, factor)      y + factor * m of sums
//   end_of_input(x, y, z)               4 * x - 5 * y + z of values, in F(4, 3)
//   end_of_output(y, m, last)           y + 8 * m + last of sums, in F(4, 3); 4 * last where G's
//                                       last row is divided by that
#ifndef RN_TRANSFORMS_H
#define RN_TRANSFORMS_H

#include "../common/rn_target.h"

// Only an fma that is written down is fused.
#pragma STDC FP_CONTRACT OFF

// B^T x in place. Range of int16: 2040 after one transform of bytes, 17340 after two.
RN_ALWAYS_INLINE void input_transform(value *x, const uint32_t stride, const uint32_t tile) {
  const value x0 = x[0], x1 = x[stride], x2 = x[2 * stride], x3 = x[3 * stride];
  if (tile == 2) {
    x[0] = x0 - x2;
    x[stride] = x1 + x2;
    x[2 * stride] = x2 - x1;
    x[3 * stride] = x1 - x3;
    return;
  }
  const value x4 = x[4 * stride], x5 = x[5 * stride];
  const value even = minus_product(x4, x2, 4), odd = minus_product(x3, x1, 4);
  const value even2 = x4 - x2, odd2 = x3 - x1;
  x[0] = end_of_input(x0, x2, x4);
  x[stride] = even + odd;
  x[2 * stride] = even - odd;
  x[3 * stride] = plus_product(even2, odd2, 2);
  x[4 * stride] = minus_product(even2, odd2, 2);
  x[5 * stride] = end_of_input(x1, x3, x5);
}

// A^T m: the first `tile` of the results are set.
RN_ALWAYS_INLINE void output_transform(sum *m, const uint32_t stride, const uint32_t tile) {
  const sum m0 = m[0], m1 = m[stride], m2 = m[2 * stride], m3 = m[3 * stride];
  const sum even = m1 + m2, odd = m1 - m2;
  if (tile == 2) {
    m[0] = m0 + even;
    m[stride] = odd - m3;
    return;
  }
  const sum m4 = m[4 * stride], m5 = m[5 * stride];
  const sum even2 = m3 + m4, odd2 = m3 - m4;
  m[0] = m0 + even + even2;
  m[stride] = plus_sum_product(odd, odd2, 2);
  m[2 * stride] = plus_sum_product(even, even2, 4);
  m[3 * stride] = end_of_output(odd, odd2, m5);
}

// Of the tile at output (y, x): the offsets of its input rows and columns from pixel (0, 0) of the
// input with its border. Beyond the input the last row and column serve: they have no part in an
// output of the image.
RN_ALWAYS_INLINE void winograd_input(const rn_conv_geometry *g, uint32_t y, uint32_t x,
                                     const uint32_t rows, const uint32_t columns, size_t row[6],
                                     size_t column[6]) {
  const uint32_t last_row = g->output_height + 1, last_column = g->output_width + 1;
  RN_UNROLL for (uint32_t i = 0; i < rows; i++) row[i] =
      (y + i < last_row ? y + i : last_row) * g->input_row;
  RN_UNROLL for (uint32_t j = 0; j < columns; j++) column[j] =
      (x + j < last_column ? x + j : last_column) * g->step_x;
}

#endif
