// SPDX-License-Identifier: Apache-2.0
// Declares the kernels of this architecture, each with the type of its slot.
#ifndef RN_DECLARATIONS_H
#define RN_DECLARATIONS_H

#include "rn_kernels.h"

#define RN_KERNEL(level, slot, function) __typeof__(*((rn_kernels *)0)->slot) function;
#define RN_KERNEL_IF(condition, level, slot, function) RN_KERNEL(level, slot, function)
#include "kernels.h"

#endif
