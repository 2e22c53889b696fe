// SPDX-License-Identifier: Apache-2.0
// Where a weight lies in the layouts of the kernels: blocks of 16 output channels, of those a row
// of the kernel (or a position of Winograd's domain) after the other, and in a row groups of
// `group` taps of each of the 16 channels.
#ifndef RN_LAYOUT_H
#define RN_LAYOUT_H

#include <stddef.h>
#include <stdint.h>

// [oc/16][row][run/group][16 oc][group]
static inline size_t rn_weight_index(uint32_t oc, uint32_t row, uint32_t k, uint32_t rows,
                                     uint32_t run, uint32_t group) {
  const size_t block = ((size_t)(oc / 16 * rows + row) * run + k / group * group) * 16;
  return block + oc % 16 * group + k % group;
}

// Weights of conv_q8; k counts the run of a kernel row.
static inline size_t rn_weight_index_q8(uint32_t oc, uint32_t row, uint32_t k, uint32_t rows,
                                        uint32_t run) {
  return rn_weight_index(oc, row, k, rows, run, 4);
}

// Weights of conv_f32 and conv_f16.
static inline size_t rn_weight_index_float(uint32_t oc, uint32_t row, uint32_t k, uint32_t rows,
                                           uint32_t run) {
  return rn_weight_index(oc, row, k, rows, run, 1);
}

// Weights of grouped_q8, whose tap has `width` channels of a group. Blocks of groups of 4 and 8
// have an order of their own: the four channels 4j ... of the 16 input channels meet the weights
// [.][j][4], so that a vector of input is multiplied as it is, and sums are put in order at the
// end. With L counting 0...3:
//   4   [oc/16][tap][L][j][4]       j: output channel 4j + L
//   8   [oc/16][tap][i][L][j][4]    j: output channel 8(j/2) + 4i + L, the group's channels 4(j%2)
//   ...
static inline size_t rn_grouped_index_q8(uint32_t oc, uint32_t tap, uint32_t k, uint32_t taps,
                                         uint32_t width) {
  if (width >= 16)
    return rn_weight_index(oc, tap, k, taps, width, 4);
  const size_t block = (size_t)(oc / 16 * taps + tap) * width * 16;
  const uint32_t j = width == 4 ? oc % 16 / 4 : oc % 16 / 8 * 2 + k / 4;
  const uint32_t i = width == 4 ? 0 : oc / 4 % 2;
  return block + i * 64 + oc % 4 * 16 + j * 4 + k % 4;
}

// Weights of grouped_f32 and grouped_f16.
static inline size_t rn_grouped_index_float(uint32_t oc, uint32_t tap, uint32_t k, uint32_t taps,
                                            uint32_t width) {
  return rn_weight_index(oc, tap, k, taps, width, 1);
}

// Transformed weights of winograd_q8.
static inline size_t rn_winograd_index_q8(uint32_t oc, uint32_t position, uint32_t ic,
                                          uint32_t positions, uint32_t channels) {
  return rn_weight_index(oc, position, ic, positions, channels, 2);
}

// Transformed weights of coded_q8.
static inline size_t rn_coded_index_q8(uint32_t oc, uint32_t tap, uint32_t ic, uint32_t taps,
                                       uint32_t channels) {
  return rn_weight_index(oc, tap, ic, taps, channels, 4);
}

// Transformed weights of winograd_f32 and winograd_f16.
static inline size_t rn_winograd_index_float(uint32_t oc, uint32_t position, uint32_t ic,
                                             uint32_t positions, uint32_t channels) {
  return rn_weight_index(oc, position, ic, positions, channels, 1);
}

#endif
