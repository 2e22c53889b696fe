// SPDX-License-Identifier: Apache-2.0
// Files that appear whole or not at all, and which file a path leads to.
#ifndef RN_OUTPUT_H
#define RN_OUTPUT_H

#include <stdint.h>
#include <stdio.h>

/// A file that is being written and does not have its name yet.
typedef struct rn_output rn_output;

/// Begins the file that `path` leads to, symbolic links followed: in the folder where it is or will
/// be, with the permissions that the umask grants to new files. It has no name until it is
/// published; on file systems without such files it has a hidden one of 16 letters. Returns null
/// and sets `errno`, ENXIO if `path` names something that no file can replace.
rn_output *rn_output_open(const char *path);

/// The same as if the file system had no files without names.
rn_output *rn_output_open_named(const char *path);

/// Where the contents go, through a buffer.
FILE *rn_output_stream(rn_output *output);

/// Brings all contents to the disk. Returns 0 or an `errno`.
int rn_output_finish(rn_output *output);

/// Gives the file its name, in place of the file that has it, and brings that to the disk too.
/// Returns 0 or an `errno`.
int rn_output_publish(rn_output *output);

/// Gives the file its name with what was written, if no other has it, and does not wait for the
/// disk: many small files in a row. Returns 0 or an `errno`, EEXIST if there is one of that name.
int rn_output_publish_new(rn_output *output);

/// Frees the output, and removes the file if it was not published.
void rn_output_close(rn_output *output);

/// Removes the files with temporary names, as the handler of a signal may.
void rn_output_remove_temporary(void);

/// From now on, signals that end the process remove them too: for tools, since a library leaves the
/// signals of its program alone.
void rn_output_remove_at_signals(void);

/// A file, or the place where one is not yet: its folder and its name there. Zero is none.
typedef struct {
  uint64_t device, inode;
  char name[256];
} rn_identity;

/// Finds which file a path leads to, symbolic links followed. Returns 0, or -1 and sets `errno`.
int rn_identify(const char *path, rn_identity *identity);

/// Whether two identities are of the same file.
int rn_is_same_file(const rn_identity *a, const rn_identity *b);

#endif
