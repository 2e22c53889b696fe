// SPDX-License-Identifier: Apache-2.0
#define _GNU_SOURCE
#include "rn_pool.h"
#include "rn_cpus.h"
#include <errno.h>
#include <linux/futex.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <unistd.h>

// A word that threads wait on until it changes. Sleepers are counted so that a change wakes nobody
// through the kernel while all are still spinning.
typedef struct rn_event {
  _Alignas(64) atomic_uint value;
  atomic_uint sleepers;
} rn_event;

struct rn_pool {
  rn_event job;     // counts tasks
  rn_event barrier; // counts barriers passed
  _Alignas(64) atomic_uint arrived;
  uint32_t threads;
  uint32_t spins;
  rn_task *task; // null ends the threads
  void *context;
  struct rn_worker {
    rn_pool *pool;
    pthread_t handle;
    uint32_t index;
  } workers[RN_POOL_MAX_THREADS];
};

static inline void spin_hint(void) {
#if defined(__x86_64__)
  __builtin_ia32_pause();
#elif defined(__aarch64__)
  __asm__ volatile("isb");
#endif
}

static void event_wait(rn_event *event, unsigned old, uint32_t spins) {
  for (uint32_t i = 0; i < spins; i++) {
    if (atomic_load_explicit(&event->value, memory_order_acquire) != old)
      return;
    spin_hint();
  }
  // Sequentially consistent on both sides: either this thread sees the new value or the one that
  // changes it sees the sleeper.
  atomic_fetch_add(&event->sleepers, 1);
  while (atomic_load(&event->value) == old)
    syscall(SYS_futex, &event->value, FUTEX_WAIT_PRIVATE, old, 0, 0, 0);
  atomic_fetch_sub(&event->sleepers, 1);
}

static void event_advance(rn_event *event) {
  atomic_fetch_add(&event->value, 1);
  if (atomic_load(&event->sleepers) > 0)
    syscall(SYS_futex, &event->value, FUTEX_WAKE_PRIVATE, RN_POOL_MAX_THREADS, 0, 0, 0);
}

void rn_pool_barrier(rn_pool *pool) {
  const unsigned passed = atomic_load_explicit(&pool->barrier.value, memory_order_relaxed);
  if (atomic_fetch_add(&pool->arrived, 1) + 1 < pool->threads) {
    event_wait(&pool->barrier, passed, pool->spins);
  } else {
    atomic_store(&pool->arrived, 0);
    event_advance(&pool->barrier);
  }
}

static void *work(void *argument) {
  const struct rn_worker *worker = argument;
  rn_pool *pool = worker->pool;
  for (unsigned jobs = 0;; jobs++) {
    event_wait(&pool->job, jobs, pool->spins);
    if (!pool->task)
      return 0;
    pool->task(pool->context, worker->index);
    rn_pool_barrier(pool);
  }
}

void rn_pool_run(rn_pool *pool, rn_task *task, void *context) {
  pool->task = task;
  pool->context = context;
  event_advance(&pool->job);
  task(context, 0);
  rn_pool_barrier(pool);
}

static int start(struct rn_worker *worker, const uint16_t *cpu) {
  pthread_attr_t attributes;
  pthread_attr_init(&attributes);
  pthread_attr_setstacksize(&attributes, 256 * 1024);
  int error = 0;
  if (cpu) {
    cpu_set_t one;
    CPU_ZERO(&one);
    CPU_SET(*cpu, &one);
    error = pthread_attr_setaffinity_np(&attributes, sizeof one, &one);
  }
  // Signals are for the threads of the program that uses the pool, but for that of a page of a file
  // that is there no more: where it is blocked, no handler sees it.
  sigset_t all, before;
  sigfillset(&all);
  sigdelset(&all, SIGBUS);
  pthread_sigmask(SIG_SETMASK, &all, &before);
  if (!error)
    error = pthread_create(&worker->handle, &attributes, work, worker);
  pthread_sigmask(SIG_SETMASK, &before, 0);
  pthread_attr_destroy(&attributes);
  return error;
}

// Whether the system has no room for one more thread now, as limits on processes or on memory say.
static bool is_shortage(int error) { return error == EAGAIN || error == ENOMEM; }

int rn_pool_create(rn_pool **out, uint32_t *threads, const uint16_t *cpus) {
  if (*threads < 2 || *threads > RN_POOL_MAX_THREADS)
    return EINVAL;
  rn_pool *pool = aligned_alloc(64, sizeof *pool);
  if (!pool)
    return ENOMEM;
  atomic_init(&pool->job.value, 0);
  atomic_init(&pool->job.sleepers, 0);
  atomic_init(&pool->barrier.value, 0);
  atomic_init(&pool->barrier.sleepers, 0);
  atomic_init(&pool->arrived, 0);
  // A thread that spins while another waits for its CPU only delays it.
  pool->spins = cpus || *threads <= rn_cpu_count() ? 1000 : 0;
  int error = 0;
  for (pool->threads = 1; pool->threads < *threads; pool->threads++) {
    const uint32_t i = pool->threads;
    pool->workers[i] = (struct rn_worker){.pool = pool, .index = i};
    error = start(&pool->workers[i], cpus ? &cpus[i] : 0);
    if (error)
      break;
  }
  const bool is_usable = !error || is_shortage(error);
  *threads = pool->threads;
  *out = pool;
  if (is_usable && pool->threads > 1)
    return 0;
  *out = 0;
  rn_pool_destroy(pool);
  return is_usable ? 0 : error;
}

void rn_pool_destroy(rn_pool *pool) {
  pool->task = 0;
  event_advance(&pool->job);
  for (uint32_t i = 1; i < pool->threads; i++)
    pthread_join(pool->workers[i].handle, 0);
  free(pool);
}
