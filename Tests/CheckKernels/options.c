// SPDX-License-Identifier: Apache-2.0
#include "options.h"
#include "random.h"
#include "rn_kernels.h"
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char help[] =
    "Usage: CheckKernels [options]\n"
    "\n"
    "Checks every kernel of every instruction-set level of this CPU against the reference.\n"
    "\n"
    "  --seed N         what the random data depend on (default: another one in each run)\n"
    "  --function NAME  only kernels with NAME in their name\n"
    "  --isa NAME       only this level\n"
    "  --bench          time the kernels on the layers of ResNet18 and ResNet50 instead\n"
    "  --list           print which kernels there are at which level\n"
    "  --help           print this text\n"
    "\n"
    "Exits with 1 if a check failed, 2 on wrong usage.\n";

static _Noreturn void wrong(const char *what, const char *argument) {
  fprintf(stderr, "CheckKernels: %s%s; see --help\n", what, argument);
  exit(2);
}

static uint64_t parse_seed(const char *text) {
  char *end;
  errno = 0;
  const unsigned long long seed = strtoull(text, &end, 10);
  if (errno || end == text || *end || text[0] == '-')
    wrong("not a seed: ", text);
  return seed;
}

static void check_isa(const char *name) {
  rn_isa isa;
  if (rn_isa_from_name(name, &isa) != 0)
    wrong("no such level: ", name);
  if (isa > rn_isa_detect())
    wrong("this CPU lacks ", name);
}

check_options options_parse(int count, char **arguments) {
  check_options options = {.seed = random_seed()};
  for (int i = 1; i < count; i++) {
    const char *name = arguments[i];
    if (strcmp(name, "--bench") == 0) {
      options.bench = true;
    } else if (strcmp(name, "--list") == 0) {
      options.list = true;
    } else if (strcmp(name, "--help") == 0) {
      fputs(help, stdout);
      exit(0);
    } else if (strcmp(name, "--seed") == 0 && i + 1 < count) {
      options.seed = parse_seed(arguments[++i]);
    } else if (strcmp(name, "--function") == 0 && i + 1 < count) {
      options.function = arguments[++i];
    } else if (strcmp(name, "--isa") == 0 && i + 1 < count) {
      check_isa(options.isa = arguments[++i]);
    } else {
      wrong("unknown or incomplete option: ", name);
    }
  }
  return options;
}
