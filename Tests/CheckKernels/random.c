// SPDX-License-Identifier: Apache-2.0
#include "random.h"
#include <string.h>

// SplitMix64: any state is a good one, so a seed and a hash can be mixed into it freely.
uint64_t random_u64(check_random *random) {
  uint64_t z = random->state += 0x9E3779B97F4A7C15u;
  z = (z ^ z >> 30) * 0xBF58476D1CE4E5B9u;
  z = (z ^ z >> 27) * 0x94D049BB133111EBu;
  return z ^ z >> 31;
}

uint32_t random_below(check_random *random, uint32_t below) {
  return (uint32_t)((random_u64(random) >> 32) * below >> 32);
}

int32_t random_between(check_random *random, int32_t low, int32_t high) {
  return low + (int32_t)random_below(random, (uint32_t)(high - low) + 1);
}

float random_float(check_random *random) {
  return (float)(int32_t)(random_u64(random) >> 32) * 0x1p-31f;
}

void random_bytes(check_random *random, void *bytes, size_t count) {
  uint8_t *next = bytes;
  for (; count >= 8; count -= 8, next += 8) {
    const uint64_t eight = random_u64(random);
    memcpy(next, &eight, 8);
  }
  const uint64_t rest = random_u64(random);
  memcpy(next, &rest, count);
}

void random_floats(check_random *random, float *values, size_t count) {
  for (size_t i = 0; i < count; i++)
    values[i] = random_float(random);
}
