// SPDX-License-Identifier: Apache-2.0
#include "buffers.h"
#include "compare.h"
#include "flip.h"
#include "slots.h"
#include <string.h>

static void one(check_run *run, uint32_t width, bool is_ramp, size_t element,
                void (*reference)(const rn_input_args *), void (*kernel)(const rn_input_args *)) {
  check_begin(run);
  check_describe(run, "%u pixels, %s", width, is_ramp ? "every byte" : "random bytes");
  uint8_t *rgb = buffer_input(3 * (size_t)width);
  random_bytes(&run->random, rgb, 3 * (size_t)width);
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
  const check_view view = view_of_row(3 * width, element);
  uint8_t *before = buffer_output(view_size(&view));
  uint8_t *expected = buffer_output(view_size(&view));
  uint8_t *found = buffer_output(view_size(&view));
  a.output = expected + view.origin;
  CHECK_REFERENCE(run, reference(&a));
  a.output = found + view.origin;
  if (element == 1)
    check_flip(run, found, view_size(&view));
  CHECK_KERNEL(run, kernel(&a));
  if (element == 1)
    check_flip(run, found, view_size(&view));
  check_compare(run, &view, before, expected, found);
  check_end(run);
}

static void every_width(check_run *run, size_t element, void (*reference)(const rn_input_args *),
                        void (*kernel)(const rn_input_args *)) {
  for (uint32_t width = 1; width <= 80; width++)
    one(run, width, false, element, reference, kernel);
  one(run, 224, false, element, reference, kernel);
  one(run, 256, true, element, reference, kernel);
  one(run, 320, false, element, reference, kernel);
}

void check_input_q8(check_run *run) {
  every_width(run, 1, run->reference->input_q8, run->kernels->input_q8);
}

void check_input_f32(check_run *run) {
  every_width(run, sizeof(float), run->reference->input_f32, run->kernels->input_f32);
}
