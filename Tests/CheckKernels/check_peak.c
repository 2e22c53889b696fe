// SPDX-License-Identifier: Apache-2.0
// The peak loops compute nothing that could be compared, but must run and count what they do.
#include "slots.h"

void check_peak(check_run *run) {
  check_begin(run);
  check_describe(run, "10 and 1010 iterations");
  uint64_t (*kernel)(uint64_t) = SLOT_KERNEL(run, run->kernels, peak_q8, peak_f32);
  uint64_t few = 0, many = 0;
  CHECK_KERNEL(run, few = kernel(10); many = kernel(1010));
  if (few == 0 || many != few * 101)
    check_fail(run, "multiplications: %llu and %llu", (unsigned long long)few,
               (unsigned long long)many);
  check_end(run);
}
