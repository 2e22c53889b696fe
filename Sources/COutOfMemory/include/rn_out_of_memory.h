// SPDX-License-Identifier: Apache-2.0
// How a program ends where memory is not to be had: Swift's arrays and strings abort with a trace
// of the stack, which says nothing to who runs a tool.
#ifndef RN_OUT_OF_MEMORY_H
#define RN_OUT_OF_MEMORY_H

/// From now on, every block that the C library cannot allocate in this process, shared libraries
/// included, ends it with one line, which starts with `name`, and exit status 1. `name` outlives
/// the process. Does nothing with another C library than glibc, and nothing under sanitizers, which
/// have allocators of their own.
void rn_end_without_memory(const char *name);

#endif
