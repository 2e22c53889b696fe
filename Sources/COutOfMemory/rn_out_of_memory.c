// SPDX-License-Identifier: Apache-2.0
// A strong definition in the program comes before the C library's for every caller, also for those
// inside the Swift libraries.
#include "rn_out_of_memory.h"
#include <errno.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdio.h>
#include <unistd.h>

static const char *program; // null as long as callers are told instead

void rn_end_without_memory(const char *name) { program = name; }

#if defined(__GLIBC__) && !__has_feature(address_sanitizer) && !__has_feature(thread_sanitizer)
void *__libc_malloc(size_t size);
void *__libc_calloc(size_t count, size_t size);
void *__libc_realloc(void *memory, size_t size);
void *__libc_memalign(size_t alignment, size_t size);

// Returns the block, if it is there or nothing was asked for.
static void *checked(void *memory, size_t size) {
  if (memory || size == 0 || !program)
    return memory;
  // Threads that run out of memory together: one tells, and ends all.
  static atomic_flag is_told = ATOMIC_FLAG_INIT;
  while (atomic_flag_test_and_set(&is_told))
    pause();
  char line[256];
  const int count = snprintf(line, sizeof line, "%s: out of memory: %zu bytes are not to be had\n",
                             program, size);
  const ssize_t written = write(STDERR_FILENO, line, (size_t)count);
  (void)written;
  _exit(1);
}

void *malloc(size_t size) { return checked(__libc_malloc(size), size); }

void *calloc(size_t count, size_t size) {
  size_t bytes;
  if (__builtin_mul_overflow(count, size, &bytes))
    bytes = (size_t)-1;
  return checked(__libc_calloc(count, size), bytes);
}

void *realloc(void *memory, size_t size) { return checked(__libc_realloc(memory, size), size); }

void *memalign(size_t alignment, size_t size) {
  return checked(__libc_memalign(alignment, size), size);
}

void *aligned_alloc(size_t alignment, size_t size) {
  return checked(__libc_memalign(alignment, size), size);
}

int posix_memalign(void **memory, size_t alignment, size_t size) {
  if (alignment % sizeof(void *) != 0 || (alignment & (alignment - 1)) != 0 || alignment == 0)
    return EINVAL;
  void *block = checked(__libc_memalign(alignment, size), size);
  if (!block && size > 0)
    return ENOMEM;
  *memory = block;
  return 0;
}
#endif
