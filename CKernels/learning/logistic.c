// SPDX-License-Identifier: Apache-2.0
// Logistic regression for every CPU: the definition of correct.
#include "logistic.h"

#pragma STDC FP_CONTRACT OFF

#include "logistic_rows.h"

double rn_logistic_f32_ref(const rn_logistic_args *a) { return take_all_rows(a); }

double rn_logistic_f32(const rn_logistic_args *a) {
#if defined(__x86_64__)
  // Asking the CPU takes as long as a small pass, and may be done twice at the same time.
  static _Atomic int has_avx2 = -1;
  if (has_avx2 < 0)
    has_avx2 = rn_isa_detect() >= RN_ISA_AVX2;
  if (has_avx2)
    return rn_logistic_f32_avx2(a);
#endif
  return rn_logistic_f32_ref(a);
}
