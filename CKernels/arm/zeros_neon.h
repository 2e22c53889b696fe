// SPDX-License-Identifier: Apache-2.0
#ifndef RN_ZEROS_NEON_H
#define RN_ZEROS_NEON_H

#include "../common/rn_target.h"
#include <arm_neon.h>

// A zero in all lanes, which is hidden from the compiler: it would subtract from upper halves by
// EXT and SSUBL instead of SSUBL2.
RN_ALWAYS_INLINE int16x8_t zeros_of(int32_t zero) {
  int16x8_t zeros = vdupq_n_s16((int16_t)zero);
  __asm__("" : "+w"(zeros));
  return zeros;
}

#endif
