// SPDX-License-Identifier: Apache-2.0
// The CPUs that this process may use.
#ifndef RN_CPUS_H
#define RN_CPUS_H

#include <stdbool.h>
#include <stdint.h>

// How many CPUs this process may run on, at least 1.
uint32_t rn_cpu_count(void);

// Whether this process may run on a CPU, also if the calling thread is bound to others now.
bool rn_cpu_is_allowed(uint32_t cpu);

// Binds the calling thread to one CPU. Returns 0 or an errno.
int rn_cpu_bind(uint32_t cpu);

// How many threads are worth starting, at least 1: the cores among the allowed CPUs that are at
// least three quarters as fast as the fastest, each counted once however many hardware threads it
// has, and no more than the CPU time that the control groups grant.
//
// A core's speed is its cpu_capacity or else its cpuinfo_max_freq; where Linux gives neither, all
// are alike. `root` stands before /sys and /proc: "" but in tests.
uint32_t rn_fast_core_count(const char *root);

#endif
