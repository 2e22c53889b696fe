// SPDX-License-Identifier: Apache-2.0
// Checks every kernel in the lists that this CPU has against the reference.
#include "options.h"
#include "slots.h"
#include <stdio.h>
#include <string.h>

static bool is_slot_part(const char *text) {
  for (unsigned i = 0; i < check_slot_count; i++)
    if (strstr(check_slots[i].name, text))
      return true;
  return false;
}

// Whether this CPU has a kernel and the options ask for it.
static bool is_wanted(const check_options *options, const check_slot *slot,
                      const rn_kernel *kernel) {
  return strcmp(slot->name, kernel->slot) == 0 && kernel->isa <= rn_isa_detect() &&
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
