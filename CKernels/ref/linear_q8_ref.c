// SPDX-License-Identifier: Apache-2.0
// The classifier: the definition of correct. The 16 sums of a block are independent, so a vector
// of any width adds in the same order.
#include "../common/rn_declarations.h"

#pragma STDC FP_CONTRACT OFF

void rn_linear_q8_ref(const rn_linear_q8_args *a, uint32_t first_block, uint32_t last_block) {
  for (uint32_t block = first_block; block < last_block; block++) {
    const int8_t *weights = a->weights + (size_t)block * a->inputs * RN_CHANNEL_BLOCK;
    float sum[RN_CHANNEL_BLOCK] = {0};
    for (uint32_t i = 0; i < a->inputs; i++)
      for (uint32_t o = 0; o < RN_CHANNEL_BLOCK; o++)
        sum[o] = sum[o] + a->features[i] * (float)weights[i * RN_CHANNEL_BLOCK + o];
    for (uint32_t o = 0; o < RN_CHANNEL_BLOCK; o++) {
      const uint32_t output = block * RN_CHANNEL_BLOCK + o;
      const float scaled = sum[o] * a->multiplier[output];
      a->logits[output] = scaled + a->bias[output];
    }
  }
}
