// SPDX-License-Identifier: Apache-2.0
// What Python is compared with: a session that C runs.
#define _POSIX_C_SOURCE 200809L
#include "resnet_runtime.h"
#include <time.h>

static uint64_t now(void) {
  struct timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return 1000000000u * (uint64_t)time.tv_sec + (uint64_t)time.tv_nsec;
}

// Runs an image `count` times and tells the nanoseconds of each run; returns the first status that
// is not 0.
int run_in_c(resnet_session *session, const uint8_t *image, size_t size, size_t count,
             uint64_t *nanoseconds) {
  for (size_t i = 0; i < count; i++) {
    const uint64_t start = now();
    const int status = resnet_session_run_rgb8(session, image, size, 0);
    if (status)
      return status;
    nanoseconds[i] = now() - start;
  }
  return 0;
}
