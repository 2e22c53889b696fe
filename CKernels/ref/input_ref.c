// SPDX-License-Identifier: Apache-2.0
// RGB8 pixels into the network's first tensor: the definition of correct.
#include "../common/rn_declarations.h"

#pragma STDC FP_CONTRACT OFF

void rn_input_q8_ref(const rn_input_args *a) {
  uint8_t *output = a->output;
  for (uint32_t i = 0; i < 3 * a->width; i++)
    output[i] = a->rgb[i];
}

void rn_input_f32_ref(const rn_input_args *a) {
  float *output = a->output;
  for (uint32_t x = 0; x < a->width; x++) {
    for (uint32_t c = 0; c < 3; c++) {
      const float value = (float)a->rgb[3 * x + c] / 255.0f;
      const float centred = value - a->mean[c];
      output[3 * x + c] = centred / a->std[c];
    }
  }
}
