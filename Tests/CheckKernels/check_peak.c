// SPDX-License-Identifier: Apache-2.0
// The peak loops compute nothing that could be compared, but must run and count what they do.
#include "buffers.h"
#include "slots.h"

static void one(check_run *run, uint64_t (*kernel)(uint64_t)) {
  check_begin(run);
  check_describe(run, "10 and 1010 iterations");
  uint64_t few = 0, many = 0;
  CHECK_KERNEL(run, few = kernel(10); many = kernel(1010));
  if (few == 0 || many != few * 101)
    check_fail(run, "multiplications: %llu and %llu", (unsigned long long)few,
               (unsigned long long)many);
  check_end(run);
}

void check_peak_q8(check_run *run) { one(run, run->kernels->peak_q8); }

void check_peak_f32(check_run *run) { one(run, run->kernels->peak_f32); }
