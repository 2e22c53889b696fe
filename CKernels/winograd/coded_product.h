// SPDX-License-Identifier: Apache-2.0
// What a coded convolution multiplies at once.
#ifndef RN_CODED_PRODUCT_H
#define RN_CODED_PRODUCT_H

#include "../common/rn_target.h"

// M of one row of taps, for tiles that are neighbours.
typedef struct product {
  const uint8_t *codes; // of the first tile
  const int8_t *weights;
  const int32_t *start, *shift;
  int32_t *m;
  size_t codes_tap, codes_block, m_tap; // from one tap, and from 16 channels, to the next
  size_t second, second_start; // from one block of 16 output channels to the second; 0: there is
                               // none, and what is computed for it is not used
  uint32_t taps, channels;
} product;

#endif
