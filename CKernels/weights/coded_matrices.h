// SPDX-License-Identifier: Apache-2.0
// The transforms of the coded forms in one dimension. F(2, 3) is Winograd's; SFC-4(4, 3) is a
// circular correlation of length 4 by a Fourier transform whose roots of unity stay symbols, so
// that all entries of B and A are 0 and +-1, and a correction of both ends.
#ifndef RN_CODED_MATRICES_H
#define RN_CODED_MATRICES_H

#include "rn_kernels.h"

typedef struct coded_matrices {
  int8_t input[7][6];  // B^T: taps x inputs
  float weights[7][3]; // G: taps x weights
  int8_t output[4][7]; // A^T: outputs x taps
} coded_matrices;

static const coded_matrices coded_2 = {
    {{1, 0, -1, 0}, {0, 1, 1, 0}, {0, -1, 1, 0}, {0, 1, 0, -1}},
    {{1, 0, 0}, {0.5f, 0.5f, 0.5f}, {0.5f, -0.5f, 0.5f}, {0, 0, 1}},
    {{1, 1, 1, 0}, {0, 1, -1, -1}},
};
static const coded_matrices coded_sfc4 = {
    {{0, 1, 1, 1, 1, 0},
     {0, 1, -1, 1, -1, 0},
     {0, 1, 0, -1, 0, 0},
     {0, 0, -1, 0, 1, 0},
     {0, 1, -1, -1, 1, 0},
     {1, 0, 0, 0, -1, 0},
     {0, -1, 0, 0, 0, 1}},
    {{0.25f, 0.25f, 0.25f},
     {0.25f, -0.25f, 0.25f},
     {0.5f, 0, -0.5f},
     {0, 0.5f, 0},
     {0.5f, 0.5f, -0.5f},
     {1, 0, 0},
     {0, 0, 1}},
    {{1, -1, -1, -1, 1, 1, 0},
     {1, 1, 1, -1, 0, 0, 0},
     {1, -1, 1, 1, -1, 0, 0},
     {1, 1, -1, 1, 0, 0, 1}},
};

static inline const coded_matrices *coded_matrices_of(rn_coded_form form) {
  return form == RN_CODED_F2X2 ? &coded_2 : &coded_sfc4;
}

#endif
