// SPDX-License-Identifier: Apache-2.0
#include "slots.h"

#define SLOT(name, element, kind)                                                                  \
  { #name, offsetof(rn_kernels, name), element, check_##kind, bench_##kind }

const check_slot check_slots[] = {
    SLOT(conv_q8, 1, conv_q8),
    SLOT(grouped_q8, 1, grouped_q8),
    SLOT(winograd_q8, 1, winograd_q8),
    SLOT(coded_q8, 1, coded_q8),
    SLOT(conv_f32, 4, conv_float),
    SLOT(conv_f16, 2, conv_float),
    SLOT(grouped_f32, 4, grouped_float),
    SLOT(grouped_f16, 2, grouped_float),
    SLOT(winograd_f32, 4, winograd_float),
    SLOT(winograd_f16, 2, winograd_float),
    SLOT(conv_f16acc16, 2, conv_f16acc16),
    SLOT(winograd_f16acc16, 2, winograd_f16acc16),
    SLOT(maxpool_q8, 1, maxpool),
    SLOT(maxpool_f32, 4, maxpool),
    SLOT(avgpool_q8, 1, avgpool),
    SLOT(avgpool_f32, 4, avgpool),
    SLOT(linear_q8, 1, linear_q8),
    SLOT(windowmax_q8, 1, windowmax),
    SLOT(windowmax_f32, 4, windowmax),
    SLOT(windowavg_q8, 1, windowavg),
    SLOT(windowavg_f32, 4, windowavg),
    SLOT(windowblur_q8, 1, windowblur),
    SLOT(windowblur_f32, 4, windowblur),
    SLOT(scale_q8, 1, scale),
    SLOT(scale_f32, 4, scale),
    SLOT(dequantize, 1, dequantize),
    SLOT(quantize, 1, quantize),
    SLOT(input_q8, 1, input),
    SLOT(input_f32, 4, input),
    SLOT(softmax_f32, 4, softmax_f32),
    SLOT(sigmoid_f32, 4, sigmoid_f32),
    SLOT(peak_q8, 1, peak),
    SLOT(peak_f32, 4, peak),
};
const unsigned check_slot_count = sizeof check_slots / sizeof check_slots[0];
