// SPDX-License-Identifier: Apache-2.0
// Runs a plan as C does, for comparison with Python: loop PLAN answers each line on standard input
// with the median time of so many runs, in nanoseconds.
#define _POSIX_C_SOURCE 200809L
#include "resnet_runtime.h"
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

static int compare(const void *a, const void *b) {
  double x = *(const double *)a, y = *(const double *)b;
  return (x > y) - (x < y);
}

static double now(void) {
  struct timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return 1e9 * (double)time.tv_sec + (double)time.tv_nsec;
}

int main(int argc, char **argv) {
  resnet_plan *plan;
  resnet_session *session;
  resnet_plan_info info = {.size = sizeof info};
  resnet_options options = RESNET_OPTIONS_INIT;
  options.threads = 1;
  if (argc != 2 || resnet_plan_open(argv[1], RESNET_MAP, &plan) ||
      resnet_plan_get_info(plan, &info) || resnet_session_create(plan, &options, &session)) {
    fprintf(stderr, "loop: %s\n", resnet_error_text());
    return 1;
  }
  size_t size = (size_t)info.input_height * info.input_width * 3;
  uint8_t *image = calloc(size, 1);
  static double times[1000];
  int count;
  while (image && scanf("%d", &count) == 1 && count > 0 && count <= 1000) {
    for (int i = 0; i < count; i++) {
      double start = now();
      if (resnet_session_run_rgb8(session, image, size, 0))
        return 1;
      times[i] = now() - start;
    }
    qsort(times, (size_t)count, sizeof *times, compare);
    printf("%.0f\n", times[count / 2]);
    fflush(stdout);
  }
  return 0;
}
