// SPDX-License-Identifier: Apache-2.0
// All kernels of this architecture. The including file defines what becomes of each:
//   RN_KERNEL(level, slot, function)
//   RN_KERNEL_IF(condition, level, slot, function)     where a function tells whether the CPU has
//   it
#include "../ref/kernels.h"
#if defined(__x86_64__)
#include "../x86/kernels.h"
#elif defined(__aarch64__)
#include "../arm/kernels.h"
#endif
#undef RN_KERNEL
#undef RN_KERNEL_IF
