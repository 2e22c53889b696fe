// SPDX-License-Identifier: Apache-2.0
// A file without a name (O_TMPFILE) is gone with its process, however that ends, so it gets its
// name when it is complete. Not every file system has such files: there a file has a temporary
// name, which in tools a handler of signals removes.
#define _GNU_SOURCE
#include "rn_output.h"
#include "rn_platform.h"
#include <limits.h>
#include <linux/fs.h>
#include <linux/magic.h>
#include <stdatomic.h>
#include <sys/syscall.h>
#include <sys/vfs.h>

enum { slots = 64, is_free = 0, is_taken = 1, is_named = 2 };

// The handler reads a slot that is named; until then, its owner writes it.
typedef struct {
  _Atomic int state;
  int folder;
  char name[20];
} slot;

static slot temporaries[slots];
static atomic_bool handles_signals;

struct rn_output {
  int folder, file;
  FILE *stream;
  slot *temporary; // null without a temporary name
  char name[256];
};

// Opens a folder; one that must not be listed only to find names in it.
static int open_folder(int at, const char *path) {
  const int folder = openat(at, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  return folder < 0 && errno == EACCES ? openat(at, path, O_PATH | O_DIRECTORY | O_CLOEXEC)
                                       : folder;
}

// Opens the folder of the file that `path` leads to, through up to 40 symbolic links as the system
// takes, and copies the file's name there. Returns -1 and sets `errno`.
static int open_place(const char *path, char name[256]) {
  char text[PATH_MAX] = "";
  int folder = AT_FDCWD, code = 0;
  ssize_t length = (ssize_t)strlen(path);
  if (length == 0 || length >= PATH_MAX)
    code = length == 0 ? ENOENT : ENAMETOOLONG;
  else
    memcpy(text, path, (size_t)length);
  for (int links = 0; code == 0; links++) {
    char *last = strrchr(text, '/');
    last = last ? last + 1 : text;
    code = links > 40 ? ELOOP : strlen(last) >= 256 ? ENAMETOOLONG : 0;
    if (code)
      break;
    strcpy(name, last);
    *last = 0;
    const int next = open_folder(folder, *text ? text : ".");
    code = next < 0 ? errno : 0;
    if (folder >= 0)
      close(folder);
    folder = next;
    length = code ? -1 : readlinkat(folder, name, text, sizeof text - 1);
    if (length < 0)
      break; // no link, or nothing of that name yet
    text[length] = 0;
    // What links of /proc show is no path: /dev/stdout leads to one.
    struct statfs system;
    if (fstatfs(folder, &system) == 0 && system.f_type == PROC_SUPER_MAGIC)
      code = ENXIO;
  }
  if (code == 0)
    return folder;
  if (folder >= 0)
    close(folder);
  errno = code;
  return -1;
}

int rn_identify(const char *path, rn_identity *identity) {
  struct stat status;
  *identity = (rn_identity){0};
  if (stat(path, &status) != 0) {
    const int folder = errno == ENOENT ? open_place(path, identity->name) : -1;
    if (folder < 0)
      return -1;
    const int code = fstat(folder, &status);
    close(folder);
    if (code != 0)
      return -1;
  }
  identity->device = status.st_dev;
  identity->inode = status.st_ino;
  return 0;
}

int rn_is_same_file(const rn_identity *a, const rn_identity *b) {
  return a->inode != 0 && a->inode == b->inode && a->device == b->device &&
         strcmp(a->name, b->name) == 0;
}

void rn_output_remove_temporary(void) {
  for (int i = 0; i < slots; i++)
    if (temporaries[i].state == is_named)
      unlinkat(temporaries[i].folder, temporaries[i].name, 0);
}

// The signal ends the process when this returns: its action is the default one again.
static void on_end(int number) {
  rn_output_remove_temporary();
  raise(number);
}

void rn_output_remove_at_signals(void) { handles_signals = 1; }

// Handles the signals that would end the process, but not those that are ignored or handled.
static void handle_ends(void) {
  static const int numbers[] = {SIGHUP, SIGINT, SIGQUIT, SIGPIPE, SIGTERM, SIGXFSZ};
  struct sigaction action = {.sa_handler = on_end, .sa_flags = SA_RESETHAND}, before;
  sigfillset(&action.sa_mask);
  for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++)
    if (sigaction(numbers[i], 0, &before) == 0 && before.sa_handler == SIG_DFL)
      sigaction(numbers[i], &action, 0);
}

static int link_file(const rn_output *output, const char *name) {
  char self[32];
  snprintf(self, sizeof self, "/proc/self/fd/%d", output->file);
  return linkat(AT_FDCWD, self, output->folder, name, AT_SYMLINK_FOLLOW);
}

// Gives the file a temporary name, or makes it with one. Returns 0 or an `errno`.
static int give_name(rn_output *output) {
  slot *free_one = 0;
  for (int i = 0; i < slots && !free_one; i++) {
    int state = is_free;
    if (atomic_compare_exchange_strong(&temporaries[i].state, &state, is_taken))
      free_one = &temporaries[i];
  }
  if (!free_one)
    return EMFILE;
  free_one->folder = output->folder;
  // A signal between the file and its record would leave the file.
  sigset_t all, before;
  sigfillset(&all);
  sigprocmask(SIG_SETMASK, &all, &before);
  if (handles_signals)
    handle_ends();
  int made = -1;
  for (int i = 0; i < 100 && made < 0; i++) {
    const uint32_t number = (uint32_t)rn_monotonic_ns() * 2654435761u ^ (uint32_t)getpid();
    snprintf(free_one->name, sizeof free_one->name, ".resnet-%08x", number);
    made = output->file >= 0 ? link_file(output, free_one->name)
                             : openat(output->folder, free_one->name,
                                      O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
    if (made < 0 && errno != EEXIST)
      break;
  }
  const int code = made < 0 ? errno : 0;
  if (code == 0) {
    output->temporary = free_one;
    output->file = output->file >= 0 ? output->file : made;
  }
  free_one->state = code ? is_free : is_named;
  sigprocmask(SIG_SETMASK, &before, 0);
  return code;
}

// Makes a file without a name. Returns -1 if there are none, or no way to give it one later.
static int open_nameless(int folder) {
  const int file = openat(folder, ".", O_TMPFILE | O_RDWR | O_CLOEXEC, 0666);
  char self[32];
  snprintf(self, sizeof self, "/proc/self/fd/%d", file);
  if (file < 0 || access(self, F_OK) == 0)
    return file;
  close(file);
  return -1;
}

static rn_output *open_output(const char *path, int has_name) {
  // As the system follows links: some it does not, in folders that everybody may write.
  struct stat status;
  const int exists = stat(path, &status) == 0;
  if (!exists && errno != ENOENT)
    return 0;
  if (exists && !S_ISREG(status.st_mode)) {
    errno = ENXIO;
    return 0;
  }
  rn_output *output = calloc(1, sizeof *output);
  if (!output)
    return 0;
  output->folder = open_place(path, output->name);
  int code = output->folder < 0 ? errno : 0;
  output->file = code || has_name ? -1 : open_nameless(output->folder);
  if (code == 0 && output->file < 0)
    code = give_name(output);
  if (code == 0 && !(output->stream = fdopen(output->file, "w")))
    code = errno;
  if (code == 0)
    return output;
  rn_output_close(output);
  errno = code;
  return 0;
}

rn_output *rn_output_open(const char *path) { return open_output(path, 0); }

rn_output *rn_output_open_named(const char *path) { return open_output(path, 1); }

FILE *rn_output_stream(rn_output *output) { return output->stream; }

int rn_output_finish(rn_output *output) {
  const int failed = fflush(output->stream) != 0 || fsync(output->file) != 0;
  return failed && errno != EINVAL ? errno : 0; // EINVAL: there is nothing to sync
}

int rn_output_publish(rn_output *output) {
  if (!output->temporary) {
    // A link does not replace a file; renaming does, and needs a name.
    const int code = link_file(output, output->name) == 0 ? 0
                     : errno == EEXIST                    ? give_name(output)
                                                          : errno;
    if (code)
      return code;
  }
  if (output->temporary) {
    slot *temporary = output->temporary;
    if (renameat(output->folder, temporary->name, output->folder, output->name) != 0)
      return errno;
    output->temporary = 0;
    temporary->state = is_free;
  }
  // Not every file system can sync a folder, and not every user may open it.
  const int failed = fsync(output->folder) != 0;
  return failed && errno != EINVAL && errno != EBADF ? errno : 0;
}

// Not every C library has a function for it, and not every file system the flag: there a file that
// appears at the same moment is replaced.
static int rename_to_new(int folder, const char *before, const char *name) {
  struct stat status;
  if (syscall(SYS_renameat2, folder, before, folder, name, RENAME_NOREPLACE) == 0)
    return 0;
  if (errno != EINVAL && errno != ENOSYS)
    return errno;
  if (fstatat(folder, name, &status, AT_SYMLINK_NOFOLLOW) == 0)
    return EEXIST;
  return renameat(folder, before, folder, name) == 0 ? 0 : errno;
}

int rn_output_publish_new(rn_output *output) {
  if (fflush(output->stream) != 0)
    return errno;
  slot *temporary = output->temporary;
  if (!temporary)
    return link_file(output, output->name) == 0 ? 0 : errno;
  const int code = rename_to_new(output->folder, temporary->name, output->name);
  if (code == 0) {
    output->temporary = 0;
    temporary->state = is_free;
  }
  return code;
}

void rn_output_close(rn_output *output) {
  if (output->temporary) {
    unlinkat(output->folder, output->temporary->name, 0);
    output->temporary->state = is_free;
  }
  if (output->stream)
    fclose(output->stream);
  else if (output->file >= 0)
    close(output->file);
  if (output->folder >= 0)
    close(output->folder);
  free(output);
}
