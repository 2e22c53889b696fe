// SPDX-License-Identifier: Apache-2.0
// Where the inputs of a Winograd tile lie, for all formats.
#ifndef RN_WINOGRAD_INPUT_H
#define RN_WINOGRAD_INPUT_H

#include "../common/rn_target.h"

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
