// SPDX-License-Identifier: Apache-2.0
#include "run.h"
#include "buffers.h"
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

// A broken kernel fails hundreds of cases; these many are told of.
enum { reports_limit = 5 };

sigjmp_buf check_trap;
static volatile sig_atomic_t is_armed, last_signal;

static uint64_t hash(const char *text) {
  uint64_t h = 14695981039346656037u;
  for (; *text; text++)
    h = (h ^ (uint8_t)*text) * 1099511628211u;
  return h;
}

void check_begin(check_run *run) {
  run->random.state = run->seed ^ hash(run->function) ^ (uint64_t)run->index << 40;
  random_u64(&run->random);
  run->has_failed = false;
  run->shape[0] = 0;
  buffers_reset();
}

void check_describe(check_run *run, const char *format, ...) {
  va_list values;
  va_start(values, format);
  vsnprintf(run->shape, sizeof run->shape, format, values);
  va_end(values);
}

void check_fail(check_run *run, const char *format, ...) {
  const bool is_first = !run->has_failed;
  run->has_failed = true;
  if (run->failed >= reports_limit)
    return;
  if (is_first)
    printf("FAIL %s %s: case %u: %s\n  repeat: CheckKernels --seed %llu --function %s --isa %s\n",
           run->function, run->isa, run->index, run->shape, (unsigned long long)run->seed,
           run->function, run->isa);
  va_list values;
  va_start(values, format);
  fputs("  ", stdout);
  vprintf(format, values);
  putchar('\n');
  va_end(values);
  fflush(stdout);
}

void check_end(check_run *run) {
  run->index++;
  if (!run->has_failed)
    run->passed++;
  else if (++run->failed == reports_limit)
    printf("  (more failures of %s %s are only counted)\n", run->function, run->isa);
}

static void on_signal(int number) {
  if (!is_armed) {
    // The harness itself is at fault: die of it.
    signal(number, SIG_DFL);
    raise(number);
    return;
  }
  is_armed = 0;
  last_signal = number;
  siglongjmp(check_trap, 1);
}

void check_catch_signals(void) {
  static const int numbers[] = {SIGSEGV, SIGILL, SIGBUS, SIGFPE};
  struct sigaction action = {.sa_handler = on_signal};
  for (unsigned i = 0; i < sizeof numbers / sizeof numbers[0]; i++)
    sigaction(numbers[i], &action, 0);
}

void check_arm(uint8_t tail) {
  buffers_lock(tail);
  is_armed = 1;
}

void check_disarm(void) { is_armed = 0; }

void check_report_signal(check_run *run, const char *call) {
  check_fail(run, "%s in %s", strsignal(last_signal), call);
}
