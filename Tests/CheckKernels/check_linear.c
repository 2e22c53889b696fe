// SPDX-License-Identifier: Apache-2.0
#include "buffers.h"
#include "compare.h"
#include "slots.h"
#include <string.h>

typedef enum linear_data {
  linear_typical,
  linear_greatest,
  linear_cancelling,
  linear_kinds
} linear_data;

static void one(check_run *run, uint32_t inputs, uint32_t blocks, linear_data data) {
  check_begin(run);
  check_random *random = &run->random;
  const uint32_t outputs = blocks * RN_CHANNEL_BLOCK;
  uint32_t first = 0, last = blocks;
  if (random_below(random, 2)) {
    first = random_below(random, blocks + 1);
    last = first + random_below(random, blocks - first + 1);
  }
  static const char *const names[] = {"typical", "greatest", "cancelling"};
  check_describe(run, "%u inputs, %u outputs, blocks [%u, %u), %s data", inputs, outputs, first,
                 last, names[data]);
  float *features = buffer_input(inputs * sizeof(float));
  int8_t *weights = buffer_input((size_t)inputs * outputs);
  float *multiplier = buffer_input(outputs * sizeof(float));
  float *bias = buffer_input(outputs * sizeof(float));
  for (uint32_t i = 0; i < inputs; i++) {
    const float number = random_float(random);
    // Cancelling: sums whose bits depend on the order and on every rounding.
    features[i] = data == linear_typical    ? number + 1.0f
                  : data == linear_greatest ? (i % 3 ? 1e30f : -1e30f)
                                            : number * (i % 2 ? 1e8f : 1e-3f);
  }
  for (size_t i = 0; i < (size_t)inputs * outputs; i++)
    weights[i] = (int8_t)(data == linear_greatest ? (random_below(random, 2) ? 127 : -127)
                                                  : random_between(random, -127, 127));
  for (uint32_t o = 0; o < outputs; o++) {
    multiplier[o] = random_float(random) * 1e-2f;
    bias[o] = random_below(random, 8) ? random_float(random) : -0.0f;
  }
  rn_linear_q8_args a = {.features = features,
                         .weights = weights,
                         .multiplier = multiplier,
                         .bias = bias,
                         .inputs = inputs,
                         .output_blocks = blocks};
  check_output o = check_output_row(outputs, sizeof(float));
  o.unit_channels = RN_CHANNEL_BLOCK;
  o.first = first;
  o.last = last;
  a.logits = o.expected;
  CHECK_REFERENCE(run, run->reference->linear_q8(&a, first, last));
  a.logits = o.found;
  CHECK_KERNEL(run, run->kernels->linear_q8(&a, first, last));
  check_compare(run, &o);
  check_end(run);
}

void check_linear_q8(check_run *run) {
  static const uint32_t inputs[] = {1, 2, 3, 4, 5, 7, 8, 15, 16, 17, 33, 512, 2048};
  static const uint32_t blocks[] = {1, 2, 3, 5, 8, 63};
  for (unsigned i = 0; i < sizeof inputs / sizeof inputs[0]; i++)
    for (unsigned b = 0; b < sizeof blocks / sizeof blocks[0]; b++)
      for (linear_data data = 0; data < linear_kinds; data++)
        one(run, inputs[i], blocks[b], data);
}
