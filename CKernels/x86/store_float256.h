// SPDX-License-Identifier: Apache-2.0
// The epilogue of the dense and the grouped convolution of float32 activations by 256-bit vectors.
#ifndef RN_STORE_FLOAT256_H
#define RN_STORE_FLOAT256_H

#include "../common/rn_target.h"
#include <immintrin.h>

RN_ALWAYS_INLINE void store8(const rn_conv_float_args *a, __m256 t, const float *residual,
                             float *output) {
  if (residual)
    t = _mm256_add_ps(t, _mm256_loadu_ps(residual));
  // In this order: MAXPS and MINPS return their second operand for a NaN and for two zeros.
  t = _mm256_min_ps(_mm256_max_ps(t, _mm256_set1_ps(a->low)), _mm256_set1_ps(a->high));
  _mm256_storeu_ps(output, t);
}

#endif
