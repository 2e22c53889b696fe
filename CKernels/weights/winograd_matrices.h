// SPDX-License-Identifier: Apache-2.0
// The transforms of F(2, 3) and F(4, 3), scaled to integers: 2 G and 24 G. In F(4, 3) the last row
// of G is divided by 4 and the last column of A^T multiplied by it.
#ifndef RN_WINOGRAD_MATRICES_H
#define RN_WINOGRAD_MATRICES_H

#include <stdint.h>

typedef struct winograd_matrices {
  // The scale, 2 or 24 = 3 * 8: the inverse of its odd part modulo 2^32, and log2 of the rest.
  uint32_t odd_inverse, shift;
  int8_t input[6][6];   // B^T: positions x inputs
  int8_t weights[6][3]; // G: positions x taps
  int8_t output[4][6];  // A^T: outputs x positions
} winograd_matrices;

static const winograd_matrices winograd_2 = {
    1,
    1,
    {{1, 0, -1, 0}, {0, 1, 1, 0}, {0, -1, 1, 0}, {0, 1, 0, -1}},
    {{2, 0, 0}, {1, 1, 1}, {1, -1, 1}, {0, 0, 2}},
    {{1, 1, 1, 0}, {0, 1, -1, -1}},
};
static const winograd_matrices winograd_4 = {
    0xAAAAAAAB,
    3,
    {{4, 0, -5, 0, 1, 0},
     {0, -4, -4, 1, 1, 0},
     {0, 4, -4, -1, 1, 0},
     {0, -2, -1, 2, 1, 0},
     {0, 2, -1, -2, 1, 0},
     {0, 4, 0, -5, 0, 1}},
    {{6, 0, 0}, {-4, -4, -4}, {-4, 4, -4}, {1, 2, 4}, {1, -2, 4}, {0, 0, 6}},
    {{1, 1, 1, 1, 1, 0}, {0, 1, -1, 2, -2, 0}, {0, 1, 1, 4, 4, 0}, {0, 1, -1, 8, -8, 4}},
};

static inline const winograd_matrices *winograd_of(uint32_t tile) {
  return tile == 4 ? &winograd_4 : &winograd_2;
}

#endif
