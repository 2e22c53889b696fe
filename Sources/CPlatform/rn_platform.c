// SPDX-License-Identifier: Apache-2.0
#include "rn_platform.h"

static int argument_count;
static char **arguments;

// glibc hands every constructor the arguments of main.
__attribute__((constructor)) static void keep_arguments(int argc, char **argv) {
  argument_count = argc;
  arguments = argv;
}

char **rn_arguments(void) { return arguments; }

int rn_argument_count(void) { return argument_count; }

int64_t rn_monotonic_ns(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}
