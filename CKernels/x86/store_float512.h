// SPDX-License-Identifier: Apache-2.0
// The epilogue of the dense and the grouped convolution of float32 activations by 512-bit vectors.
#ifndef RN_STORE_FLOAT512_H
#define RN_STORE_FLOAT512_H

#include "../common/rn_target.h"
#include <immintrin.h>

RN_ALWAYS_INLINE void store16(const rn_conv_float_args *a, __m512 t, const float *residual,
                              float *output) {
  if (residual)
    t = _mm512_add_ps(t, _mm512_loadu_ps(residual));
  // In this order: MAXPS and MINPS return their second operand for a NaN and for two zeros.
  t = _mm512_min_ps(_mm512_max_ps(t, _mm512_set1_ps(a->low)), _mm512_set1_ps(a->high));
  _mm512_storeu_ps(output, t);
}

#endif
