// SPDX-License-Identifier: Apache-2.0
// The epilogue of a strip of int8 tiles. Included after the kernel file has defined
// `requantization` and requantization_of(conv).
#ifndef RN_EPILOGUE_Q8_H
#define RN_EPILOGUE_Q8_H

#include "../common/rn_target.h"

typedef struct epilogue {
  rn_conv_q8_args conv; // a copy, which the stores cannot alias
  requantization requantization;
} epilogue;

RN_ALWAYS_INLINE epilogue epilogue_of(const rn_conv_q8_args *a) {
  return (epilogue){*a, requantization_of(a)};
}

#endif
