// SPDX-License-Identifier: Apache-2.0
// Reads frames from a stream, on a thread of its own, so that the writer does not wait while a
// frame is worked on.
#ifndef RN_FRAME_READER_H
#define RN_FRAME_READER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct rn_frame_reader rn_frame_reader;

/// What a stream is made of.
enum rn_frame_stream {
  /// Frames of one size, one after another.
  RN_FRAME_STREAM_RAW,
  /// The same, each behind a line that starts with FRAME: YUV4MPEG2 behind its header.
  RN_FRAME_STREAM_Y4M,
  /// JPEG images; what is between them, such as the headers of multipart/x-mixed-replace, is passed
  /// over.
  RN_FRAME_STREAM_JPEG,
};

/// Why there are no more frames.
enum rn_frame_end {
  /// The stream ended, perhaps within a frame.
  RN_FRAME_END_OF_STREAM,
  /// SIGINT or SIGTERM came.
  RN_FRAME_END_BY_SIGNAL,
  /// The stream could not be read; `error` says why.
  RN_FRAME_END_BY_ERROR,
};

/// A complete frame, or that there are no more.
typedef struct {
  /// Its bytes, valid until the next frame is asked for; null at the end.
  const uint8_t *frame;
  /// How many bytes it has.
  size_t size;
  /// How many frames of the stream came before it; at the end, how many came.
  uint64_t number;
  /// One of `enum rn_frame_end`, at the end.
  int end;
  /// An `errno`.
  int error;
  /// The bytes of an incomplete last frame, at the end.
  size_t rest;
} rn_frame;

/// Starts to read a stream, one of `enum rn_frame_stream`, from a descriptor, which stays the
/// caller's. Its frames have `frame_bytes` or, if they are JPEG images, at most so many: of a
/// longer one comes the start. If `latest`, a frame that is complete replaces one that is still
/// waiting; otherwise two wait at most. From now on SIGINT and SIGTERM end the frames instead of
/// the process. One reader at a time. Where the system has no room for a thread, whoever waits for
/// the next frame reads it. Returns 0 and sets *reader, or an errno. Allocates three frames.
int rn_frame_reader_start(rn_frame_reader **reader, int descriptor, int stream, size_t frame_bytes,
                          bool latest);

/// Whether the stream is read on a thread of its own: if not, the writer waits while a frame is
/// worked on, and no frame replaces another.
bool rn_frame_reader_has_thread(const rn_frame_reader *reader);

/// Waits for the next frame.
rn_frame rn_frame_reader_next(rn_frame_reader *reader);

/// Ends the thread, frees the frames and gives the signals back.
void rn_frame_reader_stop(rn_frame_reader *reader);

#endif
