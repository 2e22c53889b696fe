// SPDX-License-Identifier: Apache-2.0
#include "buffers.h"
#include "compare.h"
#include "slots.h"
#include <float.h>
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
