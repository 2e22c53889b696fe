// SPDX-License-Identifier: Apache-2.0
// A fixed set of threads that run one task together and meet at barriers inside it.
#ifndef RN_POOL_H
#define RN_POOL_H

#include <stdint.h>

#define RN_POOL_MAX_THREADS 64

typedef struct rn_pool rn_pool;

// Called once on every thread; `thread` counts from 0, which is the thread that called rn_pool_run.
typedef void rn_task(void *context, uint32_t thread);

// Starts *threads - 1 threads, 2 <= *threads <= RN_POOL_MAX_THREADS; they sleep until there is
// work. `cpus` is null or the CPU of each thread; that of thread 0 is up to the caller. Where the
// system has no room for as many, the pool has those that it started: *threads is set to how many
// there are with the caller's, and *pool to null if that is the only one. Returns 0 or an errno.
// The only call here that allocates.
int rn_pool_create(rn_pool **pool, uint32_t *threads, const uint16_t *cpus);

// Runs a task on all threads and returns when the last has finished it. No system call but futex.
void rn_pool_run(rn_pool *pool, rn_task *task, void *context);

// Waits inside a task until every thread has come to the same barrier; what a thread wrote before
// is visible to all after. Spins for some microseconds, then sleeps.
void rn_pool_barrier(rn_pool *pool);

// Ends the threads and frees the pool.
void rn_pool_destroy(rn_pool *pool);

#endif
