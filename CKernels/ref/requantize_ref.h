// SPDX-License-Identifier: Apache-2.0
#ifndef RN_REQUANTIZE_REF_H
#define RN_REQUANTIZE_REF_H

#include "rn_kernels.h"

// The epilogue of the int8 convolutions for one sum with its bias; `residual` may be null.
void rn_requantize_ref(const rn_conv_q8_args *a, int32_t acc, uint32_t oc, const uint8_t *residual,
                       uint8_t *output);

#endif
