// SPDX-License-Identifier: Apache-2.0
#ifndef CHECK_OPTIONS_H
#define CHECK_OPTIONS_H

#include <stdbool.h>
#include <stdint.h>

typedef struct check_options {
  uint64_t seed;
  const char *function; // part of a slot's name, or null for all
  const char *isa;      // a level's name, or null for all
  bool bench, list;
} check_options;

// Reads the command line; ends the program on --help or if it is wrong.
check_options options_parse(int count, char **arguments);

#endif
