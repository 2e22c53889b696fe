// SPDX-License-Identifier: Apache-2.0
// What a coded convolution multiplies at once. Included by each kernel file after it has defined
//   tile_blocks                blocks of 16 output channels of the largest register tile, 1 or 2
//   step_channels              input channels that are coded at once: 16, 32 or 64
#ifndef RN_CODED_PRODUCT_H
#define RN_CODED_PRODUCT_H

#include "../common/rn_target.h"

// Elements of M from one tap to the next: those of a strip and a cache line, since pitches that are
// multiples of 4096 bytes would crowd the few cache sets of one address. A constant, so that loads
// of all taps have one base.
enum { m_tap = RN_WINOGRAD_TILES * 16 * tile_blocks + 16 };

// M of one row of taps, for tiles that are neighbours.
typedef struct product {
  const uint8_t *codes; // of the first tile
  const int8_t *weights;
  const int32_t *start, *shift;
  int32_t *m;
  size_t codes_tap, codes_block; // from one tap, and from step_channels, to the next
  size_t second, second_start;   // from one block of 16 output channels to the second; 0: there is
                                 // none, and what is computed for it is not used
  uint32_t taps, channels;
} product;

#endif
