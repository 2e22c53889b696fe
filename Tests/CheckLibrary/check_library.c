// SPDX-License-Identifier: Apache-2.0
// Calls the C library as C and C++ programs do, rightly and wrongly. It writes the logits of PHOTO,
// as little-endian float32, to LOGITS. TAUGHT_PLAN is what resnet-teach --reject 2% made of PLAN
// and the folder PHOTOS of church, parachute and tench with 0.jpg, 1.jpg and 2.jpg each; BARE_PLAN
// has no features.
#define _POSIX_C_SOURCE 200809L
#include "resnet_runtime.h"
#include <math.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

// Whether memory is a sanitizer's: with mappings of its own, and watched once it is freed.
#ifndef SANITIZED
#define SANITIZED 0
#endif

static int checks, failures;

#define EXPECT(condition) expect((condition) != 0, #condition, __LINE__)
#define FAILS(call, status, words) fails(call, status, words, #call, __LINE__)
#define OK(call) FAILS(call, RESNET_OK, "")

static void expect(int is_true, const char *text, int line) {
  checks++;
  if (is_true)
    return;
  failures++;
  fprintf(stderr, "line %d: expected %s\n", line, text);
}

static void fails(resnet_status found, resnet_status expected, const char *words, const char *call,
                  int line) {
  checks++;
  if (found == expected && (found == RESNET_OK || strstr(resnet_error_text(), words)))
    return;
  failures++;
  fprintf(stderr, "line %d: %s: expected status %d and \"%s\", found %d: %s\n", line, call,
          (int)expected, words, (int)found, resnet_error_text());
}

typedef struct file {
  unsigned char *bytes;
  size_t size;
} file;

// Memory that starts at a multiple of 64.
static void *allocate(size_t size) {
  void *memory;
  if (posix_memalign(&memory, 64, size) != 0)
    exit(2);
  return memory;
}

// Reads a file.
static file read_file(const char *path) {
  file result = {NULL, 0};
  FILE *stream = fopen(path, "rb");
  if (!stream || fseek(stream, 0, SEEK_END) != 0)
    exit(2);
  result.size = (size_t)ftell(stream);
  rewind(stream);
  result.bytes = (unsigned char *)allocate(result.size);
  if (fread(result.bytes, 1, result.size, stream) != result.size)
    exit(2);
  fclose(stream);
  return result;
}

static int count_maps(void) {
  int lines = 0, byte;
  FILE *maps = fopen("/proc/self/maps", "r");
  if (!maps)
    exit(2);
  while ((byte = getc(maps)) != EOF)
    lines += byte == '\n';
  fclose(maps);
  return lines;
}

// What programs are compiled with must not change.
static void check_layouts(void) {
  EXPECT(sizeof(resnet_plan_info) == 96 && offsetof(resnet_plan_info, std) == 80);
  EXPECT(sizeof(resnet_options) == 88 && offsetof(resnet_options, batch) == 80);
  EXPECT(sizeof(resnet_session_info) == 32 && offsetof(resnet_session_info, byte_count) == 24);
  EXPECT(sizeof(resnet_frame) == 72 && offsetof(resnet_frame, data_size) == 64);
  EXPECT(sizeof(resnet_teaching) == 64 && offsetof(resnet_teaching, named) == 56);
  EXPECT(sizeof(resnet_teaching_result) == 72 && offsetof(resnet_teaching_result, caught) == 64);
  EXPECT(RESNET_ERROR_BUSY == 7 && RESNET_LOAD == 1 && RESNET_TUNING_RECORDED == 2);
}

static void check_plans(const char *path, const char *photo) {
  resnet_plan *const none = NULL;
  resnet_plan *plan = none;
  EXPECT(strcmp(resnet_error_text(), "") == 0);
  FAILS(resnet_plan_open(NULL, 0, &plan), RESNET_ERROR_ARGUMENT, "a path, found a null pointer");
  FAILS(resnet_plan_open(path, 0, NULL), RESNET_ERROR_ARGUMENT, "a null pointer");
  FAILS(resnet_plan_open(path, 2, &plan), RESNET_ERROR_ARGUMENT, "RESNET_LOAD, found 2");
  FAILS(resnet_plan_open("", 0, &plan), RESNET_ERROR_FILE, "No such file");
  FAILS(resnet_plan_open("/", 0, &plan), RESNET_ERROR_FILE, "expected a regular file");
  FAILS(resnet_plan_open(photo, 0, &plan), RESNET_ERROR_PLAN, "not a plan file");
  FAILS(resnet_plan_open(photo, RESNET_LOAD, &plan), RESNET_ERROR_PLAN, "not a plan file");

  file bytes = read_file(path);
  FAILS(resnet_plan_open_memory(NULL, 64, 0, &plan), RESNET_ERROR_ARGUMENT, "a null pointer");
  FAILS(resnet_plan_open_memory(bytes.bytes, 0, 0, &plan), RESNET_ERROR_FILE, "empty");
  FAILS(resnet_plan_open_memory(bytes.bytes, 0, RESNET_LOAD, &plan), RESNET_ERROR_FILE, "empty");
  FAILS(resnet_plan_open_memory(bytes.bytes, (size_t)-1, 0, &plan), RESNET_ERROR_ARGUMENT, "2^63");
  FAILS(resnet_plan_open_memory(bytes.bytes + 1, bytes.size - 1, 0, &plan), RESNET_ERROR_ARGUMENT,
        "a multiple of 64");
  for (size_t size = 1; size < bytes.size; size = size * 3 + 1)
    FAILS(resnet_plan_open_memory(bytes.bytes, size, RESNET_LOAD, &plan), RESNET_ERROR_PLAN,
          "plan");
  bytes.bytes[bytes.size / 2] ^= 1;
  FAILS(resnet_plan_open_memory(bytes.bytes, bytes.size, 0, &plan), RESNET_ERROR_PLAN, "damaged");
  bytes.bytes[bytes.size / 2] ^= 1;
  EXPECT(plan == none);
  free(bytes.bytes);

  OK(resnet_plan_open(path, RESNET_MAP, &plan));
  resnet_plan_info info;
  FAILS(resnet_plan_get_info(plan, NULL), RESNET_ERROR_ARGUMENT, "a null pointer");
  info.size = 8;
  FAILS(resnet_plan_get_info(plan, &info), RESNET_ERROR_ARGUMENT, "of 96 bytes");
  info.size = sizeof info;
  FAILS(resnet_plan_get_info(NULL, &info), RESNET_ERROR_ARGUMENT, "a plan, found a null pointer");
  OK(resnet_plan_get_info(plan, &info));
  EXPECT(info.size == sizeof info && info.input_height == 224 && info.input_width == 224);
  EXPECT(info.class_count == 10 && info.feature_count == 512 && info.byte_count == bytes.size);
  EXPECT(strcmp(info.summary, "ResNet18") == 0 && strstr(info.provenance, "sha256"));
  EXPECT(info.fit == 0 && info.resize_height == 256 && info.resize_width == 256 &&
         info.interpolation == 0 && info.is_grey == 0);
  EXPECT(info.mean[0] == 0.485F && info.mean[2] == 0.406F && info.std[2] == 0.225F);
  EXPECT(strstr(resnet_plan_class_name(plan, 0), "tench"));
  EXPECT(!resnet_plan_class_name(plan, 10) && !resnet_plan_class_name(plan, (size_t)-1));
  EXPECT(!resnet_plan_class_name(NULL, 0));
  OK(resnet_plan_close(plan));
  OK(resnet_plan_close(NULL));
}

static resnet_session *session_of(resnet_plan *plan, const resnet_options *options) {
  resnet_session *session = NULL;
  OK(resnet_session_create(plan, options, &session));
  return session;
}

static void check_options(resnet_plan *plan) {
  resnet_session *const none = NULL;
  resnet_session *session = none;
  const resnet_options defaults = RESNET_OPTIONS_INIT;
  resnet_options options = defaults;
  size_t least = 0, most = 0;
  FAILS(resnet_session_create(NULL, NULL, &session), RESNET_ERROR_ARGUMENT, "a plan, found a null");
  FAILS(resnet_session_create(plan, NULL, NULL), RESNET_ERROR_ARGUMENT, "a null pointer");
  FAILS(resnet_plan_get_memory(plan, NULL, NULL), RESNET_ERROR_ARGUMENT, "a null pointer");
#define REFUSES(member, value, status, words)                                                      \
  options = defaults;                                                                              \
  options.member = value;                                                                          \
  FAILS(resnet_session_create(plan, &options, &session), status, words)
  REFUSES(size, 0, RESNET_ERROR_ARGUMENT, "of 88 bytes as of 0.1.0, found 0");
  REFUSES(size, (size_t)-1, RESNET_ERROR_ARGUMENT, "found 18446744073709551615");
  REFUSES(threads, 65, RESNET_ERROR_SESSION, "1 to 64 threads, found 65");
  FAILS(resnet_plan_get_memory(plan, &options, &least), RESNET_ERROR_SESSION, "1 to 64 threads");
  REFUSES(threads, 0xFFFFFFFF, RESNET_ERROR_SESSION, "1 to 64 threads");
  REFUSES(batch, 65, RESNET_ERROR_SESSION, "1 to 64 images");
  REFUSES(batch, 0xFFFFFFFF, RESNET_ERROR_SESSION, "1 to 64 images");
  REFUSES(tuning, 3, RESNET_ERROR_ARGUMENT, "RESNET_TUNING, found 3");
  REFUSES(tuning, RESNET_TUNING_RECORDED, RESNET_ERROR_ARGUMENT, "a null pointer");
  options.tuning_text = "nonsense";
  options.tuning_size = 8;
  FAILS(resnet_session_create(plan, &options, &session), RESNET_ERROR_SESSION, "expected a tuning");
  REFUSES(cpus, "0,0", RESNET_ERROR_SESSION, "different CPUs");
  REFUSES(cpus, "9999", RESNET_ERROR_SESSION, "CPU 9999 does not exist");
  REFUSES(cpus, "0", RESNET_OK, "");
  OK(resnet_session_destroy(session));
  session = none;
  options.threads = 2;
  FAILS(resnet_session_create(plan, &options, &session), RESNET_ERROR_SESSION, "each of 2 threads");
  REFUSES(instruction_set, "mmx", RESNET_ERROR_SESSION, "unknown instruction set");
  REFUSES(memory_limit, 1, RESNET_ERROR_SESSION, "expected memory of at least");
  REFUSES(arena_size, 64, RESNET_ERROR_ARGUMENT, "an arena, found a null pointer");
  REFUSES(arena, &options, RESNET_ERROR_SESSION, "expected an arena of");
  EXPECT(session == none);

  options = defaults;
  options.threads = 1;
  OK(resnet_plan_get_memory(plan, &options, &least));
  options.tuning = RESNET_TUNING_MEASURED;
  OK(resnet_plan_get_memory(plan, &options, &most));
  EXPECT(least > 0 && least < most);
  options.batch = 4;
  size_t batch = 0;
  OK(resnet_plan_get_memory(plan, &options, &batch));
  EXPECT(batch > most);
  options.batch = 0;
  options.tuning = RESNET_TUNING_NONE;
  options.arena_size = least;
  options.arena = allocate(least);
  session = session_of(plan, &options);
  resnet_session_info info;
  info.size = sizeof info;
  OK(resnet_session_get_info(session, &info));
  EXPECT(info.threads == 1 && strlen(info.instruction_set) > 0 && info.byte_count == least);
  OK(resnet_session_destroy(session));
  options.arena_size--;
  session = none;
  FAILS(resnet_session_create(plan, &options, &session), RESNET_ERROR_SESSION, "an arena of");
  free(options.arena);
}

// The logits of the last run.
static const float *logits_of(resnet_session *session) {
  const float *values = NULL;
  size_t count = 0;
  OK(resnet_session_get_output(session, "logits", &values, &count));
  EXPECT(count == 10);
  return values;
}

static int same(resnet_session *session, const float *logits) {
  return memcmp(logits_of(session), logits, 10 * sizeof *logits) == 0;
}

static void check_outputs(resnet_session *session) {
  const float *logits = logits_of(session), *values = NULL;
  size_t count = 0, best[12] = {0};
  float probabilities[12] = {0};
  OK(resnet_session_get_output(session, "features", &values, &count));
  EXPECT(count == 512);
  OK(resnet_session_get_output(session, "probabilities", &values, &count));
  EXPECT(count == 10);
  OK(resnet_session_get_top(session, 12, best, probabilities, &count));
  EXPECT(count == 10 && probabilities[0] == values[best[0]] && probabilities[10] == 0);
  for (size_t i = 1; i < count; i++)
    EXPECT(logits[best[i - 1]] >= logits[best[i]] && probabilities[i - 1] >= probabilities[i]);
  best[1] = 99;
  OK(resnet_session_get_top(session, 1, best, NULL, &count));
  EXPECT(count == 1 && best[1] == 99);
  FAILS(resnet_session_get_top(session, 0, best, NULL, &count), RESNET_ERROR_ARGUMENT, "found 0");
  FAILS(resnet_session_get_top(session, (size_t)-1, best, NULL, &count), RESNET_ERROR_ARGUMENT, "");
  FAILS(resnet_session_get_top(session, 1, NULL, NULL, &count), RESNET_ERROR_ARGUMENT, "null");
  FAILS(resnet_session_get_top(session, 1, best, NULL, NULL), RESNET_ERROR_ARGUMENT, "null");
  uint32_t unknown = 7;
  OK(resnet_session_get_unknown(session, &unknown));
  EXPECT(unknown == 0);
  FAILS(resnet_session_get_unknown(session, NULL), RESNET_ERROR_ARGUMENT, "null");
  FAILS(resnet_session_get_output(session, "scores", &values, &count), RESNET_ERROR_ARGUMENT,
        "logits, probabilities or features, found scores");
  FAILS(resnet_session_get_output(session, NULL, &values, &count), RESNET_ERROR_ARGUMENT, "null");
  FAILS(resnet_session_get_output(session, "logits", NULL, &count), RESNET_ERROR_ARGUMENT, "null");
  FAILS(resnet_session_get_output(session, "logits", &values, NULL), RESNET_ERROR_ARGUMENT, "null");
}

// What a plan tells of its outputs, and their values.
static void check_output_info(resnet_plan *plan, resnet_session *session) {
  resnet_output_info info = {sizeof info, NULL, 0, 0, 0, 0, 0, 0};
  OK(resnet_plan_get_output_info(plan, 0, &info));
  EXPECT(!strcmp(info.name, "features") && info.channels == 512 && info.height == 1);
  EXPECT(info.width == 1 && info.is_uint8 == 0);
  OK(resnet_plan_get_output_info(plan, 1, &info));
  EXPECT(!strcmp(info.name, "logits") && info.channels == 10);
  FAILS(resnet_plan_get_output_info(plan, 2, &info), RESNET_ERROR_ARGUMENT, "an output below 2");
  FAILS(resnet_plan_get_output_info(plan, (size_t)-1, &info), RESNET_ERROR_ARGUMENT, "below 2");
  FAILS(resnet_plan_get_output_info(plan, 0, NULL), RESNET_ERROR_ARGUMENT, "null");
  FAILS(resnet_plan_get_output_info(NULL, 0, &info), RESNET_ERROR_ARGUMENT, "a plan");
  info.size = 4;
  FAILS(resnet_plan_get_output_info(plan, 0, &info), RESNET_ERROR_ARGUMENT, "resnet_output_info");
  float values[12] = {0};
  uint8_t bytes[12];
  for (int is_nhwc = 0; is_nhwc < 2; is_nhwc++) {
    values[10] = 7;
    OK(resnet_session_read_output(session, "logits", is_nhwc, values, 12));
    EXPECT(same(session, values) && values[10] == 7);
  }
  FAILS(resnet_session_read_output(session, "logits", 0, values, 9), RESNET_ERROR_ARGUMENT,
        "room for 10 values, found 9");
  FAILS(resnet_session_read_output(session, "layer3", 0, values, 12), RESNET_ERROR_ARGUMENT,
        "found layer3");
  FAILS(resnet_session_read_output(session, NULL, 0, values, 12), RESNET_ERROR_ARGUMENT, "null");
  FAILS(resnet_session_read_output(session, "logits", 0, NULL, 12), RESNET_ERROR_ARGUMENT, "null");
  FAILS(resnet_session_read_output_bytes(session, "logits", 0, bytes, 12), RESNET_ERROR_ARGUMENT,
        "an output of bytes");
}

// A plan that was taught the class of a photo and knows another photo as a stranger.
static void check_unknown(const char *path, file photo, file stranger) {
  resnet_plan *plan = NULL;
  OK(resnet_plan_open(path, RESNET_MAP, &plan));
  resnet_session *session = session_of(plan, NULL);
  for (uint32_t expected = 0; expected < 2; expected++) {
    const file shown = expected ? stranger : photo;
    uint32_t unknown = 7;
    OK(resnet_session_run_encoded(session, shown.bytes, shown.size));
    OK(resnet_session_get_unknown(session, &unknown));
    EXPECT(unknown == expected);
  }
  OK(resnet_session_destroy(session));
  OK(resnet_plan_close(plan));
}

static void check_tuning(resnet_plan *plan, resnet_session *direct, const float *logits,
                         file photo) {
  resnet_options options = RESNET_OPTIONS_INIT;
  char text[4096];
  size_t size = 0, whole = 0;
  options.tuning = RESNET_TUNING_MEASURED;
  resnet_session *session = session_of(plan, &options);
  OK(resnet_session_get_tuning(session, NULL, 0, &whole));
  EXPECT(whole > 0 && whole < sizeof text);
  text[10] = '?';
  OK(resnet_session_get_tuning(session, text, 10, &size));
  EXPECT(size == whole && text[10] == '?' && memcmp(text, "resnet-run", 10) == 0);
  OK(resnet_session_get_tuning(session, text, sizeof text, &size));
  FAILS(resnet_session_get_tuning(session, NULL, 1, &size), RESNET_ERROR_ARGUMENT, "null");
  FAILS(resnet_session_get_tuning(direct, text, 1, NULL), RESNET_ERROR_ARGUMENT, "null");
  OK(resnet_session_run_encoded(session, photo.bytes, photo.size));
  EXPECT(same(session, logits));
  OK(resnet_session_destroy(session));
  options.tuning = RESNET_TUNING_RECORDED;
  options.tuning_text = text;
  options.tuning_size = whole;
  session = session_of(plan, &options);
  OK(resnet_session_run_encoded(session, photo.bytes, photo.size));
  EXPECT(same(session, logits));
  OK(resnet_session_destroy(session));
}

// Three ways to one answer: the pixels of a square that resizing leaves alone.
static void check_pixels(resnet_plan *plan, resnet_session *session) {
  enum { SIDE = 256, CROP = 224, STRIDE = 3 * SIDE };
  static unsigned char pixels[SIDE * STRIDE], swapped[SIDE * STRIDE];
  float logits[10];
  for (unsigned i = 0; i < sizeof pixels; i++)
    pixels[i] = (unsigned char)(i * 2654435761u >> 24);
  for (unsigned i = 0; i < sizeof pixels; i++)
    swapped[i] = pixels[i / 3 * 3 + 2 - i % 3];
  const unsigned char *centre = pixels + (SIDE - CROP) / 2 * (STRIDE + 3);
  const size_t size = STRIDE * (CROP - 1) + 3 * CROP;
  OK(resnet_session_run_rgb8(session, centre, size, STRIDE));
  memcpy(logits, logits_of(session), sizeof logits);
  static unsigned char packed[3 * CROP * CROP];
  for (size_t y = 0; y < CROP; y++)
    memcpy(packed + 3 * CROP * y, centre + STRIDE * y, 3 * CROP);
  OK(resnet_session_run_rgb8(session, packed, sizeof packed, 0));
  EXPECT(same(session, logits));
  resnet_frame frame = RESNET_FRAME_INIT;
  frame.format = "rgb24";
  frame.width = frame.height = SIDE;
  frame.data = pixels;
  frame.data_size = sizeof pixels;
  OK(resnet_session_run_frame(session, &frame));
  EXPECT(same(session, logits));
  frame.format = "bgr24";
  frame.data = swapped;
  OK(resnet_session_run_frame(session, &frame));
  EXPECT(same(session, logits));
  frame.format = "yuv420";
  frame.matrix = "bt709";
  frame.range = "limited";
  OK(resnet_session_run_frame(session, &frame));
  EXPECT(!same(session, logits));
  memcpy(logits, logits_of(session), sizeof logits);

  FAILS(resnet_session_run_rgb8(NULL, packed, sizeof packed, 0), RESNET_ERROR_ARGUMENT,
        "a session");
  FAILS(resnet_session_run_rgb8(session, NULL, 0, 0), RESNET_ERROR_ARGUMENT, "null");
  FAILS(resnet_session_run_rgb8(session, packed, sizeof packed - 1, 0), RESNET_ERROR_ARGUMENT,
        "an image of 150528 bytes, found 150527");
  FAILS(resnet_session_run_rgb8(session, centre, size - 1, STRIDE), RESNET_ERROR_ARGUMENT, "bytes");
  FAILS(resnet_session_run_rgb8(session, packed, sizeof packed, 671), RESNET_ERROR_IMAGE, "stride");
  FAILS(resnet_session_run_rgb8(session, packed, (size_t)-1, (size_t)-1), RESNET_ERROR_ARGUMENT,
        "");
  FAILS(resnet_session_run_rgb8(session, packed, sizeof packed, (size_t)-1), RESNET_ERROR_IMAGE,
        "");
  FAILS(resnet_session_run_frame(session, NULL), RESNET_ERROR_ARGUMENT, "null");
  const resnet_frame good = frame;
#define REFUSES_FRAME(member, value, status, words)                                                \
  frame = good;                                                                                    \
  frame.member = value;                                                                            \
  FAILS(resnet_session_run_frame(session, &frame), status, words)
  REFUSES_FRAME(size, 1, RESNET_ERROR_ARGUMENT, "of 72 bytes");
  REFUSES_FRAME(format, NULL, RESNET_ERROR_ARGUMENT, "null");
  REFUSES_FRAME(format, "jpeg", RESNET_ERROR_ARGUMENT, "or bgr24, found jpeg");
  REFUSES_FRAME(matrix, "bt2020", RESNET_ERROR_ARGUMENT, "bt601 or bt709, found bt2020");
  REFUSES_FRAME(range, "half", RESNET_ERROR_ARGUMENT, "full or limited, found half");
  REFUSES_FRAME(width, 0, RESNET_ERROR_IMAGE, "expected an image of sides");
  REFUSES_FRAME(width, 0xFFFFFFFF, RESNET_ERROR_IMAGE, "expected an image of sides");
  REFUSES_FRAME(height, 255, RESNET_ERROR_IMAGE, "even sides");
  REFUSES_FRAME(stride, 255, RESNET_ERROR_IMAGE, "stride");
  REFUSES_FRAME(stride, (size_t)-1, RESNET_ERROR_IMAGE, "stride");
  REFUSES_FRAME(chroma_stride, (size_t)1 << 63, RESNET_ERROR_IMAGE, "stride");
  REFUSES_FRAME(data, NULL, RESNET_ERROR_ARGUMENT, "null");
  REFUSES_FRAME(data_size, 98303, RESNET_ERROR_ARGUMENT, "a frame of 98304 bytes, found 98303");
  REFUSES_FRAME(data_size, (size_t)-1, RESNET_ERROR_ARGUMENT, "2^63");
  EXPECT(same(session, logits));

  resnet_session *fresh = session_of(plan, NULL);
  const float *values;
  size_t count, best;
  FAILS(resnet_session_get_output(fresh, "logits", &values, &count), RESNET_ERROR_ARGUMENT,
        "a run");
  FAILS(resnet_session_get_top(fresh, 1, &best, NULL, &count), RESNET_ERROR_ARGUMENT, "a run");
  OK(resnet_session_destroy(fresh));
}

// Several images in one run: the outputs of each are those of a run with it alone.
static void check_batch(resnet_plan *plan, resnet_session *alone) {
  enum { IMAGES = 3, IMAGE = 3 * 224 * 224 };
  static unsigned char pixels[IMAGES * IMAGE];
  for (unsigned i = 0; i < sizeof pixels; i++)
    pixels[i] = (unsigned char)((i + i / IMAGE * 9973) * 2654435761u >> 24);
  resnet_options options = RESNET_OPTIONS_INIT;
  options.threads = 2;
  options.batch = IMAGES;
  resnet_session *session = session_of(plan, &options);
  FAILS(resnet_session_select_image(session, 0), RESNET_ERROR_ARGUMENT, "a run before");
  for (size_t count = IMAGES; count > 0; count--) {
    OK(resnet_session_run_batch(session, pixels, count * IMAGE, count));
    for (size_t image = 0; image < count; image++) {
      const float *features = NULL, *probabilities = NULL, *expected = NULL;
      size_t found = 0, best = 0, expected_best = 1;
      float values[10], logits[10], probability = 0;
      OK(resnet_session_run_rgb8(alone, pixels + image * IMAGE, IMAGE, 0));
      memcpy(logits, logits_of(alone), sizeof logits);
      if (image > 0) // The first one is chosen by itself.
        OK(resnet_session_select_image(session, image));
      EXPECT(same(session, logits));
      OK(resnet_session_read_output(session, "logits", 0, values, 10));
      EXPECT(memcmp(values, logits, sizeof logits) == 0);
      OK(resnet_session_get_output(alone, "features", &expected, &found));
      OK(resnet_session_get_output(session, "features", &features, &found));
      EXPECT(memcmp(features, expected, found * sizeof *features) == 0);
      OK(resnet_session_get_top(alone, 1, &expected_best, NULL, &found));
      OK(resnet_session_get_top(session, 1, &best, &probability, &found));
      OK(resnet_session_get_output(session, "probabilities", &probabilities, &found));
      EXPECT(best == expected_best && probability == probabilities[best]);
    }
    FAILS(resnet_session_select_image(session, count), RESNET_ERROR_ARGUMENT, "an image below");
    FAILS(resnet_session_select_image(session, (size_t)-1), RESNET_ERROR_ARGUMENT, "below");
  }
  FAILS(resnet_session_run_batch(session, pixels, sizeof pixels, 0), RESNET_ERROR_ARGUMENT,
        "1 to 3 images, the session's batch, found 0");
  FAILS(resnet_session_run_batch(session, pixels, sizeof pixels, 4), RESNET_ERROR_ARGUMENT, "4");
  FAILS(resnet_session_run_batch(session, pixels, sizeof pixels, (size_t)-1), RESNET_ERROR_ARGUMENT,
        "found 18446744073709551615");
  FAILS(resnet_session_run_batch(session, pixels, sizeof pixels - 1, 3), RESNET_ERROR_ARGUMENT,
        "3 images of 451584 bytes, found 451583");
  FAILS(resnet_session_run_batch(session, NULL, 0, 1), RESNET_ERROR_ARGUMENT, "null");
  // What was read of the run before stays what it is when one fails, and a single run is the first.
  float before[10];
  OK(resnet_session_run_batch(session, pixels, sizeof pixels, IMAGES));
  OK(resnet_session_select_image(session, 2));
  memcpy(before, logits_of(session), sizeof before);
  FAILS(resnet_session_run_batch(session, pixels, 1, 1), RESNET_ERROR_ARGUMENT, "bytes");
  FAILS(resnet_session_run_rgb8(session, pixels, 1, 0), RESNET_ERROR_ARGUMENT, "bytes");
  EXPECT(same(session, before));
  OK(resnet_session_run_rgb8(session, pixels, IMAGE, 0));
  EXPECT(!same(session, before));
  OK(resnet_session_run_rgb8(session, pixels + 2 * IMAGE, IMAGE, 0));
  EXPECT(same(session, before));
  FAILS(resnet_session_select_image(session, 1), RESNET_ERROR_ARGUMENT, "an image below 1");
  FAILS(resnet_session_run_batch(alone, pixels, sizeof pixels, 2), RESNET_ERROR_ARGUMENT,
        "1 to 1 images");
  OK(resnet_session_destroy(session));
}

static void check_encoded(resnet_plan *plan, resnet_session *session, file photo) {
  resnet_options options = RESNET_OPTIONS_INIT;
  FAILS(resnet_session_run_encoded(session, NULL, 1), RESNET_ERROR_ARGUMENT, "null");
  FAILS(resnet_session_run_encoded(session, photo.bytes, 0), RESNET_ERROR_IMAGE, "JPEG or PNG");
  FAILS(resnet_session_run_encoded(session, photo.bytes, (size_t)-1), RESNET_ERROR_ARGUMENT,
        "2^63");
  FAILS(resnet_session_run_encoded(session, photo.bytes, 100), RESNET_ERROR_IMAGE, "");
  FAILS(resnet_session_run_encoded(session, "GIF89a", 6), RESNET_ERROR_IMAGE, "found GIF");
  options.max_image_pixels = 1000;
  resnet_session *small = session_of(plan, &options);
  FAILS(resnet_session_run_encoded(small, photo.bytes, photo.size), RESNET_ERROR_IMAGE, "pixels");
  OK(resnet_session_destroy(small));
}

typedef struct worker {
  resnet_session *session;
  file photo;
  const float *logits;
  int runs, busy, wrong;
  volatile int *stops;
} worker;

static void *work(void *context) {
  worker *w = (worker *)context;
  while (!*w->stops || w->runs < 20) {
    resnet_status status = resnet_session_run_encoded(w->session, w->photo.bytes, w->photo.size);
    const float *values;
    size_t count;
    if (status == RESNET_OK)
      status = resnet_session_get_output(w->session, "logits", &values, &count);
    if (status == RESNET_OK)
      w->wrong += memcmp(values, w->logits, 10 * sizeof *values) != 0;
    else if (status == RESNET_ERROR_BUSY)
      w->busy++;
    else
      w->wrong++;
    w->runs++;
  }
  return NULL;
}

// Two sessions of one plan, closed already, on two threads; and one session on two threads.
static void check_threads(const char *path, file photo, const float *logits) {
  resnet_plan *plan = NULL;
  OK(resnet_plan_open(path, RESNET_LOAD, &plan));
  resnet_options options = RESNET_OPTIONS_INIT;
  volatile int stops = 1;
  worker workers[2];
  pthread_t threads[2];
  for (int i = 0; i < 2; i++) {
    options.threads = (uint32_t)i + 1;
    worker w = {session_of(plan, &options), photo, logits, 0, 0, 0, &stops};
    workers[i] = w;
  }
  OK(resnet_plan_close(plan));
  for (int i = 0; i < 2; i++)
    EXPECT(pthread_create(&threads[i], NULL, work, &workers[i]) == 0);
  for (int i = 0; i < 2; i++)
    pthread_join(threads[i], NULL);
  for (int i = 0; i < 2; i++)
    EXPECT(workers[i].runs == 20 && workers[i].wrong == 0 && workers[i].busy == 0);

  stops = 0;
  EXPECT(pthread_create(&threads[0], NULL, work, &workers[0]) == 0);
  resnet_session_info info;
  info.size = sizeof info;
  resnet_status status = RESNET_OK;
  for (int tries = 0; status == RESNET_OK && tries < 100000000; tries++)
    status = resnet_session_get_info(workers[0].session, &info);
  FAILS(status, RESNET_ERROR_BUSY, "expected one thread at a time");
  stops = 1;
  pthread_join(threads[0], NULL);
  EXPECT(workers[0].wrong == 0);
  for (int i = 0; i < 2; i++)
    OK(resnet_session_destroy(workers[i].session));
}

// Handles of something else and closed ones, as far as they can be told; all mappings are given
// back.
static void check_lifetimes(const char *path, resnet_plan *plan) {
  int maps = 0;
  for (int i = 0; i < 20; i++) {
    resnet_plan *other = NULL;
    OK(resnet_plan_open(path, i % 2 ? RESNET_LOAD : RESNET_MAP, &other));
    resnet_options options = RESNET_OPTIONS_INIT;
    options.threads = 1;
    resnet_session *session = session_of(other, &options);
    OK(resnet_plan_close(other));
    FAILS(resnet_plan_close((resnet_plan *)session), RESNET_ERROR_ARGUMENT,
          "a plan, found a handle");
    OK(resnet_session_destroy(session));
    if (i == 10)
      maps = count_maps();
  }
  FAILS(resnet_session_destroy((resnet_session *)plan), RESNET_ERROR_ARGUMENT,
        "a session, found a");
  if (SANITIZED)
    return;
  EXPECT(count_maps() <= maps);
  resnet_session *session = session_of(plan, NULL);
  OK(resnet_session_destroy(session));
  FAILS(resnet_session_destroy(session), RESNET_ERROR_ARGUMENT, "closed");
  FAILS(resnet_session_run_encoded(session, "", 0), RESNET_ERROR_ARGUMENT, "closed");
}

enum { CLASSES = 3, PHOTOS = 9, FEATURES = 512 };

// The features of the folder's photos, in the order in which resnet-teach takes them.
static void find_features(resnet_plan *plan, const char *folder, const char *const *names,
                          float *features, uint32_t *labels) {
  resnet_session *session = session_of(plan, NULL);
  for (int i = 0; i < PHOTOS; i++) {
    char path[4096];
    const float *values = NULL;
    size_t count = 0;
    labels[i] = (uint32_t)i / 3;
    snprintf(path, sizeof path, "%s/%s/%d.jpg", folder, names[labels[i]], i % 3);
    file photo = read_file(path);
    OK(resnet_session_run_encoded(session, photo.bytes, photo.size));
    OK(resnet_session_get_output(session, "features", &values, &count));
    EXPECT(count == FEATURES);
    memcpy(features + i * FEATURES, values, FEATURES * sizeof *features);
    free(photo.bytes);
  }
  OK(resnet_session_destroy(session));
}

// Whether two plans are the same byte for byte, but for where they come from.
static int same_plans(const char *path, const char *other) {
  file a = read_file(path), b = read_file(other);
  int is_same = 1;
  for (int section = 0; section < 9; section++) {
    uint64_t at[2], size[2];
    memcpy(&at[0], a.bytes + 72 + 32 * section, 8);
    memcpy(&size[0], a.bytes + 80 + 32 * section, 8);
    memcpy(&at[1], b.bytes + 72 + 32 * section, 8);
    memcpy(&size[1], b.bytes + 80 + 32 * section, 8);
    if (section != 4 && (size[0] != size[1] || memcmp(a.bytes + at[0], b.bytes + at[1], size[0])))
      is_same = 0;
  }
  free(a.bytes);
  free(b.bytes);
  return is_same;
}

static int same_files(const char *path, file expected) {
  file found = read_file(path);
  const int is_same =
      found.size == expected.size && memcmp(found.bytes, expected.bytes, found.size) == 0;
  free(found.bytes);
  return is_same;
}

// Teaching gives the plan that resnet-teach made of the same photos.
static void check_teaching(resnet_plan *plan, const char *bare_path, const char *tool_path,
                           const char *folder) {
  const char *const names[CLASSES] = {"church", "parachute", "tench"};
  static float features[PHOTOS * FEATURES], changed[PHOTOS * FEATURES];
  uint32_t labels[PHOTOS], named[PHOTOS];
  char path[4096], missing[4096];
  snprintf(path, sizeof path, "%s.own", tool_path);
  snprintf(missing, sizeof missing, "%s/none/a.plan", folder);
  find_features(plan, folder, names, features, labels);
  resnet_teaching teaching = RESNET_TEACHING_INIT;
  resnet_teaching_result result = {sizeof result, 0, 0, 0, 0, 0, 0, 0, 0, 0};
  const resnet_teaching_result before = result;
  size_t bytes = 0, with_rule = 0;
  teaching.photo_count = PHOTOS;
  teaching.class_count = CLASSES;
  OK(resnet_plan_get_teaching_memory(plan, &teaching, &bytes));
  teaching.reject = 0.02;
  OK(resnet_plan_get_teaching_memory(plan, &teaching, &with_rule));
  EXPECT(bytes > sizeof features && with_rule > bytes && with_rule < 1 << 21);
  teaching.features = features;
  teaching.labels = labels;
  teaching.class_names = names;
  teaching.named = named;
  OK(resnet_plan_teach(plan, &teaching, path, &result));
  EXPECT(same_plans(path, tool_path));
  EXPECT(result.size == sizeof result && result.right == PHOTOS && result.folds == PHOTOS);
  EXPECT(result.top1_low > 0.5 && result.top1_low < 1 && result.top1_high > 0.999999);
  EXPECT(result.loss > 0 && result.strength > 0 && result.temperature > 0 && result.caught > 0 &&
         result.caught <= 1 && result.false_rejects >= 0 && result.false_rejects <= 0.5);
  EXPECT(memcmp(named, labels, sizeof named) == 0);

  // In place of a plan that is in use; signals stay the program's.
  resnet_plan *taught = NULL;
  resnet_plan_info info;
  info.size = sizeof info;
  OK(resnet_plan_open(path, RESNET_MAP, &taught));
  OK(resnet_plan_get_info(taught, &info));
  EXPECT(strstr(info.provenance, "taught: libresnet-runtime") &&
         strstr(info.provenance, "taught features: 9 of 3 classes, sha256 "));
  const int swapped[PHOTOS] = {0, 1, 2, 6, 7, 8, 3, 4, 5};
  for (int i = 0; i < PHOTOS; i++)
    memcpy(changed + i * FEATURES, features + swapped[i] * FEATURES, FEATURES * sizeof *features);
  teaching.features = changed;
  teaching.reject = 0;
  teaching.named = NULL;
  OK(resnet_plan_teach(taught, &teaching, path, &result));
  EXPECT(result.right == PHOTOS && result.false_rejects == 0 && result.caught == 0);
  EXPECT(!same_plans(path, tool_path) && strcmp(resnet_plan_class_name(taught, 2), "tench") == 0);
  OK(resnet_plan_close(taught));
  struct sigaction action;
  EXPECT(sigaction(SIGTERM, NULL, &action) == 0 && action.sa_handler == SIG_DFL);

  file last = read_file(path);
  teaching.features = features;
  const resnet_teaching good = teaching;
  result = before;
#define REFUSES_TEACHING(member, value, status, words)                                             \
  teaching = good;                                                                                 \
  teaching.member = value;                                                                         \
  FAILS(resnet_plan_teach(plan, &teaching, path, &result), status, words)
#define REFUSES_COUNT(member, value, words)                                                        \
  REFUSES_TEACHING(member, value, RESNET_ERROR_ARGUMENT, words);                                   \
  FAILS(resnet_plan_get_teaching_memory(plan, &teaching, &bytes), RESNET_ERROR_ARGUMENT, words)
  REFUSES_COUNT(size, 8, "a resnet_teaching of 64 bytes");
  REFUSES_COUNT(photo_count, 0, "2 to 1000000 photos, found 0");
  REFUSES_COUNT(photo_count, 1000001, "2 to 1000000 photos, found 1000001");
  REFUSES_COUNT(photo_count, (size_t)-1, "2 to 1000000 photos, found 9223372036854775807");
  REFUSES_COUNT(class_count, 1, "2 to 4096 classes, found 1");
  REFUSES_COUNT(class_count, (size_t)-1, "2 to 4096 classes");
  REFUSES_COUNT(reject, -0.01, "a share to reject of 0 to 0.5, found -0.01");
  REFUSES_COUNT(reject, 0.51, "a share to reject of 0 to 0.5, found 0.51");
  REFUSES_COUNT(reject, (double)NAN, "a share to reject of 0 to 0.5, found nan");
  REFUSES_TEACHING(features, NULL, RESNET_ERROR_ARGUMENT, "features, found a null");
  REFUSES_TEACHING(labels, NULL, RESNET_ERROR_ARGUMENT, "labels, found a null");
  REFUSES_TEACHING(class_names, NULL, RESNET_ERROR_ARGUMENT, "names of classes, found a null");
  uint32_t others[PHOTOS];
  memcpy(others, labels, sizeof others);
  others[4] = CLASSES;
  REFUSES_TEACHING(labels, others, RESNET_ERROR_ARGUMENT, "labels below 3, found 3 of photo 4");
  others[4] = 0xFFFFFFFF;
  REFUSES_TEACHING(labels, others, RESNET_ERROR_ARGUMENT, "found 4294967295 of photo 4");
  others[3] = others[4] = 0;
  REFUSES_TEACHING(labels, others, RESNET_ERROR_ARGUMENT, "2 photos of class 1, found 1");
  char longest[257];
  memset(longest, 'n', sizeof longest);
  longest[256] = 0;
  const char *const wrong_names[] = {NULL,           "",      longest, "a\n", "\x1b[2J", "a\xff",
                                     "\xe2\x80\xae", "tench", "church"};
  const char *const words[] = {"the name of a class, found a null",
                               "names of 1 to 255 bytes, found none of class 1",
                               "names of 1 to 255 bytes, found more of class 1",
                               "without control characters, found a\\x0a of class 1",
                               "found \\x1b[2J of class 1",
                               "found a\\xff of class 1",
                               "found \\xe2\\x80\\xae of class 1",
                               "each class, found tench of classes 1 and 2",
                               "each class, found church of classes 0 and 1"};
  for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
    const char *const some[CLASSES] = {"church", wrong_names[i], "tench"};
    REFUSES_TEACHING(class_names, some, RESNET_ERROR_ARGUMENT, words[i]);
  }
  const float wrong_features[] = {NAN, INFINITY, -INFINITY, 1.1e15F};
  for (size_t i = 0; i < sizeof wrong_features / sizeof *wrong_features; i++) {
    memcpy(changed, features, sizeof changed);
    changed[7 * FEATURES + 5] = wrong_features[i];
    REFUSES_TEACHING(features, changed, RESNET_ERROR_ARGUMENT,
                     "-1e15 to 1e15, found others of photo 7");
  }
  memset(changed, 0, sizeof changed);
  REFUSES_TEACHING(features, changed, RESNET_ERROR_ARGUMENT, "photos that differ");
  FAILS(resnet_plan_teach(NULL, &good, path, &result), RESNET_ERROR_ARGUMENT,
        "a plan, found a null");
  FAILS(resnet_plan_teach(plan, NULL, path, &result), RESNET_ERROR_ARGUMENT, "a null pointer");
  FAILS(resnet_plan_teach(plan, &good, NULL, &result), RESNET_ERROR_ARGUMENT,
        "a path, found a null");
  FAILS(resnet_plan_teach(plan, &good, path, NULL), RESNET_ERROR_ARGUMENT, "a null pointer");
  FAILS(resnet_plan_get_teaching_memory(plan, &good, NULL), RESNET_ERROR_ARGUMENT,
        "a null pointer");
  FAILS(resnet_plan_teach(plan, &good, "/", &result), RESNET_ERROR_FILE, "a regular file");
  FAILS(resnet_plan_teach(plan, &good, missing, &result), RESNET_ERROR_FILE, "No such file");
  // As a full disk: the file that was there stays.
  struct rlimit limit;
  EXPECT(getrlimit(RLIMIT_FSIZE, &limit) == 0 && signal(SIGXFSZ, SIG_IGN) == SIG_DFL);
  const rlim_t whole = limit.rlim_cur;
  limit.rlim_cur = 100000;
  EXPECT(setrlimit(RLIMIT_FSIZE, &limit) == 0);
  FAILS(resnet_plan_teach(plan, &good, path, &result), RESNET_ERROR_FILE, "File too large");
  limit.rlim_cur = whole;
  EXPECT(setrlimit(RLIMIT_FSIZE, &limit) == 0);
  resnet_plan *bare = NULL;
  OK(resnet_plan_open(bare_path, RESNET_MAP, &bare));
  FAILS(resnet_plan_teach(bare, &good, path, &result), RESNET_ERROR_ARGUMENT,
        "expected a plan with the output features");
  OK(resnet_plan_close(bare));
  result.size = 8;
  FAILS(resnet_plan_teach(plan, &good, path, &result), RESNET_ERROR_ARGUMENT, "of 72 bytes");
  result.size = before.size;
  EXPECT(memcmp(&result, &before, sizeof before) == 0 && same_files(path, last));
  free(last.bytes);
}

int main(int argc, char **argv) {
  if (argc != 8) {
    fprintf(stderr,
            "usage: check-library PLAN PHOTO LOGITS TAUGHT_PLAN STRANGER PHOTOS BARE_PLAN\n");
    return 2;
  }
  file photo = read_file(argv[2]), stranger = read_file(argv[5]);
  check_layouts();
  check_plans(argv[1], argv[2]);
  resnet_plan *plan = NULL;
  OK(resnet_plan_open(argv[1], RESNET_MAP, &plan));
  check_options(plan);
  resnet_session *session = NULL;
  OK(resnet_session_create(plan, NULL, &session));
  OK(resnet_session_run_encoded(session, photo.bytes, photo.size));
  float logits[10];
  memcpy(logits, logits_of(session), sizeof logits);
  check_outputs(session);
  check_output_info(plan, session);
  check_encoded(plan, session, photo);
  EXPECT(same(session, logits));
  check_tuning(plan, session, logits, photo);
  check_pixels(plan, session);
  check_batch(plan, session);
  OK(resnet_session_destroy(session));
  check_teaching(plan, argv[7], argv[4], argv[6]);
  check_lifetimes(argv[1], plan);
  OK(resnet_plan_close(plan));
  check_threads(argv[1], photo, logits);
  check_unknown(argv[4], photo, stranger);
  free(photo.bytes);
  free(stranger.bytes);
  FILE *output = fopen(argv[3], "wb");
  if (!output || fwrite(logits, sizeof *logits, 10, output) != 10 || fclose(output) != 0)
    return 2;
  printf("%s: %d checks, %d failed\n", resnet_version(), checks, failures);
  return failures > 0;
}
