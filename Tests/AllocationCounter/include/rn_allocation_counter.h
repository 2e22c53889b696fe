// SPDX-License-Identifier: Apache-2.0
// Counts calls of malloc, calloc, realloc, posix_memalign, aligned_alloc and memalign in the whole
// program that links this, shared libraries included.
#ifndef RN_ALLOCATION_COUNTER_H
#define RN_ALLOCATION_COUNTER_H

#include <stdint.h>

/// Sets the count to 0 and starts counting, on all threads.
void rn_allocations_start(void);

/// Stops counting and returns the count.
uint64_t rn_allocations_stop(void);

/// Kills the process at any system call but futex, write and the exits, from now on and on all
/// threads. Returns 0, or -1 if the kernel has no such filters.
int rn_forbid_system_calls(void);

/// Ends the process. Not declared to end it: before a call that never returns, Swift destroys
/// what is no longer needed.
void rn_exit_at_once(int status);

#endif
