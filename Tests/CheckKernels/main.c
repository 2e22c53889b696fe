// SPDX-License-Identifier: Apache-2.0
// Checks every slot of rn_kernels at every level of this CPU against the reference.
#include "options.h"
#include "slots.h"
#include <stdio.h>
#include <string.h>

// The levels are numbered in ascending order; a number without a level has no name.
static bool is_level(rn_isa isa) {
  rn_isa found;
  return rn_isa_from_name(rn_isa_name(isa), &found) == 0 && found == isa;
}

static bool is_slot_part(const char *text) {
  for (unsigned i = 0; i < check_slot_count; i++)
    if (strstr(check_slots[i].name, text))
      return true;
  return false;
}

// Whether a level has a kernel of its own in this slot. If not, the level below has been checked.
static bool is_new(const check_slot *slot, const rn_kernels *kernels, const rn_kernels *below) {
  return memcmp((const char *)kernels + slot->offset, (const char *)below + slot->offset,
                sizeof(void (*)(void))) != 0;
}

static void check(const check_options *options, const check_slot *slot, const char *isa,
                  const rn_kernels *kernels, unsigned *passed, unsigned *failed) {
  check_run run = {.function = slot->name, .isa = isa, .kernels = kernels, .seed = options->seed};
  slot->check(&run);
  printf("%-21s %-11s %5u passed, %u failed\n", slot->name, isa, run.passed, run.failed);
  fflush(stdout);
  *passed += run.passed;
  *failed += run.failed;
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
  rn_kernels below = {0};
  for (int level = RN_ISA_REF; level <= (int)rn_isa_detect(); level++) {
    if (!is_level((rn_isa)level))
      continue;
    const char *isa = rn_isa_name((rn_isa)level);
    rn_kernels kernels;
    rn_kernels_init(&kernels, (rn_isa)level);
    if (!options.isa || strcmp(options.isa, isa) == 0) {
      bench_run bench = {.isa = isa, .kernels = &kernels};
      if (options.bench)
        bench_measure_peaks(&bench);
      for (const check_slot *slot = check_slots; slot < check_slots + check_slot_count; slot++) {
        if ((options.function && !strstr(slot->name, options.function)) ||
            !is_new(slot, &kernels, &below))
          continue;
        bench.function = slot->name;
        if (options.list)
          printf("%-21s %s\n", slot->name, isa);
        else if (options.bench)
          slot->bench(&bench);
        else
          check(&options, slot, isa, &kernels, &passed, &failed);
      }
    }
    below = kernels;
  }
  if (options.bench || options.list)
    return 0;
  printf("%u passed, %u failed\n", passed, failed);
  return failed > 0;
}
