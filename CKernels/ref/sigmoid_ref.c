// SPDX-License-Identifier: Apache-2.0
// The sigmoid with SLEEF's consistent-result exponential, whose bits are the same on every ISA.
#include "../common/rn_declarations.h"
#include <sleef.h>

void rn_sigmoid_f32_ref(const float *values, float *results, uint32_t count) {
  for (uint32_t i = 0; i < count; i++)
    results[i] = 1.0f / (1.0f + Sleef_cinz_expf1_u10purec(-values[i]));
}
