// SPDX-License-Identifier: Apache-2.0
#include "buffers.h"
#include "rn_kernels.h"
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

enum { region_limit = 24, spare_limit = 4 << 20 };

// Pages before a fence, kept from case to case. Locking takes its time for each page, so one with
// more than spare_limit bytes too many makes way for another.
static struct region {
  uint8_t *start, *fence;
  bool is_input;
} regions[region_limit];
static unsigned used;
static bool locked;

static void fail(const char *call) {
  perror(call);
  exit(1);
}

static void unlock(void) {
  if (!locked)
    return;
  for (struct region *r = regions; r < regions + used; r++)
    if (r->is_input && mprotect(r->start, (size_t)(r->fence - r->start), PROT_READ | PROT_WRITE))
      fail("mprotect");
  locked = false;
}

void buffers_reset(void) {
  unlock();
  used = 0;
}

static struct region *next_region(size_t size) {
  if (used == region_limit) {
    fputs("too many buffers\n", stderr);
    exit(1);
  }
  struct region *r = &regions[used++];
  const size_t present = (size_t)(r->fence - r->start);
  if (r->start && present >= size && present - size <= spare_limit)
    return r;
  const size_t page = (size_t)sysconf(_SC_PAGESIZE);
  if (r->start)
    munmap(r->start, present + page);
  const size_t pages = (size + page - 1) / page * page;
  r->start = mmap(0, pages + page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (r->start == MAP_FAILED)
    fail("mmap");
  r->fence = r->start + pages;
  if (mprotect(r->fence, page, PROT_NONE))
    fail("mprotect");
  return r;
}

void *buffer_input(size_t size) {
  struct region *r = next_region(size + RN_OVERREAD);
  r->is_input = true;
  return r->fence - RN_OVERREAD - size;
}

void *buffer_random(check_random *random, size_t count, size_t element) {
  void *values = buffer_input(count * element);
  if (element == 1)
    random_bytes(random, values, count);
  else
    random_floats(random, values, count);
  return values;
}

void *buffer_output(size_t size) {
  struct region *r = next_region(size);
  r->is_input = false;
  return memset(r->fence - size, buffer_poison, size);
}

void buffers_lock(uint8_t tail) {
  unlock();
  for (struct region *r = regions; r < regions + used; r++) {
    if (!r->is_input)
      continue;
    memset(r->fence - RN_OVERREAD, tail, RN_OVERREAD);
    if (mprotect(r->start, (size_t)(r->fence - r->start), PROT_READ))
      fail("mprotect");
  }
  locked = true;
}
