// SPDX-License-Identifier: Apache-2.0
#define _GNU_SOURCE
#include "rn_output.h"
#include "rn_platform.h"
#include <stdatomic.h>

static char message[160];
static size_t message_size;
static atomic_flag is_ending = ATOMIC_FLAG_INIT;

static void on_lost_page(int number, siginfo_t *info, void *context) {
  (void)context;
  // Of another kind: the access is tried again after this and ends the process as it would have.
  if (info->si_code != BUS_ADRERR) {
    signal(number, SIG_DFL);
    return;
  }
  // Several threads may come here at once. The first one ends them all.
  while (atomic_flag_test_and_set(&is_ending))
    pause();
  rn_output_remove_temporary();
  // A line that cannot be written changes nothing.
  const ssize_t written = write(STDERR_FILENO, message, message_size);
  (void)written;
  _exit(1);
}

void rn_end_on_lost_pages(const char *tool) {
  const int size = snprintf(message, sizeof message,
                            "%s: a file in use became shorter or cannot be read any more; "
                            "replace files by renaming\n",
                            tool);
  message_size = (size_t)size < sizeof message ? (size_t)size : sizeof message - 1;
  const struct sigaction action = {.sa_sigaction = on_lost_page, .sa_flags = SA_SIGINFO};
  sigaction(SIGBUS, &action, 0);
}
