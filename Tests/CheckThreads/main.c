// SPDX-License-Identifier: Apache-2.0
// Drives the thread pool where ThreadSanitizer watches it. `check-threads race` does what the pool
// must prevent, so that a report proves that the sanitizer would see one.
#include "rn_pool.h"
#include <stdio.h>
#include <string.h>

enum { RUNS = 2000, PHASES = 5 };

typedef struct work {
  rn_pool *pool;
  uint32_t threads;
  int skips_barriers;
  uint64_t values[RN_POOL_MAX_THREADS];
} work;

// In each phase every thread reads what all threads wrote in the phase before, and writes its own.
static void task(void *context, uint32_t thread) {
  work *w = context;
  for (uint32_t phase = 0; phase < PHASES; phase++) {
    uint64_t sum = 1;
    for (uint32_t i = 0; i < w->threads; i++)
      sum += w->values[i];
    if (!w->skips_barriers)
      rn_pool_barrier(w->pool);
    w->values[thread] = sum;
    if (!w->skips_barriers)
      rn_pool_barrier(w->pool);
  }
}

// Returns whether the threads computed what one thread would.
static int check(uint32_t threads, int skips_barriers) {
  work w = {.threads = threads, .skips_barriers = skips_barriers};
  if (rn_pool_create(&w.pool, &w.threads, 0) != 0 || w.threads < threads) {
    fprintf(stderr, "check-threads: no pool of %u threads\n", threads);
    return 0;
  }
  uint64_t expected = 0;
  for (int run = 0; run < (skips_barriers ? 1 : RUNS); run++) {
    rn_pool_run(w.pool, task, &w);
    for (int phase = 0; phase < PHASES; phase++)
      expected = threads * expected + 1;
  }
  rn_pool_destroy(w.pool);
  int right = 1;
  for (uint32_t i = 0; i < threads; i++)
    right &= w.values[i] == expected;
  printf("%u threads: %s\n", threads, right ? "right" : "wrong");
  return right;
}

int main(int count, char **arguments) {
  if (count == 2 && strcmp(arguments[1], "race") == 0) {
    check(4, 1);
    return 0;
  }
  // More threads than CPUs sleep at once, fewer spin first.
  return !(check(2, 0) & check(3, 0) & check(8, 0));
}
