// SPDX-License-Identifier: Apache-2.0
// Counts the heap allocations of runs through the C library: check-allocations PLAN prints them for
// 1 and 2 threads, then those of opening a session. With a second word it runs under a filter that
// kills the process at any system call but futex, and then makes one if the word is "control".
#include "resnet_runtime.h"
#include "rn_allocation_counter.h"
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { SIDE = 224 };
static unsigned char pixels[3 * SIDE * SIDE];

// Runs in every way that does not allocate; returns how many calls failed.
static int run(resnet_session *session) {
  resnet_frame frame = RESNET_FRAME_INIT;
  frame.format = "nv12";
  frame.width = frame.height = SIDE;
  frame.data = pixels;
  frame.data_size = sizeof pixels;
  int failures = 0;
  for (int i = 0; i < 10; i++) {
    const float *values;
    size_t count, best[5];
    float probabilities[5];
    failures += resnet_session_run_rgb8(session, pixels, sizeof pixels, 0) != RESNET_OK;
    failures += resnet_session_run_frame(session, &frame) != RESNET_OK;
    failures += resnet_session_get_output(session, "probabilities", &values, &count) != RESNET_OK;
    failures += resnet_session_get_top(session, 5, best, probabilities, &count) != RESNET_OK;
  }
  return failures;
}

int main(int argc, char **argv) {
  resnet_plan *plan;
  resnet_options options = RESNET_OPTIONS_INIT;
  if (argc < 2 || resnet_plan_open(argv[1], RESNET_MAP, &plan) != RESNET_OK)
    return 2;
  for (options.threads = 1; options.threads <= 2; options.threads++) {
    resnet_session *session = NULL;
    rn_allocations_start();
    if (resnet_session_create(plan, &options, &session) != RESNET_OK)
      return 2;
    unsigned created = (unsigned)rn_allocations_stop();
    // The first frame of its size allocates.
    if (run(session) != 0)
      return 2;
    rn_allocations_start();
    int failures = run(session);
    unsigned allocations = (unsigned)rn_allocations_stop();
    if (argc > 2 && options.threads == 2) {
      if (rn_forbid_system_calls() != 0)
        return 77;
      failures += run(session);
      if (strcmp(argv[2], "control") == 0)
        getppid();
      rn_exit_at_once(failures != 0);
    }
    printf("%u threads: %d failures, %u allocations; %s when it was created\n", options.threads,
           failures, allocations, created > 0 ? "some" : "none");
    resnet_session_destroy(session);
  }
  resnet_plan_close(plan);
  return 0;
}
