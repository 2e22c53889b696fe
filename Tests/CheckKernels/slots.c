// SPDX-License-Identifier: Apache-2.0
#include "slots.h"

#define SLOT(name)                                                                                 \
  { #name, offsetof(rn_kernels, name), check_##name, bench_##name }

const check_slot check_slots[] = {
    SLOT(conv_q8),      SLOT(winograd_q8),   SLOT(conv_f32),          SLOT(conv_f16),
    SLOT(winograd_f16), SLOT(conv_f16acc16), SLOT(winograd_f16acc16), SLOT(maxpool_q8),
    SLOT(maxpool_f32),  SLOT(avgpool_q8),    SLOT(avgpool_f32),       SLOT(linear_q8),
    SLOT(windowmax_q8), SLOT(windowmax_f32), SLOT(windowavg_q8),      SLOT(windowavg_f32),
    SLOT(dequantize),   SLOT(quantize),      SLOT(input_q8),          SLOT(input_f32),
    SLOT(softmax_f32),  SLOT(peak_q8),       SLOT(peak_f32),
};
const unsigned check_slot_count = sizeof check_slots / sizeof check_slots[0];
