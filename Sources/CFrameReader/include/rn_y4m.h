// SPDX-License-Identifier: Apache-2.0
// The header of a YUV4MPEG2 stream, as FFmpeg and mjpegtools write it.
#ifndef RN_Y4M_H
#define RN_Y4M_H

#include <stddef.h>
#include <stdint.h>

/// The longest header that is read, in bytes.
#define RN_Y4M_BYTES 512

enum rn_y4m_chroma { RN_Y4M_420, RN_Y4M_422, RN_Y4M_MONO };

/// What a header says; -1 is what it does not say.
typedef struct {
  uint32_t width, height;
  /// One of `enum rn_y4m_chroma`.
  int chroma;
  /// Whether black is 0 and white 255.
  int is_full;
  /// Whether the colours are BT.709's, rather than BT.601's.
  int is_bt709;
} rn_y4m;

/// Reads a header of `count` bytes without its line feed. Returns null, or what was expected of it.
const char *rn_parse_y4m(const char *text, size_t count, rn_y4m *header);

/// Reads the header at the start of a stream, byte by byte: what follows it is left in the stream.
/// Returns null, or what was expected; *error is an errno or 0.
const char *rn_read_y4m(int descriptor, rn_y4m *header, int *error);

#endif
