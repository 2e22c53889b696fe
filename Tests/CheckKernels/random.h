// SPDX-License-Identifier: Apache-2.0
// Random numbers that depend on the seed alone, so that every failure can be repeated.
#ifndef CHECK_RANDOM_H
#define CHECK_RANDOM_H

#include <stddef.h>
#include <stdint.h>

typedef struct check_random {
  uint64_t state;
} check_random;

uint64_t random_u64(check_random *random);

// 0...below - 1
uint32_t random_below(check_random *random, uint32_t below);

// low...high, both included.
int32_t random_between(check_random *random, int32_t low, int32_t high);

// -1...1
float random_float(check_random *random);

void random_bytes(check_random *random, void *bytes, size_t count);

// Each -1...1
void random_floats(check_random *random, float *values, size_t count);

#endif
