// SPDX-License-Identifier: Apache-2.0
#include "buffers.h"
#include "compare.h"
#include "slots.h"
#include <float.h>
#include <math.h>
#include <string.h>

enum { pool_random, pool_greatest, pool_least, pool_kinds };
static const char *const kind_names[] = {"random", "greatest", "least"};

static void fill_q8(check_random *random, int kind, uint8_t *values, size_t count) {
  random_bytes(random, values, count);
  if (kind != pool_random)
    memset(values, kind == pool_greatest ? 255 : 0, count);
}

// No -0: a maximum may return either zero.
static void fill_f32(check_random *random, int kind, float *values, size_t count) {
  static const float large[] = {FLT_MAX, FLT_MIN, 1e-42f, INFINITY, 1};
  for (size_t i = 0; i < count; i++) {
    values[i] = kind == pool_random     ? random_float(random) + 0.0f
                : kind == pool_greatest ? large[random_below(random, 5)]
                                        : -large[random_below(random, 5)];
  }
}

static void maxpool(check_run *run, uint32_t width, uint32_t channels, int kind) {
  check_begin(run);
  const size_t count = (2 * (size_t)width + 1) * channels;
  // The lowest row of an image lies outside of it and is given as its neighbour.
  const bool is_border = random_below(&run->random, 4) == 0;
  check_describe(run, "%u pixels of %u channels, %s data%s", width, channels, kind_names[kind],
                 is_border ? ", two rows the same" : "");
  rn_maxpool_args a = {.output_width = width, .channels = channels};
  for (int row = 0; row < 3; row++) {
    void *values = buffer_input(count * run->element);
    if (run->element == 1)
      fill_q8(&run->random, kind, values, count);
    else
      fill_f32(&run->random, kind, values, count);
    a.rows[row] = values;
  }
  if (is_border)
    a.rows[2] = a.rows[1];
  const check_output o = check_output_row(width * channels, run->element);
  a.output = o.expected;
  CHECK_REFERENCE(run, SLOT_KERNEL(run, run->reference, maxpool_q8, maxpool_f32)(&a));
  a.output = o.found;
  for (int row = 0; row < 3; row++)
    a.rows[row] = check_flipped(run, a.rows[row], count);
  check_flip_found(run, &o);
  CHECK_KERNEL(run, SLOT_KERNEL(run, run->kernels, maxpool_q8, maxpool_f32)(&a));
  check_flip_found(run, &o);
  check_compare(run, &o);
  check_end(run);
}

void check_maxpool(check_run *run) {
  static const uint32_t widths[] = {1,  2,  3,  4,  5,  6,  7,  8,  9,  10, 11,
                                    12, 13, 14, 15, 16, 17, 25, 28, 49, 56, 112};
  for (unsigned w = 0; w < sizeof widths / sizeof widths[0]; w++)
    for (uint32_t channels = 16; channels <= 128; channels += channels < 80 ? 16 : 48)
      for (int kind = 0; kind < pool_kinds; kind++)
        maxpool(run, widths[w], channels, kind);
}

static void avgpool(check_run *run, uint32_t height, uint32_t width, uint32_t channels, int kind) {
  check_begin(run);
  const size_t input_row =
      (size_t)width * channels + random_below(&run->random, 2) * random_below(&run->random, 100);
  const size_t count = (height - 1) * input_row + (size_t)width * channels;
  check_describe(run, "%ux%u pixels of %u channels (row %zu), %s data", height, width, channels,
                 input_row, kind_names[kind]);
  void *input = buffer_input(count * run->element);
  if (run->element == 1) {
    fill_q8(&run->random, kind, input, count);
  } else {
    // Magnitudes that show the order of the sum; no infinities, whose difference has no fixed bits.
    static const float magnitudes[] = {1, 1e30f, 1e-38f};
    float *values = input;
    for (size_t i = 0; i < count; i++)
      values[i] = random_float(&run->random) * magnitudes[kind];
  }
  rn_avgpool_args a = {.input = input,
                       .input_row = input_row,
                       .height = height,
                       .width = width,
                       .channels = channels,
                       .zero = (int32_t)random_below(&run->random, 256),
                       .multiplier = fabsf(random_float(&run->random)) / (float)(height * width)};
  const check_output o = check_output_row(channels, sizeof(float));
  a.features = o.expected;
  CHECK_REFERENCE(run, SLOT_KERNEL(run, run->reference, avgpool_q8, avgpool_f32)(&a));
  a.features = o.found;
  a.input = check_flipped(run, input, count);
  CHECK_KERNEL(run, SLOT_KERNEL(run, run->kernels, avgpool_q8, avgpool_f32)(&a));
  check_compare(run, &o);
  check_end(run);
}

void check_avgpool(check_run *run) {
  static const uint32_t sizes[][2] = {{1, 1}, {1, 2}, {2, 1}, {3, 5},  {4, 4},
                                      {7, 7}, {8, 8}, {9, 7}, {1, 49}, {13, 17}};
  static const uint32_t channels[] = {16, 32, 48, 112, 512, 2048};
  for (unsigned s = 0; s < sizeof sizes / sizeof sizes[0]; s++)
    for (unsigned c = 0; c < sizeof channels / sizeof channels[0]; c++)
      for (int kind = 0; kind < pool_kinds; kind++)
        avgpool(run, sizes[s][0], sizes[s][1], channels[c], kind);
  // As many pixels as the contract of bytes allows: 2^24 / 255.
  if (run->element == 1)
    avgpool(run, 257, 256, 16, pool_greatest);
}
