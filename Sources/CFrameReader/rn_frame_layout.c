// SPDX-License-Identifier: Apache-2.0
#include "rn_frame_layout.h"
#include <stdlib.h>
#include <unistd.h>

enum { most_candidates = 24 };

size_t rn_frame_size(const rn_frame_shape *shape, rn_frame_strides strides) {
  return strides.luma * shape->rows + strides.chroma * shape->chroma_rows * shape->planes;
}

static size_t aligned(size_t bytes, size_t to) { return (bytes + to - 1) / to * to; }

// What a stride of the first plane comes to in the others, if nobody pads them on their own.
static rn_frame_strides usual(const rn_frame_shape *shape, size_t luma) {
  return (rn_frame_strides){luma, shape->planes == 2 ? luma / 2 : shape->planes == 1 ? luma : 0};
}

// Appends strides that are padded and not there yet.
static size_t append(const rn_frame_shape *shape, rn_frame_strides new, rn_frame_strides *list,
                     size_t count) {
  if (new.luma == shape->row_bytes &&new.chroma == shape->chroma_bytes)
    return count;
  for (size_t i = 0; i < count; i++)
    if (list[i].luma == new.luma && list[i].chroma == new.chroma)
      return count;
  list[count] = new;
  return count + 1;
}

// The strides that cameras and decoders use, the likeliest first.
static size_t candidates(const rn_frame_shape *shape, rn_frame_strides list[most_candidates]) {
  static const size_t alignments[] = {64, 32, 128, 256, 16, 8, 4, 512};
  size_t count = 0;
  for (size_t i = 0; i < sizeof alignments / sizeof *alignments; i++) {
    const size_t luma = aligned(shape->row_bytes, alignments[i]);
    count = append(shape, usual(shape, luma), list, count);
    if (shape->planes == 2) {
      // GStreamer, for one, pads each plane on its own.
      const rn_frame_strides own = {luma, aligned(shape->chroma_bytes, alignments[i])};
      count = append(shape, own, list, count);
      const rn_frame_strides only = {shape->row_bytes, own.chroma};
      count = append(shape, only, list, count);
    }
  }
  return count;
}

size_t rn_fitting_strides(const rn_frame_shape *shape, uint64_t size, rn_frame_strides *found,
                          size_t room) {
  rn_frame_strides list[most_candidates];
  const size_t count = candidates(shape, list);
  size_t fitting = 0;
  for (size_t i = 0; i < count && fitting < room; i++)
    if (size > 0 && size % rn_frame_size(shape, list[i]) == 0)
      found[fitting++] = list[i];
  return fitting;
}

// Whether what is behind the rows of a plane looks like padding, and the rows do not.
static bool is_padded(const uint8_t *bytes, size_t row_bytes, size_t stride, size_t rows) {
  if (stride == row_bytes)
    return true;
  bool is_one_byte = true, repeats_last = true, varies = false;
  for (size_t y = 0; y < rows; y++) {
    const uint8_t *row = bytes + y * stride;
    for (size_t x = row_bytes; x < stride; x++) {
      is_one_byte &= row[x] == bytes[row_bytes];
      repeats_last &= row[x] == row[row_bytes - 1];
    }
    for (size_t x = 0; x < row_bytes; x++)
      varies |= row[x] != bytes[0];
    if (!is_one_byte && !repeats_last)
      return false;
  }
  return varies;
}

static bool is_padded_frame(const rn_frame_shape *shape, rn_frame_strides strides,
                            const uint8_t *bytes) {
  if (!is_padded(bytes, shape->row_bytes, strides.luma, shape->rows))
    return false;
  const uint8_t *plane = bytes + strides.luma * shape->rows;
  for (size_t i = 0; i < shape->planes; i++, plane += strides.chroma * shape->chroma_rows)
    if (!is_padded(plane, shape->chroma_bytes, strides.chroma, shape->chroma_rows))
      return false;
  return true;
}

static bool file_is_padded(const rn_frame_shape *shape, rn_frame_strides strides, int descriptor,
                           uint64_t size, uint8_t *frame) {
  const size_t bytes = rn_frame_size(shape, strides);
  const uint64_t places[2] = {0, size - bytes};
  for (int i = 0; i < 2; i++) {
    const ssize_t count = pread(descriptor, frame, bytes, (off_t)places[i]);
    if (count < 0 || (size_t)count != bytes || !is_padded_frame(shape, strides, frame))
      return false;
  }
  return true;
}

bool rn_find_strides(const rn_frame_shape *shape, int descriptor, uint64_t size,
                     rn_frame_strides *found) {
  rn_frame_strides list[most_candidates];
  const size_t count = candidates(shape, list);
  const size_t most = 2 * shape->row_bytes;
  uint8_t *frame =
      malloc(rn_frame_size(shape, (rn_frame_strides){most + 512, usual(shape, most).chroma + 512}));
  if (!frame)
    return false;
  size_t fitting = 0;
  // Then any other stride, up to twice what a row has.
  for (size_t i = 0, luma = shape->row_bytes; i < count || luma < most; i++) {
    rn_frame_strides strides;
    if (i < count) {
      strides = list[i];
    } else {
      luma += 2;
      strides = usual(shape, luma);
      bool is_known = false;
      for (size_t j = 0; j < count; j++)
        is_known |= list[j].luma == strides.luma && list[j].chroma == strides.chroma;
      if (is_known)
        continue;
    }
    if (size < rn_frame_size(shape, strides) || size % rn_frame_size(shape, strides) != 0 ||
        !file_is_padded(shape, strides, descriptor, size, frame))
      continue;
    *found = strides;
    fitting++;
  }
  free(frame);
  return fitting == 1;
}

size_t rn_padded_stride(const rn_frame_shape *shape, const uint8_t *bytes, size_t count) {
  rn_frame_strides list[most_candidates];
  const size_t listed = candidates(shape, list);
  size_t found = 0;
  for (size_t i = 0; i < listed; i++) {
    const size_t stride = list[i].luma;
    if (stride == shape->row_bytes || stride == found)
      continue;
    const size_t whole = count / stride, rows = whole < shape->rows ? whole : shape->rows;
    if (rows < 8 || !is_padded(bytes, shape->row_bytes, stride, rows))
      continue;
    if (found)
      return 0;
    found = stride;
  }
  return found;
}

size_t rn_like_columns(const rn_frame_shape *shape, size_t stride, const uint8_t *bytes) {
  size_t columns = 0;
  bool varies = false;
  const uint8_t like = bytes[shape->row_bytes - 1];
  while (columns < shape->row_bytes / 2) {
    const uint8_t *column = bytes + shape->row_bytes - 1 - columns;
    for (size_t y = 0; y < shape->rows && !varies; y++)
      varies = column[y * stride] != like;
    if (varies)
      break;
    columns++;
  }
  return varies && columns >= 8 ? columns : 0;
}
