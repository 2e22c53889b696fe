// SPDX-License-Identifier: Apache-2.0
// The slots of rn_kernels: a new one is a line in slots.c.
#ifndef CHECK_SLOTS_H
#define CHECK_SLOTS_H

#include "bench.h"
#include "run.h"

typedef void check_function(check_run *);
typedef void bench_function(bench_run *);

typedef struct check_slot {
  const char *name;
  size_t offset;  // in rn_kernels
  size_t element; // the bytes of an activation, or of a weight if that tells slots apart
  check_function *check;
  bench_function *bench;
} check_slot;

extern const check_slot check_slots[];
extern const unsigned check_slot_count;

check_function check_conv_q8, check_grouped_q8, check_winograd_q8, check_coded_q8, check_conv_float,
    check_grouped_float, check_winograd_float, check_conv_f16acc16, check_winograd_f16acc16,
    check_maxpool, check_avgpool, check_windowmax, check_windowavg, check_windowblur, check_scale,
    check_linear_q8, check_dequantize, check_quantize, check_input, check_softmax_f32,
    check_sigmoid_f32, check_peak;

bench_function bench_conv_q8, bench_grouped_q8, bench_winograd_q8, bench_coded_q8, bench_conv_float,
    bench_grouped_float, bench_winograd_float, bench_conv_f16acc16, bench_winograd_f16acc16,
    bench_maxpool, bench_avgpool, bench_windowmax, bench_windowavg, bench_windowblur, bench_scale,
    bench_linear_q8, bench_dequantize, bench_quantize, bench_input, bench_softmax_f32,
    bench_sigmoid_f32, bench_peak;

// The one of two kernels of a kind that the slot of `run` has in `table`.
#define SLOT_KERNEL(run, table, q8, f32) ((run)->element == 1 ? (table)->q8 : (table)->f32)

#endif
