// SPDX-License-Identifier: Apache-2.0
// Runs ResNet image classifiers on Linux: the whole interface of libresnet-runtime, for C99 and
// C++.
//
//   resnet_plan *plan;
//   resnet_session *session;
//   size_t best[3], count;
//   float probabilities[3];
//   if (resnet_plan_open("resnet18.plan", RESNET_MAP, &plan) ||
//       resnet_session_create(plan, NULL, &session) ||
//       resnet_session_run_encoded(session, jpeg, jpeg_size) ||
//       resnet_session_get_top(session, 3, best, probabilities, &count))
//     fprintf(stderr, "%s\n", resnet_error_text());
//
// A plan is a file that resnet-quantize made of a network. A session is a plan that is ready to
// run: with its memory and threads. Build with `pkg-config --cflags --libs resnet-runtime`.
//
// Errors. What can fail returns a resnet_status: RESNET_OK, which is 0, or why not. It then leaves
// what its pointers name as it was, and resnet_error_text has the words. Null pointers, wrong
// sizes and, as far as they can be told, handles that were closed are such errors.
//
// Lifetimes. Whoever opens a plan closes it, and whoever creates a session destroys it. Sessions
// keep what they need of their plan: it may be closed before them. Arguments are read during the
// call only, but for the two that say otherwise: the bytes of a plan, and an arena. Texts are
// UTF-8, end with a zero byte and belong to the library.
//
// Threads. A plan can be used by any number of threads at once. A session is used by one thread at
// a time, whichever: a call while another one works on it returns RESNET_ERROR_BUSY. Sessions do
// not disturb each other, also those of one plan, whose weights they share. In a child of fork(),
// what the parent created with more than one thread does not run.
//
// Allocation. Opening and creating allocate. Running RGB8 and frames of the same size as the ones
// before, reading outputs and everything else do not; running encoded images takes what decoding
// and resizing need, and teaching what resnet_plan_get_teaching_memory tells, and they free it
// before they return.
//
// Growth. The first member of a struct is its size, which the caller sets: sizeof of the struct.
// Later versions may add functions, and members at the end, and take the sizes of today.
#ifndef RESNET_RUNTIME_H
#define RESNET_RUNTIME_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/// A plan, opened.
typedef struct resnet_plan resnet_plan;

/// A plan that is ready to run.
typedef struct resnet_session resnet_session;

/// How a call went.
typedef enum resnet_status {
  /// All was done.
  RESNET_OK = 0,
  /// An argument is wrong whatever the files and the machine: a null pointer, a size, a name.
  RESNET_ERROR_ARGUMENT = 1,
  /// A file cannot be read or written.
  RESNET_ERROR_FILE = 2,
  /// A plan is damaged or of another version, or no plan.
  RESNET_ERROR_PLAN = 3,
  /// The session that was asked for is impossible here: threads, CPUs, instruction set, memory
  /// limit, arena, tuning.
  RESNET_ERROR_SESSION = 4,
  /// An image is damaged, too large, or of a format that is not decoded.
  RESNET_ERROR_IMAGE = 5,
  /// The system gave no memory.
  RESNET_ERROR_MEMORY = 6,
  /// Another thread is using the session.
  RESNET_ERROR_BUSY = 7
} resnet_status;

/// What was expected and what was found, at the last failure of the calling thread; "" before
/// there was one. Valid until its next failure; cut off after 511 bytes.
const char *resnet_error_text(void);

/// The version of the library, such as "0.1.0".
const char *resnet_version(void);

// Plans

enum {
  /// The weights stay in the file's pages (or the caller's bytes), which all processes share and
  /// which are read when they are needed. Replace plans by renaming: if the file becomes shorter,
  /// who touches its lost pages gets SIGBUS.
  RESNET_MAP = 0,
  /// The plan is copied into memory of this process: its source does not matter any more.
  RESNET_LOAD = 1
};

/// Opens and validates a plan. `flags`: RESNET_MAP or RESNET_LOAD.
resnet_status resnet_plan_open(const char *path, uint32_t flags, resnet_plan **plan);

/// The same for a plan in memory. With RESNET_MAP the bytes start at a multiple of 64 and stay as
/// they are as long as the plan and its sessions live; with RESNET_LOAD they are copied.
resnet_status resnet_plan_open_memory(const void *bytes, size_t size, uint32_t flags,
                                      resnet_plan **plan);

/// Closes a plan; its sessions live on. NULL is fine.
resnet_status resnet_plan_close(resnet_plan *plan);

/// What there is to know of a plan.
typedef struct resnet_plan_info {
  size_t size;
  /// Height and width of the image that the network takes, in pixels; three bytes each.
  uint32_t input_height, input_width;
  /// How many logits (and probabilities), and how many pooled features there are; 0 of a plan
  /// without that output.
  uint32_t class_count, feature_count;
  /// Bytes of the plan.
  uint64_t byte_count;
  /// A line about the network, valid as long as the plan or a session of it lives.
  const char *summary;
  /// Where the plan comes from: lines of `key: value`, valid as long as the plan or a session of it
  /// lives.
  const char *provenance;
  // How a photo becomes the network's image, which resnet_session_run_frame and
  // resnet_session_run_encoded do: resized as `fit` says, then cut to the centre.
  /// How: 0 as small as covers `resize`, 1 exactly that, 2 as large as it has room for, between
  /// black borders.
  uint32_t fit;
  /// Pixels.
  uint32_t resize_height, resize_width;
  /// Pillow's filter: 0 bilinear, 1 bicubic, 2 nearest, 3 lanczos, 4 box.
  uint32_t interpolation;
  /// Whether R, G and B all become Pillow's grey.
  uint32_t is_grey;
  /// A byte b of R, G or B stands for (b / 255 - mean) / std; the network does this itself.
  float mean[3], std[3];
  /// How many outputs the plan has, at least 1.
  uint32_t output_count;
} resnet_plan_info;

/// Fills *info, whose `size` the caller has set.
resnet_status resnet_plan_get_info(const resnet_plan *plan, resnet_plan_info *info);

/// The name of a class, counted from 0, valid as long as the plan or a session of it lives; NULL if
/// the plan has no names or not so many classes.
const char *resnet_plan_class_name(const resnet_plan *plan, size_t index);

/// What there is to know of an output of a plan.
typedef struct resnet_output_info {
  size_t size;
  /// Such as logits or layer3, valid as long as the plan or a session of it lives.
  const char *name;
  /// Of a vector, height and width are 1.
  uint32_t channels, height, width;
  /// Whether a session has it as bytes, of which a value is scale * (byte - zero_point), rather
  /// than as float.
  uint32_t is_uint8;
  float scale;
  uint32_t zero_point;
} resnet_output_info;

/// Fills *info, whose `size` the caller has set, for the output `index`, counted from 0.
resnet_status resnet_plan_get_output_info(const resnet_plan *plan, size_t index,
                                          resnet_output_info *info);

// Sessions

/// How a session chooses between direct sums and exact Winograd forms for its int8 convolutions.
/// The results do not depend on it; time and memory do.
enum {
  /// Direct sums: the least memory, and the shortest start.
  RESNET_TUNING_NONE = 0,
  /// Each form is timed on this CPU when the session is created, which takes as long as some ten
  /// runs.
  RESNET_TUNING_MEASURED = 1,
  /// What resnet_session_get_tuning wrote.
  RESNET_TUNING_RECORDED = 2
};

/// What a session should be; start with RESNET_OPTIONS_INIT. Zero is the default of every member
/// but the first.
typedef struct resnet_options {
  size_t size;
  /// 1 to 64 threads, the calling one included, or 0: one for each CPU of `cpus` or else for each
  /// fast core. The results do not depend on it.
  uint32_t threads;
  /// One of RESNET_TUNING_NONE, _MEASURED and _RECORDED.
  uint32_t tuning;
  /// The text of RESNET_TUNING_RECORDED and its bytes.
  const char *tuning_text;
  size_t tuning_size;
  /// The CPU that each thread is bound to, such as "4-7" or "0,2"; NULL leaves it to the system.
  /// The calling thread, which is the first, is bound by nobody but its program.
  const char *cpus;
  /// The highest level to use, such as "avx2" or "neon"; NULL for that of the environment variable
  /// RN_ISA, or the best of this CPU.
  const char *instruction_set;
  /// Bytes that the plan and the session may take together; 0 for no limit.
  uint64_t memory_limit;
  /// Memory for the session that starts at a multiple of 64 and outlives it; NULL to allocate it.
  /// resnet_plan_get_memory tells how many bytes are enough.
  void *arena;
  size_t arena_size;
  /// Encoded images of more pixels are refused before they take memory; 0 for 268,435,456, the
  /// most.
  uint64_t max_image_pixels;
  /// The most images of a resnet_session_run_batch, up to 64; 0 for 1. The results do not depend on
  /// it; memory and, with more than one thread, time do.
  uint32_t batch;
} resnet_options;

#define RESNET_OPTIONS_INIT                                                                        \
  { sizeof(resnet_options), 0, 0, NULL, 0, NULL, NULL, 0, NULL, 0, 0, 0 }

/// Tells how many bytes of arena a session with these options (or NULL) needs; with a tuning, how
/// many it uses at most, of which those of RESNET_TUNING_NONE are indispensable. Besides, a
/// session takes 3 bytes for each pixel of its `batch` inputs, 4 for each class and its threads'
/// stacks.
resnet_status resnet_plan_get_memory(const resnet_plan *plan, const resnet_options *options,
                                     size_t *bytes);

/// Makes a session of a plan. NULL stands for RESNET_OPTIONS_INIT.
resnet_status resnet_session_create(const resnet_plan *plan, const resnet_options *options,
                                    resnet_session **session);

/// Ends the threads of a session and frees its memory. NULL is fine.
resnet_status resnet_session_destroy(resnet_session *session);

/// What a session is.
typedef struct resnet_session_info {
  size_t size;
  /// Threads, the calling one included: fewer than were asked for where the system started fewer.
  uint32_t threads;
  /// The highest level in use, such as "avx512vnni".
  const char *instruction_set;
  /// Bytes of the session's memory, weights for exact forms included.
  uint64_t byte_count;
} resnet_session_info;

/// Fills *info, whose `size` the caller has set.
resnet_status resnet_session_get_info(resnet_session *session, resnet_session_info *info);

/// Writes the forms that the session uses as text without a zero byte, for RESNET_TUNING_RECORDED
/// with the same plan, CPU and number of threads. Sets *size to the bytes of the whole text, of
/// which at most `room` are written; `text` may be NULL if `room` is 0.
resnet_status resnet_session_get_tuning(resnet_session *session, char *text, size_t room,
                                        size_t *size);

// Running. Outputs remain those of the run before if a run fails.

/// Runs the network on an image of the size of its input: R, G, B of each pixel, a byte each, rows
/// from top to bottom and `stride` bytes apart, or 0 for rows without padding. `size`: the bytes
/// that there are; behind the last row need be none.
resnet_status resnet_session_run_rgb8(resnet_session *session, const uint8_t *pixels, size_t size,
                                      size_t stride);

/// The same for `count` images, one behind the other without padding, at most the session's
/// `batch`. Each thread computes whole images as long as there are enough, which takes less time
/// than one after the other. What is read of outputs is of the first image until
/// resnet_session_select_image names another.
resnet_status resnet_session_run_batch(resnet_session *session, const uint8_t *pixels, size_t size,
                                       size_t count);

/// Makes the outputs that are read those of the image `index` of the last run, counted from 0,
/// until the next run.
resnet_status resnet_session_select_image(resnet_session *session, size_t index);

/// An image of any size, such as a frame of a camera; start with RESNET_FRAME_INIT.
typedef struct resnet_frame {
  size_t size;
  /// How the pixels lie, with FFmpeg's names: rgb24, bgr24, gray8, yuv420 (I420), yuv422, nv12,
  /// nv21, yuyv, yvyu or uyvy.
  const char *format;
  /// 1 to 16384 pixels, even where two of them share a sample of U and V.
  uint32_t width, height;
  /// Bytes from one row of the first plane to the next; 0 for rows without padding.
  size_t stride;
  /// The same of the planes of U and V; 0 for `stride`, or half of it in yuv420 and yuv422.
  size_t chroma_stride;
  /// The weights in Y: "bt601" (NULL too) or "bt709".
  const char *matrix;
  /// Black and white: "full" (NULL too), 0 to 255, or "limited", 16 to 235.
  const char *range;
  /// All planes, one behind the other; the last row of each has its padding too.
  const void *data;
  size_t data_size;
} resnet_frame;

#define RESNET_FRAME_INIT                                                                          \
  { sizeof(resnet_frame), NULL, 0, 0, 0, 0, NULL, NULL, NULL, 0 }

/// Resizes and cuts a frame as the plan says and runs the network. Allocates if the frame before
/// was of other sizes or of another format: 3 bytes for each of its pixels, and what resizing
/// needs, until the session is destroyed.
resnet_status resnet_session_run_frame(resnet_session *session, const resnet_frame *frame);

/// Decodes a JPEG or PNG image, turns it upright as its EXIF data say, resizes and cuts it as the
/// plan says and runs the network.
resnet_status resnet_session_run_encoded(resnet_session *session, const void *bytes, size_t size);

/// Finds an output of the last run: "logits", "probabilities" (0 to 1: the softmax of the logits
/// or, of a single one, its sigmoid) or "features" (the pooled vector before the classifier).
/// *values are valid until the next run. Logits and features have a place for each image of a
/// batch, probabilities one for all: they are valid until something is read of another image. No
/// place changes as long as the session lives.
resnet_status resnet_session_get_output(resnet_session *session, const char *name,
                                        const float **values, size_t *count);

/// Copies an output of the last run by its name, such as "layer3", to `values`, room for `count` of
/// them, as float: channels x height x width of them or, with `is_nhwc`, height x width x channels.
resnet_status resnet_session_read_output(resnet_session *session, const char *name, int is_nhwc,
                                         float *values, size_t count);

/// The same of the bytes of an output that is_uint8.
resnet_status resnet_session_read_output_bytes(resnet_session *session, const char *name,
                                               int is_nhwc, uint8_t *bytes, size_t count);

/// Finds the most probable classes of the last run, the most probable one first, by their logits.
/// Writes at most `room` indices, and their probabilities unless that is NULL; sets *count to
/// how many, fewer than `room` only if there are fewer classes.
resnet_status resnet_session_get_top(resnet_session *session, size_t room, size_t *indices,
                                     float *probabilities, size_t *count);

/// Tells whether the image of the last run shows none of the plan's classes: sets *unknown to 1 or
/// 0. Only plans that were taught with a share to reject can tell; of others it is 0.
resnet_status resnet_session_get_unknown(resnet_session *session, uint32_t *unknown);

// Teaching: a plan with classes of one's own, as resnet-teach makes it of folders of photos.

/// Photos to teach a plan with, which are there as their features; start with RESNET_TEACHING_INIT.
///
/// The same features in the same order give the same plan, on every CPU. resnet-teach takes classes
/// and the photos of a class in the order of their names. Photos that are nearly the same, such as
/// frames of one second, should be neighbours among those of their class: then they are left out
/// together, and what the result says is true of other photos too. Of at most 100 photos with fewer
/// than 10 of some class, each is left out alone: there, near copies make the accuracy too good.
typedef struct resnet_teaching {
  size_t size;
  /// What resnet_session_get_output gives as "features", of one photo behind the other: photo_count
  /// x feature_count of the plan, -1e15 to 1e15.
  const float *features;
  /// The class of each photo, 0 to class_count - 1.
  const uint32_t *labels;
  /// 2 to 1,000,000 photos.
  size_t photo_count;
  /// The names of the classes, 1 to 255 bytes each: UTF-8 without control characters, no two alike.
  const char *const *class_names;
  /// 2 to 4096 classes, with at least 2 photos each.
  size_t class_count;
  /// The share of the photos of these classes that may be taken for strangers by
  /// resnet_session_get_unknown, above 0 and up to 0.5; 0 for a plan that tells no strangers.
  double reject;
  /// Room for the class that each photo is named by a classifier that was taught without it, or
  /// NULL: a photo that is not named as its label says may have the wrong one.
  uint32_t *named;
} resnet_teaching;

#define RESNET_TEACHING_INIT                                                                       \
  { sizeof(resnet_teaching), NULL, NULL, 0, NULL, 0, 0, NULL }

/// What is known of a taught plan, from photos that were left out by turns.
typedef struct resnet_teaching_result {
  size_t size;
  /// How many photos were named right, and the parts that were left out: as many as photos if each
  /// was left out alone.
  uint32_t right, folds;
  /// Of all such photos, a share between these is named right, with a probability of 95 %.
  double top1_low, top1_high;
  /// The mean loss, with the probabilities of the plan.
  double loss;
  /// What squared weights were multiplied by: 1 / C of scikit-learn; and what the logits were
  /// divided by, so that the probabilities can be believed.
  double strength, temperature;
  /// The share of the photos that is taken for strangers, and of the photos of a class that is left
  /// out, which are strangers then; 0 without `reject`.
  double false_rejects, caught;
} resnet_teaching_result;

/// Tells how many bytes resnet_plan_teach takes, in one block; it reads the counts of *teaching and
/// whether there is something to reject, and no more.
resnet_status resnet_plan_get_teaching_memory(const resnet_plan *plan,
                                              const resnet_teaching *teaching, size_t *bytes);

/// Makes a plan with the network of `plan` and a classifier of the photos' classes, writes it to
/// the file at `path` and fills *result, whose `size` the caller has set. `plan` has the output
/// "features"; its own classifier, if there is one, is replaced. The file appears whole, in place
/// of one that has its name, or not at all; plans that are open stay what they are. Takes a
/// second or so for 500 photos.
resnet_status resnet_plan_teach(const resnet_plan *plan, const resnet_teaching *teaching,
                                const char *path, resnet_teaching_result *result);

#ifdef __cplusplus
}
#endif

#endif
