// SPDX-License-Identifier: Apache-2.0
#define _GNU_SOURCE
#include "rn_platform.h"
#include <malloc.h>

static int argument_count;
static char **arguments;

// glibc hands every constructor the arguments of main.
__attribute__((constructor)) static void keep_arguments(int argc, char **argv) {
  argument_count = argc;
  arguments = argv;
}

char **rn_arguments(void) { return arguments; }

int rn_argument_count(void) { return argument_count; }

void rn_map_large_blocks(int bytes) {
#ifdef M_MMAP_THRESHOLD
  mallopt(M_MMAP_THRESHOLD, bytes);
#else
  (void)bytes;
#endif
}

int64_t rn_monotonic_ns(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

static int is_visible(const struct dirent *entry) { return entry->d_name[0] != '.'; }

static int by_name(const struct dirent **a, const struct dirent **b) {
  return strcmp((*a)->d_name, (*b)->d_name);
}

int rn_list_directory(const char *path, struct dirent ***entries) {
  return scandir(path, entries, is_visible, by_name);
}

int rn_create_unique(char *name) {
  int descriptor = mkostemp(name, O_CLOEXEC);
  if (descriptor < 0)
    return -1;
  // mkostemp makes files private; the umask can only be read by setting it.
  mode_t mask = umask(077);
  umask(mask);
  if (fchmod(descriptor, 0666 & ~mask) != 0) {
    // vfat and the like have no permissions to set: the file is as open as its mount.
    if (errno == EPERM || errno == ENOTSUP)
      return descriptor;
    int code = errno;
    close(descriptor);
    unlink(name);
    errno = code;
    return -1;
  }
  return descriptor;
}
