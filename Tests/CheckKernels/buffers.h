// SPDX-License-Identifier: Apache-2.0
// Memory for the arguments of a kernel, laid so that a broken contract shows.
//
// An input ends RN_OVERREAD bytes before a page that cannot be read, and cannot be written while a
// kernel runs. An output lies inside a larger buffer full of poison.
#ifndef CHECK_BUFFERS_H
#define CHECK_BUFFERS_H

#include "random.h"
#include <stddef.h>
#include <stdint.h>

enum { buffer_poison = 0x99, buffer_margin = 128 };

// Gives back all buffers of the case before.
void buffers_reset(void);

// An input of `size` bytes, to be filled. Aligned to 64 if its size is a multiple of 64.
void *buffer_input(size_t size);

// An input of random bytes, or of random floats in -1...1 if an element has 4 bytes.
void *buffer_random(check_random *random, size_t count, size_t element);

// A buffer of `size` bytes full of poison, which ends at a page that cannot be written. The output
// goes between two margins of buffer_margin.
void *buffer_output(size_t size);

// Fills the RN_OVERREAD bytes after each input with `tail` and takes away the right to write
// inputs. No result may depend on the tail.
void buffers_lock(uint8_t tail);

#endif
