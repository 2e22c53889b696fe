// SPDX-License-Identifier: Apache-2.0
// Softmax with SLEEF's consistent-result exponential, whose bits are the same on every ISA.
#include "../common/rn_declarations.h"
#include <math.h>
#include <sleef.h>

void rn_softmax_f32_ref(const float *logits, float *probabilities, uint32_t count) {
  float greatest = -INFINITY;
  for (uint32_t i = 0; i < count; i++)
    greatest = logits[i] > greatest ? logits[i] : greatest;
  float sum = 0;
  for (uint32_t i = 0; i < count; i++) {
    probabilities[i] = Sleef_cinz_expf1_u10purec(logits[i] - greatest);
    sum += probabilities[i];
  }
  for (uint32_t i = 0; i < count; i++)
    probabilities[i] /= sum;
}
