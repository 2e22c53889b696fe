// SPDX-License-Identifier: Apache-2.0
// One slot at one level: its cases, what was found, and the signals that it may raise.
#ifndef CHECK_RUN_H
#define CHECK_RUN_H

#include "random.h"
#include "rn_kernels.h"
#include <setjmp.h>
#include <stdbool.h>

typedef struct check_run {
  const char *function, *isa; // a slot and a level
  size_t element;             // of the slot
  const rn_kernels *kernels;  // what is checked, and its level's
  const rn_kernels *reference;
  uint64_t seed;
  unsigned passed, failed;
  // Of the present case.
  unsigned index;
  bool has_failed;
  check_random random; // depends on seed, function and index only
  char shape[200];
} check_run;

// Starts a case: frees the buffers and seeds `random`.
void check_begin(check_run *run);

// Says what the case is, for the report.
__attribute__((format(printf, 2, 3))) void check_describe(check_run *run, const char *format, ...);

// Reports a failure of the case.
__attribute__((format(printf, 2, 3))) void check_fail(check_run *run, const char *format, ...);

// Counts the case.
void check_end(check_run *run);

// Makes SIGSEGV, SIGILL, SIGBUS and SIGFPE return into CHECK_CALL. Once, at the start.
void check_catch_signals(void);

// Runs `call`; a signal is a failure of the case, and the program goes on. `tail` is what lies in
// the bytes that may be over-read: it differs between the reference and the kernel.
#define CHECK_CALL(run, tail, call)                                                                \
  do {                                                                                             \
    if (sigsetjmp(check_trap, 1) == 0) {                                                           \
      check_arm(tail);                                                                             \
      call;                                                                                        \
      check_disarm();                                                                              \
    } else {                                                                                       \
      check_report_signal(run, #call);                                                             \
    }                                                                                              \
  } while (0)
#define CHECK_REFERENCE(run, call) CHECK_CALL(run, 0x00, call)
#define CHECK_KERNEL(run, call) CHECK_CALL(run, 0xff, call)

extern sigjmp_buf check_trap;
void check_arm(uint8_t tail);
void check_disarm(void);
void check_report_signal(check_run *run, const char *call);

#endif
