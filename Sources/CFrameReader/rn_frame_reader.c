// SPDX-License-Identifier: Apache-2.0
#define _GNU_SOURCE
#include "rn_frame_reader.h"
#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

enum { buffers = 3, none = -1 };

struct rn_frame_reader {
  int descriptor;
  size_t frame_bytes;
  bool latest;
  pthread_t thread;
  struct sigaction old_interrupt, old_terminate;
  uint8_t *memory;

  pthread_mutex_t mutex; // for what follows
  pthread_cond_t changed;
  int ready, held;   // buffers that wait and that the caller has, or none
  uint64_t complete; // frames that came
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

// Fills a frame. Returns whether it is complete; otherwise *end says why.
static bool fill(const rn_frame_reader *reader, uint8_t *frame, rn_frame *end) {
  size_t count = 0;
  while (count < reader->frame_bytes) {
    struct pollfd files[2] = {{.fd = reader->descriptor, .events = POLLIN},
                              {.fd = wake, .events = POLLIN}};
    if (poll(files, 2, -1) < 0 && errno != EINTR) {
      *end = (rn_frame){.end = RN_FRAME_END_BY_ERROR, .error = errno};
      return false;
    }
    if (files[1].revents) {
      *end = (rn_frame){.end = RN_FRAME_END_BY_SIGNAL};
      return false;
    }
    if (!files[0].revents)
      continue;
    const ssize_t part = read(reader->descriptor, frame + count, reader->frame_bytes - count);
    if (part == 0) {
      *end = (rn_frame){.end = RN_FRAME_END_OF_STREAM, .rest = count};
      return false;
    }
    if (part > 0) {
      count += (size_t)part;
    } else if (errno != EINTR && errno != EAGAIN) {
      *end = (rn_frame){.end = RN_FRAME_END_BY_ERROR, .error = errno};
      return false;
    }
  }
  return true;
}

static void *read_frames(void *argument) {
  rn_frame_reader *reader = argument;
  int filling = 0;
  rn_frame end;
  while (fill(reader, reader->memory + (size_t)filling * reader->frame_bytes, &end)) {
    pthread_mutex_lock(&reader->mutex);
    while (!reader->latest && reader->ready != none && !reader->is_stopping)
      pthread_cond_wait(&reader->changed, &reader->mutex);
    // What waited is replaced; if nothing did, the buffer is free that nobody has.
    const int free_one = reader->ready != none  ? reader->ready
                         : reader->held == none ? (filling + 1) % buffers
                                                : buffers - filling - reader->held;
    reader->ready = filling;
    reader->complete++;
    filling = free_one;
    pthread_cond_broadcast(&reader->changed);
    pthread_mutex_unlock(&reader->mutex);
  }
  pthread_mutex_lock(&reader->mutex);
  reader->end = end;
  reader->is_ended = true;
  pthread_cond_broadcast(&reader->changed);
  pthread_mutex_unlock(&reader->mutex);
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

int rn_frame_reader_start(rn_frame_reader **out, int descriptor, size_t frame_bytes, bool latest) {
  rn_frame_reader *reader = calloc(1, sizeof *reader);
  uint8_t *memory = malloc(buffers * frame_bytes);
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
  reader->frame_bytes = frame_bytes;
  reader->latest = latest;
  reader->memory = memory;
  reader->ready = reader->held = none;
  pthread_mutex_init(&reader->mutex, 0);
  pthread_cond_init(&reader->changed, 0);
  was_signalled = 0;
  take_signal(SIGINT, &reader->old_interrupt);
  take_signal(SIGTERM, &reader->old_terminate);
  const int error = start_thread(reader);
  if (error) {
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

rn_frame rn_frame_reader_next(rn_frame_reader *reader) {
  rn_frame frame;
  pthread_mutex_lock(&reader->mutex);
  reader->held = none;
  while (reader->ready == none && !reader->is_ended)
    pthread_cond_wait(&reader->changed, &reader->mutex);
  if (was_signalled) {
    frame = (rn_frame){.number = reader->complete, .end = RN_FRAME_END_BY_SIGNAL};
  } else if (reader->ready != none) {
    // The newest of those that came.
    frame = (rn_frame){.frame = reader->memory + (size_t)reader->ready * reader->frame_bytes,
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
