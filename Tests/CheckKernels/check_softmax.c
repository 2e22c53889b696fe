// SPDX-License-Identifier: Apache-2.0
#include "buffers.h"
#include "compare.h"
#include "slots.h"
#include <float.h>
#include <math.h>
#include <string.h>

typedef enum logits {
  logits_typical,
  logits_equal,
  logits_wide,
  logits_extreme,
  logits_kinds
} logits;

static void one(check_run *run, uint32_t count, logits kind, bool is_in_place) {
  check_begin(run);
  static const char *const names[] = {"typical", "equal", "wide", "extreme"};
  check_describe(run, "%u %s logits%s", count, names[kind], is_in_place ? ", in place" : "");
  float *logits = buffer_input(count * sizeof(float));
  static const float extremes[] = {FLT_MAX, -FLT_MAX, 0, -0.0f, 1e-42f, -103.9f};
  for (uint32_t i = 0; i < count; i++) {
    const float number = random_float(&run->random);
    // Wide: the exponential goes through the subnormals to 0.
    logits[i] = kind == logits_typical ? 12.0f * number
                : kind == logits_equal ? -3.25f
                : kind == logits_wide  ? 80.0f * number
                                       : extremes[random_below(&run->random, 6)];
  }
  const check_output o = check_output_row(count, sizeof(float));
  if (is_in_place)
    memcpy(o.found, logits, count * sizeof(float));
  CHECK_REFERENCE(run, run->reference->softmax_f32(logits, o.expected, count));
  CHECK_KERNEL(run, run->kernels->softmax_f32(is_in_place ? o.found : logits, o.found, count));
  check_compare(run, &o);
  check_end(run);
}

void check_softmax_f32(check_run *run) {
  static const uint32_t counts[] = {1,  2,  3,  4,  5,  7,  8,  9,   10,   15,
                                    16, 17, 31, 32, 33, 63, 64, 100, 1000, 1001};
  for (unsigned i = 0; i < sizeof counts / sizeof counts[0]; i++) {
    for (logits kind = 0; kind < logits_kinds; kind++) {
      one(run, counts[i], kind, false);
      one(run, counts[i], kind, true);
    }
  }
}

// What the definition says, within the error of the exponential and three roundings.
static bool is_sigmoid(float value, float result) {
  const double expected = 1 / (1 + exp(-(double)value));
  return isnan(value) ? isnan(result)
                      : fabs((double)result - expected) <= expected * 0x1p-22 + FLT_MIN;
}

static void one_sigmoid(check_run *run, uint32_t count, bool is_in_place) {
  check_begin(run);
  check_describe(run, "%u values%s", count, is_in_place ? ", in place" : "");
  float *values = buffer_input(count * sizeof(float));
  static const float extremes[] = {FLT_MAX,   -FLT_MAX, 0,      -0.0f,   1e-42f,  INFINITY,
                                   -INFINITY, 88.8f,    -88.8f, -103.9f, -104.1f, 17.4f};
  for (uint32_t i = 0; i < count; i++)
    values[i] = random_below(&run->random, 4) ? 20 * random_float(&run->random)
                                              : extremes[random_below(&run->random, 12)];
  const check_output o = check_output_row(count, sizeof(float));
  if (is_in_place)
    memcpy(o.found, values, count * sizeof(float));
  CHECK_REFERENCE(run, run->reference->sigmoid_f32(values, o.expected, count));
  CHECK_KERNEL(run, run->kernels->sigmoid_f32(is_in_place ? o.found : values, o.found, count));
  check_compare(run, &o);
  for (uint32_t i = 0; i < count; i++)
    if (!is_sigmoid(values[i], ((const float *)o.found)[i]))
      check_fail(run, "of %a: %a", (double)values[i], (double)((const float *)o.found)[i]);
  check_end(run);
}

void check_sigmoid_f32(check_run *run) {
  for (uint32_t count = 1; count <= 1000; count += 1 + count / 3) {
    one_sigmoid(run, count, false);
    one_sigmoid(run, count, true);
  }
}
