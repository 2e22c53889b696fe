// SPDX-License-Identifier: Apache-2.0
#define _GNU_SOURCE
#include "rn_platform.h"
#include "rn_output.h"
#include <limits.h>
#include <malloc.h>
#include <poll.h>

static int argument_count;
static char **arguments;

// glibc hands every constructor the arguments of main; musl does not, and then the environment does
// not follow what seems to be them.
__attribute__((constructor)) static void keep_arguments(int count, char **words) {
  if (count > 0 && words + count + 1 == environ) {
    argument_count = count;
    arguments = words;
  }
}

int rn_split_words(const char *text, size_t size, char ***out) {
  int count = 0;
  for (size_t i = 0; i < size; i++)
    count += text[i] == 0;
  char **words = malloc(sizeof(char *) * ((size_t)count + 1) + size);
  if (!words)
    return 0;
  char *copy = memcpy(words + count + 1, text, size);
  for (int i = 0; i < count; i++, copy += strlen(copy) + 1)
    words[i] = copy;
  words[count] = 0;
  *out = words;
  return count;
}

// What the kernel keeps of the command line: words, each ended by a zero byte.
static void read_arguments(void) {
  size_t size = 0;
  char *text = 0;
  struct stat status;
  const int file = rn_open_read("/proc/self/cmdline", &status);
  if (file >= 0 && rn_read_all(file, 1 << 24, (void **)&text, &size) == 0) {
    argument_count = rn_split_words(text, size, &arguments);
    munmap(text, size);
  }
  if (file >= 0)
    close(file);
  if (!arguments) {
    static char *none[1];
    arguments = none;
  }
}

char **rn_arguments(void) {
  if (!arguments)
    read_arguments();
  return arguments;
}

int rn_argument_count(void) {
  rn_arguments();
  return argument_count;
}

void rn_begin_tool(const char *tool) {
  // In ascending order: open takes the lowest that is free.
  for (int descriptor = 0; descriptor <= 2; descriptor++)
    if (fcntl(descriptor, F_GETFD) < 0)
      open("/", O_PATH);
  signal(SIGXFSZ, SIG_IGN);
  rn_output_remove_at_signals();
  rn_end_on_lost_pages(tool);
}

int rn_flush_output(void) {
  errno = EIO;
  return fflush(stdout) != 0 || ferror(stdout) ? errno : 0;
}

// The descriptor of what has one of two kinds, else -1.
static int check_kind(int descriptor, mode_t kind, mode_t other, struct stat *status) {
  int code = descriptor < 0 || fstat(descriptor, status) != 0 ? errno : 0;
  const mode_t found = code ? 0 : status->st_mode & S_IFMT;
  if (code == 0 && (found == kind || found == other))
    return descriptor;
  if (descriptor >= 0)
    close(descriptor);
  errno = code ? code : ENXIO; // as for sockets, which cannot be opened
  return -1;
}

int rn_open_read(const char *path, struct stat *status) {
  return check_kind(open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK), S_IFREG, S_IFREG, status);
}

static void on_alarm(int number) { (void)number; }

int rn_open_input(const char *path, unsigned seconds, struct stat *status) {
  if (rn_is_standard_input(path)) {
    const int descriptor = fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, 3);
    return descriptor >= 0 && fstat(descriptor, status) != 0 ? -1 : descriptor;
  }
  if (stat(path, status) != 0)
    return -1;
  if (!S_ISFIFO(status->st_mode))
    return rn_open_read(path, status);
  // Opening waits for a writer. Without SA_RESTART the alarm ends that, also if who started this
  // process had blocked it.
  const struct sigaction action = {.sa_handler = on_alarm};
  struct sigaction old_action;
  sigset_t alarms, old_mask;
  sigemptyset(&alarms);
  sigaddset(&alarms, SIGALRM);
  sigaction(SIGALRM, &action, &old_action);
  sigprocmask(SIG_UNBLOCK, &alarms, &old_mask);
  alarm(seconds);
  const int descriptor = open(path, O_RDONLY | O_CLOEXEC);
  const int code = errno;
  alarm(0);
  sigprocmask(SIG_SETMASK, &old_mask, 0);
  sigaction(SIGALRM, &old_action, 0);
  errno = descriptor < 0 && code == EINTR ? ETIMEDOUT : code;
  return check_kind(descriptor, S_IFIFO, S_IFREG, status);
}

int rn_read_all(int descriptor, size_t limit, void **bytes, size_t *count) {
  size_t room = 1 << 16, filled = 0;
  uint8_t *memory = mmap(0, room, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  int code = memory == MAP_FAILED ? errno : 0;
  while (code == 0) {
    const ssize_t part = read(descriptor, memory + filled, room - filled);
    if (part == 0)
      break;
    filled += part > 0 ? (size_t)part : 0;
    if (part < 0) {
      struct pollfd file = {.fd = descriptor, .events = POLLIN};
      if (errno == EAGAIN)
        poll(&file, 1, -1);
      code = errno == EAGAIN || errno == EINTR ? 0 : errno;
    } else if (filled > limit) {
      code = EFBIG;
    } else if (filled == room) {
      void *larger = mremap(memory, room, 2 * room, MREMAP_MAYMOVE);
      code = larger == MAP_FAILED ? ENOMEM : 0;
      memory = code ? memory : larger;
      room *= code ? 1 : 2;
    }
  }
  if (memory == MAP_FAILED)
    return code;
  if (code || filled == 0) {
    munmap(memory, room);
    return code ? code : ENODATA;
  }
  // Whole pages, so that unmapping `count` bytes frees all of them.
  const size_t page = (size_t)sysconf(_SC_PAGESIZE), used = (filled + page - 1) / page * page;
  if (used < room)
    munmap(memory + used, room - used);
  *bytes = memory;
  *count = filled;
  return 0;
}

void rn_map_large_blocks(int bytes) {
#ifdef M_MMAP_THRESHOLD
  mallopt(M_MMAP_THRESHOLD, bytes);
#else
  (void)bytes;
#endif
}

void rn_allow_huge_pages(void *start, size_t count) {
  const uintptr_t block = 2 << 20, end = (uintptr_t)start + count;
  const uintptr_t first = ((uintptr_t)start + block - 1) / block * block;
  if (end / block * block > first)
    madvise((void *)first, end / block * block - first, MADV_HUGEPAGE);
}

void rn_give_back(void *start, size_t count) {
  const uintptr_t page = (uintptr_t)sysconf(_SC_PAGESIZE), end = (uintptr_t)start + count;
  const uintptr_t first = ((uintptr_t)start + page - 1) / page * page;
  if (end / page * page > first)
    madvise((void *)first, end / page * page - first, MADV_DONTNEED);
}

static int64_t nanoseconds(clockid_t clock) {
  struct timespec now;
  clock_gettime(clock, &now);
  return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

int64_t rn_monotonic_ns(void) { return nanoseconds(CLOCK_MONOTONIC); }

int64_t rn_thread_ns(void) { return nanoseconds(CLOCK_THREAD_CPUTIME_ID); }

static int is_visible(const struct dirent *entry) { return entry->d_name[0] != '.'; }

static int by_name(const struct dirent **a, const struct dirent **b) {
  return strcmp((*a)->d_name, (*b)->d_name);
}

static int make_folder(const char *path) {
  struct stat status;
  if (mkdir(path, 0777) == 0)
    return 0;
  const int code = errno;
  return code == EEXIST && stat(path, &status) == 0 && S_ISDIR(status.st_mode) ? 0 : code;
}

int rn_make_folder(const char *path) {
  char parent[PATH_MAX];
  int code = make_folder(path);
  const char *end = strrchr(path, '/');
  if (code != ENOENT || !end || end == path || end - path >= PATH_MAX)
    return code;
  memcpy(parent, path, (size_t)(end - path));
  parent[end - path] = 0;
  code = make_folder(parent);
  return code ? code : make_folder(path);
}

int rn_list_directory(const char *path, struct dirent ***entries) {
  return scandir(path, entries, is_visible, by_name);
}
