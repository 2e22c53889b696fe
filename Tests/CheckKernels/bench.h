// SPDX-License-Identifier: Apache-2.0
// Times kernels on the whole layers of ResNet18, ResNet50 and, of grouped ones, ResNeXts, on one
// thread.
#ifndef CHECK_BENCH_H
#define CHECK_BENCH_H

#include "rn_kernels.h"
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct bench_run {
  const char *function, *isa;
  size_t element; // of the slot
  const rn_kernels *kernels;
  double peak_q8, peak_f32; // multiplications a nanosecond; 0: no share is shown
} bench_run;

enum { bench_samples_limit = 500 };

// Repeated calls of one kernel.
typedef struct bench_samples {
  double nanoseconds[bench_samples_limit]; // of one call
  unsigned count;
  uint32_t repeat; // calls in a sample; short calls are measured by the dozen
  uint64_t begun, sample;
} bench_samples;

void bench_begin(bench_samples *samples);
bool bench_more(bench_samples *samples);

// Measures `call` and prints a line. `multiplications` of one call, or 0 if that is not what bounds
// it.
#define BENCH(run, shape, multiplications, peak, call)                                             \
  do {                                                                                             \
    bench_samples samples;                                                                         \
    for (bench_begin(&samples); bench_more(&samples);)                                             \
      for (uint32_t bench_i = 0; bench_i < samples.repeat; bench_i++)                              \
        call;                                                                                      \
    bench_report(run, &samples, shape, multiplications, peak);                                     \
  } while (0)

// Prints the table's head.
void bench_head(void);

void bench_report(const bench_run *run, bench_samples *samples, const char *shape,
                  double multiplications, double peak);

// The level's multiply peaks, the best of many short runs.
void bench_measure_peaks(bench_run *run);

#endif
