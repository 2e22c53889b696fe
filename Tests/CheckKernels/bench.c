// SPDX-License-Identifier: Apache-2.0
#include "slots.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

// Enough samples for a median, and no more than this for one line of the table.
static const uint64_t budget = 100 * 1000 * 1000;
static const uint64_t shortest_sample = 20 * 1000;
enum { samples_least = 3 };

static uint64_t now(void) {
  struct timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return (uint64_t)time.tv_sec * 1000000000 + (uint64_t)time.tv_nsec;
}

void bench_begin(bench_samples *samples) {
  samples->count = 0;
  samples->repeat = 0;
  samples->begun = now();
}

bool bench_more(bench_samples *samples) {
  const uint64_t time = now();
  if (samples->repeat == 0) {
    samples->repeat = 1;
  } else {
    const uint64_t elapsed = time - samples->sample;
    if (elapsed < shortest_sample && samples->count == 0) {
      samples->repeat *= 2;
    } else {
      samples->nanoseconds[samples->count++] = (double)elapsed / samples->repeat;
      if (samples->count == bench_samples_limit ||
          (time - samples->begun > budget && samples->count >= samples_least))
        return false;
    }
  }
  samples->sample = now();
  return true;
}

static int ascending(const void *a, const void *b) {
  const double x = *(const double *)a, y = *(const double *)b;
  return (x > y) - (x < y);
}

void bench_head(void) {
  puts("GMAC/s and share of the multiply peak are those of the fastest call.\n");
  printf("%-21s %-11s %-28s %12s %12s %8s %6s\n", "function", "isa", "shape", "median ns", "min ns",
         "GMAC/s", "share");
}

void bench_report(const bench_run *run, bench_samples *samples, const char *shape,
                  double multiplications, double peak) {
  double *times = samples->nanoseconds;
  qsort(times, samples->count, sizeof times[0], ascending);
  printf("%-21s %-11s %-28s %12.0f %12.0f", run->function, run->isa, shape,
         times[samples->count / 2], times[0]);
  if (multiplications > 0)
    printf(" %8.1f", multiplications / times[0]);
  if (multiplications > 0 && peak > 0)
    printf(" %5.1f%%", 100 * multiplications / times[0] / peak);
  putchar('\n');
  fflush(stdout);
}

static double peak(uint64_t (*kernel)(uint64_t), uint64_t (*reference)(uint64_t)) {
  // A level without a loop of its own is not measured against that of portable C.
  if (kernel == reference)
    return 0;
  double best = 0;
  for (int i = 0; i < 100; i++) {
    const uint64_t begun = now();
    const uint64_t multiplications = kernel(50000);
    const double rate = (double)multiplications / (double)(now() - begun);
    best = rate > best ? rate : best;
  }
  return best;
}

void bench_measure_peaks(bench_run *run) {
  rn_kernels reference;
  rn_kernels_init(&reference, RN_ISA_REF);
  run->peak_q8 = peak(run->kernels->peak_q8, reference.peak_q8);
  run->peak_f32 = peak(run->kernels->peak_f32, reference.peak_f32);
}

void bench_peak(bench_run *run) {
  uint64_t (*kernel)(uint64_t) = SLOT_KERNEL(run, run->kernels, peak_q8, peak_f32);
  const double multiplications = (double)kernel(10000);
  BENCH(run, "registers only", multiplications, SLOT_KERNEL(run, run, peak_q8, peak_f32),
        kernel(10000));
}
