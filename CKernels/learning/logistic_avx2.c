// SPDX-License-Identifier: Apache-2.0
// Logistic regression, AVX2. Twin: logistic.c
#if defined(__x86_64__)
#include "../common/rn_target.h"
#include "logistic.h"
#include <math.h>
#include <sleef.h>
#include <string.h>

#pragma STDC FP_CONTRACT OFF

RN_TARGET_PUSH("avx2")

#include "logistic_rows.h"

double rn_logistic_f32_avx2(const rn_logistic_args *a) { return take_all_rows(a); }

RN_TARGET_POP

#endif
