// SPDX-License-Identifier: Apache-2.0
// Checks every kernel in the lists that this CPU has against the reference.
#include "slots.h"
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

typedef struct check_options {
  uint64_t seed;
  const char *function; // part of a slot's name, or null for all
  const char *isa;      // a level's name, or null for all
  bool bench, list;
} check_options;

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

// Ends the program on --help or if the command line is wrong.
static check_options options_parse(int count, char **arguments) {
  check_options options = {0};
  uint32_t seed;
  if (getentropy(&seed, sizeof seed) == 0)
    options.seed = seed;
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

static bool is_slot_part(const char *text) {
  for (unsigned i = 0; i < check_slot_count; i++)
    if (strstr(check_slots[i].name, text))
      return true;
  return false;
}

// Whether this CPU has a kernel and the options ask for it.
static bool is_wanted(const check_options *options, const check_slot *slot,
                      const rn_kernel *kernel) {
  return slot->offset == kernel->offset && kernel->isa <= rn_isa_detect() &&
         (!kernel->is_supported || kernel->is_supported()) &&
         (!options->isa || strcmp(options->isa, rn_isa_name(kernel->isa)) == 0);
}

// The table of a kernel's level, with this kernel in it even if the level prefers another one.
static rn_kernels table_of(const rn_kernel *kernel) {
  rn_kernels table;
  rn_kernels_init(&table, kernel->isa);
  memcpy((char *)&table + kernel->offset, &kernel->function, sizeof kernel->function);
  return table;
}

static void check(const check_options *options, const check_slot *slot, const rn_kernel *kernel,
                  unsigned *passed, unsigned *failed) {
  rn_kernels reference;
  rn_kernels_init(&reference, RN_ISA_REF);
  const rn_kernels table = table_of(kernel);
  check_run run = {.function = slot->name,
                   .isa = rn_isa_name(kernel->isa),
                   .element = slot->element,
                   .kernels = &table,
                   .reference = &reference,
                   .seed = options->seed};
  slot->check(&run);
  printf("%-32s %-11s %5u passed, %u failed\n", kernel->name, run.isa, run.passed, run.failed);
  fflush(stdout);
  *passed += run.passed;
  *failed += run.failed;
}

static void bench(const check_slot *slot, const rn_kernel *kernel) {
  static bench_run run; // with the peaks of the present level
  const rn_kernels table = table_of(kernel);
  run.kernels = &table;
  run.function = slot->name;
  run.element = slot->element;
  if (run.isa != rn_isa_name(kernel->isa)) {
    run.isa = rn_isa_name(kernel->isa);
    bench_measure_peaks(&run);
  }
  slot->bench(&run);
}

int main(int count, char **arguments) {
  const check_options options = options_parse(count, arguments);
  if (options.function && !is_slot_part(options.function)) {
    fprintf(stderr, "CheckKernels: no kernel has %s in its name; see --list\n", options.function);
    return 2;
  }
  if (options.bench) {
    bench_head();
  } else if (!options.list) {
    printf("seed %llu\n", (unsigned long long)options.seed);
    check_catch_signals();
  }
  fflush(stdout);

  unsigned passed = 0, failed = 0;
  size_t kernel_count;
  const rn_kernel *kernels = rn_kernel_list(&kernel_count);
  for (const check_slot *slot = check_slots; slot < check_slots + check_slot_count; slot++) {
    if (options.function && !strstr(slot->name, options.function))
      continue;
    bool is_any = false;
    for (const rn_kernel *kernel = kernels; kernel < kernels + kernel_count; kernel++) {
      if (!is_wanted(&options, slot, kernel))
        continue;
      is_any = true;
      if (options.list)
        printf("%-32s %s\n", kernel->name, rn_isa_name(kernel->isa));
      else if (options.bench)
        bench(slot, kernel);
      else
        check(&options, slot, kernel, &passed, &failed);
    }
    if (!is_any && !options.bench)
      printf("%-32s not on this level\n", slot->name);
  }
  if (options.bench || options.list)
    return 0;
  printf("%u passed, %u failed\n", passed, failed);
  return failed > 0;
}
