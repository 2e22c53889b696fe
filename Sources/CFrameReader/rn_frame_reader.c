// SPDX-License-Identifier: Apache-2.0
#define _GNU_SOURCE
#include "rn_frame_reader.h"
#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

enum { buffers = 3, none = -1, chunk_bytes = 1 << 16 };

struct rn_frame_reader {
  int descriptor, stream;
  size_t frame_bytes;
  bool latest;
  bool has_thread; // if not, the caller reads when it waits for a frame
  pthread_t thread;
  struct sigaction old_interrupt, old_terminate;
  uint8_t *memory;

  // Of the thread that reads: the buffer that is filled, bytes that came and are not in a frame
  // yet, and whether the two that start a JPEG image did.
  int filling;
  uint8_t *chunk;
  size_t position, count;
  bool has_started;

  pthread_mutex_t mutex; // for what follows
  pthread_cond_t changed;
  int ready, held;   // buffers that wait and that the caller has, or none
  uint64_t complete; // frames that came
  size_t sizes[buffers];
  bool is_ended, is_stopping;
  rn_frame end;
};

// Written by the signal handler and by stop: whatever the thread waits for, it sees it.
static int wake = -1;
static volatile sig_atomic_t was_signalled;

static void wake_up(void) {
  const uint64_t one = 1;
  const ssize_t written = write(wake, &one, sizeof one);
  (void)written; // a full counter wakes as well
}

static void on_signal(int number) {
  (void)number;
  const int kept = errno;
  was_signalled = 1;
  wake_up();
  errno = kept;
}

// Waits for bytes, at most `room` of them. Returns how many came; 0 if none will, and *end says
// why.
static size_t receive(const rn_frame_reader *reader, uint8_t *target, size_t room, rn_frame *end) {
  for (;;) {
    struct pollfd files[2] = {{.fd = reader->descriptor, .events = POLLIN},
                              {.fd = wake, .events = POLLIN}};
    if (poll(files, 2, -1) < 0 && errno != EINTR) {
      *end = (rn_frame){.end = RN_FRAME_END_BY_ERROR, .error = errno};
      return 0;
    }
    if (files[1].revents) {
      *end = (rn_frame){.end = RN_FRAME_END_BY_SIGNAL};
      return 0;
    }
    if (!files[0].revents)
      continue;
    const ssize_t part = read(reader->descriptor, target, room);
    if (part > 0)
      return (size_t)part;
    if (part == 0) {
      *end = (rn_frame){.end = RN_FRAME_END_OF_STREAM};
      return 0;
    }
    if (errno != EINTR && errno != EAGAIN) {
      *end = (rn_frame){.end = RN_FRAME_END_BY_ERROR, .error = errno};
      return 0;
    }
  }
}

// The next byte, or -1.
static int next_byte(rn_frame_reader *reader, rn_frame *end) {
  if (reader->position == reader->count) {
    reader->position = 0;
    reader->count = receive(reader, reader->chunk, chunk_bytes, end);
    if (reader->count == 0)
      return -1;
  }
  return reader->chunk[reader->position++];
}

// Fills a frame of a known size. Returns whether it is complete; otherwise *end says why.
static bool fill_raw(rn_frame_reader *reader, uint8_t *frame, rn_frame *end) {
  const size_t waiting = reader->count - reader->position;
  size_t count = waiting < reader->frame_bytes ? waiting : reader->frame_bytes;
  memcpy(frame, reader->chunk + reader->position, count);
  reader->position += count;
  while (count < reader->frame_bytes) {
    const size_t part = receive(reader, frame + count, reader->frame_bytes - count, end);
    if (part == 0) {
      end->rest = count;
      return false;
    }
    count += part;
  }
  return true;
}

// The same behind its line.
static bool fill_y4m(rn_frame_reader *reader, uint8_t *frame, rn_frame *end) {
  static const char start[] = "FRAME";
  for (size_t i = 0;; i++) {
    const int byte = next_byte(reader, end);
    if (byte < 0)
      return false;
    if (i >= sizeof start - 1 && byte == '\n')
      return fill_raw(reader, frame, end);
    if (i == 1024 || (i < sizeof start - 1 && byte != start[i])) {
      *end = (rn_frame){.end = RN_FRAME_END_BY_ERROR, .error = EBADMSG};
      return false;
    }
  }
}

// The bytes of a JPEG image, of which those beyond the frame are lost.
typedef struct {
  rn_frame_reader *reader;
  uint8_t *frame;
  size_t count;
  rn_frame *end;
} image_bytes;

static int take_byte(image_bytes *image) {
  const int byte = next_byte(image->reader, image->end);
  if (byte >= 0 && image->count < image->reader->frame_bytes)
    image->frame[image->count++] = (uint8_t)byte;
  return byte;
}

// Fills a frame with a JPEG image, from its start marker to its end marker or to the next start.
// Segments are passed over by their lengths, for they may hold images of their own.
static bool fill_jpeg(rn_frame_reader *reader, uint8_t *frame, size_t *size, rn_frame *end) {
  image_bytes image = {.reader = reader, .frame = frame, .end = end};
  for (int before = 0; !reader->has_started;) {
    const int byte = next_byte(reader, end);
    if (byte < 0)
      return false;
    reader->has_started = before == 0xFF && byte == 0xD8;
    before = byte;
  }
  frame[image.count++] = 0xFF;
  frame[image.count++] = 0xD8;
  reader->has_started = false;
  int byte;
  while ((byte = take_byte(&image)) >= 0) {
    if (byte != 0xFF)
      continue;
    while ((byte = take_byte(&image)) == 0xFF)
      continue;
    // A start within an image: the image broke off.
    reader->has_started = byte == 0xD8;
    if (byte == 0xD8 || byte == 0xD9) {
      *size = image.count - (reader->has_started ? 2 : 0);
      return true;
    }
    if (byte <= 1 || (byte >= 0xD0 && byte <= 0xD7))
      continue; // a byte 255 of the image's data, or a marker without a length
    const int high = take_byte(&image), low = high < 0 ? high : take_byte(&image);
    for (int rest = low < 0 ? 0 : (high << 8 | low) - 2; rest > 0; rest--)
      if (take_byte(&image) < 0)
        break;
  }
  end->rest = image.count;
  return false;
}

static bool fill(rn_frame_reader *reader, int buffer, rn_frame *end) {
  uint8_t *frame = reader->memory + (size_t)buffer * reader->frame_bytes;
  size_t size = reader->frame_bytes;
  const bool is_full = reader->stream == RN_FRAME_STREAM_JPEG ? fill_jpeg(reader, frame, &size, end)
                       : reader->stream == RN_FRAME_STREAM_Y4M ? fill_y4m(reader, frame, end)
                                                               : fill_raw(reader, frame, end);
  reader->sizes[buffer] = size; // of a buffer that nobody else has
  return is_full;
}

// Reads a frame and makes it the one that waits. Returns whether there was one.
static bool read_frame(rn_frame_reader *reader) {
  rn_frame end;
  const bool is_full = fill(reader, reader->filling, &end);
  pthread_mutex_lock(&reader->mutex);
  if (is_full) {
    while (!reader->latest && reader->ready != none && !reader->is_stopping)
      pthread_cond_wait(&reader->changed, &reader->mutex);
    // What waited is replaced; if nothing did, the buffer is free that nobody has.
    const int free_one = reader->ready != none  ? reader->ready
                         : reader->held == none ? (reader->filling + 1) % buffers
                                                : buffers - reader->filling - reader->held;
    reader->ready = reader->filling;
    reader->complete++;
    reader->filling = free_one;
  } else {
    reader->end = end;
    reader->is_ended = true;
  }
  pthread_cond_broadcast(&reader->changed);
  pthread_mutex_unlock(&reader->mutex);
  return is_full;
}

static void *read_frames(void *argument) {
  while (read_frame(argument))
    continue;
  return 0;
}

static int start_thread(rn_frame_reader *reader) {
  // Signals are for the threads that have something else to do.
  sigset_t all, before;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &before);
  const int error = pthread_create(&reader->thread, 0, read_frames, reader);
  pthread_sigmask(SIG_SETMASK, &before, 0);
  return error;
}

// A second signal ends the process, which may hang in a write. What is ignored, as SIGINT is in a
// shell's background, stays so.
static void take_signal(int number, struct sigaction *old) {
  const struct sigaction action = {.sa_handler = on_signal, .sa_flags = SA_RESTART | SA_RESETHAND};
  sigaction(number, 0, old);
  if (old->sa_handler != SIG_IGN)
    sigaction(number, &action, 0);
}

int rn_frame_reader_start(rn_frame_reader **out, int descriptor, int stream, size_t frame_bytes,
                          bool latest) {
  rn_frame_reader *reader = calloc(1, sizeof *reader);
  uint8_t *memory = malloc(buffers * frame_bytes + chunk_bytes);
  wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
  if (!reader || !memory || wake < 0) {
    const int error = wake < 0 ? errno : ENOMEM;
    if (wake >= 0)
      close(wake);
    free(reader);
    free(memory);
    return error;
  }
  reader->descriptor = descriptor;
  reader->stream = stream;
  reader->frame_bytes = frame_bytes;
  reader->latest = latest;
  reader->memory = memory;
  reader->chunk = memory + buffers * frame_bytes;
  reader->ready = reader->held = none;
  pthread_mutex_init(&reader->mutex, 0);
  pthread_cond_init(&reader->changed, 0);
  was_signalled = 0;
  take_signal(SIGINT, &reader->old_interrupt);
  take_signal(SIGTERM, &reader->old_terminate);
  const int error = start_thread(reader);
  reader->has_thread = error == 0;
  if (error && error != EAGAIN) {
    sigaction(SIGINT, &reader->old_interrupt, 0);
    sigaction(SIGTERM, &reader->old_terminate, 0);
    close(wake);
    free(memory);
    free(reader);
    return error;
  }
  *out = reader;
  return 0;
}

bool rn_frame_reader_has_thread(const rn_frame_reader *reader) { return reader->has_thread; }

rn_frame rn_frame_reader_next(rn_frame_reader *reader) {
  rn_frame frame;
  pthread_mutex_lock(&reader->mutex);
  reader->held = none;
  if (!reader->has_thread && !reader->is_ended) {
    pthread_mutex_unlock(&reader->mutex);
    read_frame(reader);
    pthread_mutex_lock(&reader->mutex);
  }
  while (reader->ready == none && !reader->is_ended)
    pthread_cond_wait(&reader->changed, &reader->mutex);
  if (was_signalled) {
    frame = (rn_frame){.number = reader->complete, .end = RN_FRAME_END_BY_SIGNAL};
  } else if (reader->ready != none) {
    // The newest of those that came.
    frame = (rn_frame){.frame = reader->memory + (size_t)reader->ready * reader->frame_bytes,
                       .size = reader->sizes[reader->ready],
                       .number = reader->complete - 1};
    reader->held = reader->ready;
    reader->ready = none;
    pthread_cond_broadcast(&reader->changed);
  } else {
    frame = reader->end;
    frame.number = reader->complete;
  }
  pthread_mutex_unlock(&reader->mutex);
  return frame;
}

void rn_frame_reader_stop(rn_frame_reader *reader) {
  pthread_mutex_lock(&reader->mutex);
  reader->is_stopping = true;
  pthread_cond_broadcast(&reader->changed);
  pthread_mutex_unlock(&reader->mutex);
  wake_up();
  if (reader->has_thread)
    pthread_join(reader->thread, 0);
  sigaction(SIGINT, &reader->old_interrupt, 0);
  sigaction(SIGTERM, &reader->old_terminate, 0);
  close(wake);
  wake = -1;
  pthread_cond_destroy(&reader->changed);
  pthread_mutex_destroy(&reader->mutex);
  free(reader->memory);
  free(reader);
}
