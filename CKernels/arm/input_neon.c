// SPDX-License-Identifier: Apache-2.0
// RGB8 pixels into int8 activations, which are 128 less than the reference's uint8. Twin:
// ref/input_ref.c
#if defined(__aarch64__)
#include "../common/rn_target.h"
#include <arm_neon.h>

void rn_input_q8_neon(const rn_input_args *a) {
  const size_t count = 3 * (size_t)a->width;
  uint8_t *output = a->output;
  size_t i = 0;
  for (; i + 16 <= count; i += 16)
    vst1q_u8(output + i, veorq_u8(vld1q_u8(a->rgb + i), vdupq_n_u8(0x80)));
  for (; i < count; i++)
    output[i] = a->rgb[i] ^ 0x80;
}
#endif
