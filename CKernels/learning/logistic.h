// SPDX-License-Identifier: Apache-2.0
// One pass of logistic regression by instruction set, of which rn_logistic_f32 takes the best: the
// same bits.
#ifndef RN_LOGISTIC_H
#define RN_LOGISTIC_H

#include "rn_kernels.h"
#include "rn_learning.h"

double rn_logistic_f32_avx2(const rn_logistic_args *);

#endif
