// SPDX-License-Identifier: Apache-2.0
// The C library as board modules see it: the same declarations for a hosted Swift build and for
// Embedded Swift, which has no Glibc module.
#ifndef RN_PLATFORM_H
#define RN_PLATFORM_H

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

/// The value of `errno`, which Swift cannot read when it is a macro.
static inline int rn_errno(void) { return errno; }

/// What every tool does before it opens a file; `tool` is its name. Descriptors 0 to 2 that are
/// closed would be taken by the first files: they get one of which no byte can be read or written
/// (EBADF). A file that grows beyond its limit becomes an error of the write (EFBIG) instead of a
/// signal. A mapped file that loses pages ends the tool as rn_end_on_lost_pages says, and signals
/// that end it remove what it has of new files.
void rn_begin_tool(const char *tool);

/// Writes what is buffered for standard output. Returns 0 or an `errno`, also of earlier writes.
int rn_flush_output(void);

/// Opens a regular file for reading, without waiting for anything if `path` names something else;
/// the descriptor is closed on exec. Returns -1 and sets `errno`, ENXIO if it is no regular file.
int rn_open_read(const char *path, struct stat *status);

/// Whether `path` means standard input, whatever that is.
static inline int rn_is_standard_input(const char *path) {
  return strcmp(path, "-") == 0 || strcmp(path, "/dev/stdin") == 0;
}

/// Opens a regular file or a pipe for reading, or standard input, whatever it is, if `path` means
/// that. A pipe with a name waits up to `seconds` for a writer. Returns -1 and sets `errno`,
/// ETIMEDOUT if no writer came, ENXIO for something else than a file or a pipe.
int rn_open_input(const char *path, unsigned seconds, struct stat *status);

/// Reads what is left of a file or pipe, at most `limit` bytes, into pages of memory. Returns 0 and
/// sets *bytes, to be freed by munmap of *count bytes, or returns an errno: EFBIG if there are
/// more, ENODATA if there are none.
int rn_read_all(int descriptor, size_t limit, void **bytes, size_t *count);

/// Parts `size` bytes into words that end with a zero byte each. Sets *words, to be freed as one,
/// to pointers to copies of them, ended by a null pointer; returns how many there are, 0 without
/// memory.
int rn_split_words(const char *text, size_t size, char ***words);

/// Lets the process end with one line after the name of the tool and exit status 1 when it touches
/// a page of a mapped file that is there no more: the file became shorter, or its disk fails.
void rn_end_on_lost_pages(const char *tool);

/// Whether `status` describes a regular file.
static inline int rn_is_regular_file(const struct stat *status) { return S_ISREG(status->st_mode); }

/// Whether `status` describes a directory.
static inline int rn_is_directory(const struct stat *status) { return S_ISDIR(status->st_mode); }

/// Makes a write to a closed pipe fail with EPIPE instead of ending the process.
static inline void rn_ignore_sigpipe(void) { signal(SIGPIPE, SIG_IGN); }

/// Lists the entries of a directory whose names do not start with a dot, sorted by their bytes.
/// Returns how many there are, or -1 and sets `errno`. The list and each of its entries come from
/// malloc; the list of an empty directory may be null.
int rn_list_directory(const char *path, struct dirent ***entries);

/// Makes a folder and the one that it is in, as far as they are not there. Returns 0 or an `errno`.
int rn_make_folder(const char *path);

/// The name of a directory entry.
static inline const char *rn_entry_name(const struct dirent *entry) { return entry->d_name; }

/// Makes malloc map blocks of `bytes` (1 to 32 MiB) or more on their own, so that they go back to
/// the system when they are freed. glibc begins so, but raises the size to that of each mapped
/// block it frees. Does nothing with another C library.
void rn_map_large_blocks(int bytes);

/// Lets the system map the whole 2 MiB blocks within `count` bytes as one page each, if it can.
/// Fewer pages are first touched sooner and miss the TLB less; nothing outside the blocks is
/// touched.
void rn_allow_huge_pages(void *start, size_t count);

/// Gives the system back the whole pages within `count` bytes, which are zero when they are touched
/// again, or keep what they hold if they are a file's.
void rn_give_back(void *start, size_t count);

/// Nanoseconds of the monotonic clock.
int64_t rn_monotonic_ns(void);

/// Nanoseconds that the calling thread has been on a CPU: what others take of it does not count.
int64_t rn_thread_ns(void);

/// CRC-32C (RFC 3720, appendix B.4) of `count` bytes, continuing from `crc`, 0 at first.
uint32_t rn_crc32c(uint32_t crc, const void *bytes, size_t count);

/// The same without instructions for it.
uint32_t rn_crc32c_portable(uint32_t crc, const void *bytes, size_t count);

/// The SHA-256 digest (FIPS 180-4) of `count` bytes.
void rn_sha256(const void *bytes, size_t count, uint8_t digest[32]);

/// The arguments of the process, program name first, ended by a null pointer, with any C library.
/// Embedded Swift has no `CommandLine`.
char **rn_arguments(void);

/// How many arguments `rn_arguments` holds.
int rn_argument_count(void);

#endif
