// SPDX-License-Identifier: Apache-2.0
#include "buffers.h"
#include "compare.h"
#include "slots.h"

static void one(check_run *run, uint32_t width, bool is_ramp) {
  check_begin(run);
  check_describe(run, "%u pixels, %s", width, is_ramp ? "every byte" : "random bytes");
  uint8_t *rgb = buffer_random(&run->random, 3 * (size_t)width, 1);
  if (is_ramp)
    for (uint32_t i = 0; i < 3 * width; i++)
      rgb[i] = (uint8_t)(i / 3);
  rn_input_args a = {.rgb = rgb,
                     .width = width,
                     .mean = {0.485f, 0.456f, 0.406f},
                     .std = {0.229f, 0.224f, 0.225f}};
  if (random_below(&run->random, 2)) {
    for (int c = 0; c < 3; c++) {
      a.mean[c] = random_float(&run->random);
      a.std[c] = 1.5f + random_float(&run->random);
    }
  }
  const check_output o = check_output_row(3 * width, run->element);
  a.output = o.expected;
  CHECK_REFERENCE(run, SLOT_KERNEL(run, run->reference, input_q8, input_f32)(&a));
  a.output = o.found;
  check_flip_found(run, &o);
  CHECK_KERNEL(run, SLOT_KERNEL(run, run->kernels, input_q8, input_f32)(&a));
  check_flip_found(run, &o);
  check_compare(run, &o);
  check_end(run);
}

void check_input(check_run *run) {
  for (uint32_t width = 1; width <= 80; width++)
    one(run, width, false);
  one(run, 224, false);
  one(run, 256, true);
  one(run, 320, false);
}
