// SPDX-License-Identifier: Apache-2.0
// The slots of rn_kernels: a new one is a line in slots.c.
#ifndef CHECK_SLOTS_H
#define CHECK_SLOTS_H

#include "bench.h"
#include "run.h"

typedef struct check_slot {
  const char *name;
  size_t offset; // in rn_kernels
  void (*check)(check_run *);
  void (*bench)(bench_run *);
} check_slot;

extern const check_slot check_slots[];
extern const unsigned check_slot_count;

void check_conv_q8(check_run *run);
void check_winograd_q8(check_run *run);
void check_conv_f32(check_run *run);
void check_conv_f16(check_run *run);
void check_winograd_f16(check_run *run);
void check_conv_f16acc16(check_run *run);
void check_winograd_f16acc16(check_run *run);
void check_maxpool_q8(check_run *run);
void check_maxpool_f32(check_run *run);
void check_avgpool_q8(check_run *run);
void check_avgpool_f32(check_run *run);
void check_windowmax_q8(check_run *run);
void check_windowmax_f32(check_run *run);
void check_windowavg_q8(check_run *run);
void check_windowavg_f32(check_run *run);
void check_linear_q8(check_run *run);
void check_dequantize(check_run *run);
void check_quantize(check_run *run);
void check_input_q8(check_run *run);
void check_input_f32(check_run *run);
void check_softmax_f32(check_run *run);
void check_peak_q8(check_run *run);
void check_peak_f32(check_run *run);

#endif
