// SPDX-License-Identifier: Apache-2.0
// Finds out whether the rows of raw frames are padded, and how.
#ifndef RN_FRAME_LAYOUT_H
#define RN_FRAME_LAYOUT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/// A frame without padding: a first plane, and `planes` of U and V behind it.
typedef struct {
  size_t row_bytes, chroma_bytes;
  size_t rows, chroma_rows;
  size_t planes;
} rn_frame_shape;

/// The bytes from row to row in the first plane and in the others.
typedef struct {
  size_t luma, chroma;
} rn_frame_strides;

/// The bytes of a frame.
size_t rn_frame_size(const rn_frame_shape *shape, rn_frame_strides strides);

/// Finds the strides that cameras and decoders use, rows of a multiple of 4 to 512 bytes, of which
/// whole frames come to `size` bytes. Returns how many were found, at most `room`.
size_t rn_fitting_strides(const rn_frame_shape *shape, uint64_t size, rn_frame_strides *found,
                          size_t room);

/// Finds the only strides of which whole frames come to the size of a regular file and with which
/// the padding of its first and its last frame looks like padding: one byte throughout a plane, or
/// the last byte of each row again. Returns whether there are such strides.
bool rn_find_strides(const rn_frame_shape *shape, int descriptor, uint64_t size,
                     rn_frame_strides *found);

/// The stride with which the first plane of a frame looks padded, given the first `count` bytes of
/// a stream; 0 if there is none or if several do.
size_t rn_padded_stride(const rn_frame_shape *shape, const uint8_t *bytes, size_t count);

/// How many last bytes of the rows of the first plane are one and the same, as padding is, at least
/// 8 and less than half a row; else 0.
size_t rn_like_columns(const rn_frame_shape *shape, size_t stride, const uint8_t *bytes);

#endif
