// SPDX-License-Identifier: Apache-2.0
#include "buffers.h"
#include "compare.h"
#include "slots.h"
#include <math.h>

// Pixels of `channels` converted channels among more in memory, on both sides.
typedef struct convert_case {
  rn_convert_args args;
  size_t stored_count, value_count;
} convert_case;

static convert_case draw(check_run *run) {
  check_random *random = &run->random;
  convert_case c = {.args = {.pixels = 1 + random_below(random, 70),
                             .channels = 16 * (1 + random_below(random, 6)),
                             .scale = expf(8 * random_float(random)),
                             .zero = random_between(random, 0, 255),
                             .flip = run->kernels->activation_flip}};
  c.args.stored_pixel = c.args.channels + 16 * random_below(random, 3);
  c.args.value_pixel = c.args.channels + 16 * random_below(random, 3);
  c.stored_count = (c.args.pixels - 1) * c.args.stored_pixel + c.args.channels;
  c.value_count = (c.args.pixels - 1) * c.args.value_pixel + c.args.channels;
  check_describe(run, "%u pixels, %u channels of %zu and %zu, scale %g, zero %d", c.args.pixels,
                 c.args.channels, c.args.stored_pixel, c.args.value_pixel, (double)c.args.scale,
                 c.args.zero);
  return c;
}

static check_output output(const convert_case *c, size_t pixel, size_t element) {
  return check_output_of((check_output){.row = c->args.pixels * pixel * element,
                                        .pixel = pixel * element,
                                        .element = element,
                                        .height = 1,
                                        .width = c->args.pixels,
                                        .channels = c->args.channels,
                                        .unit_channels = c->args.channels,
                                        .last = 1});
}

static void one_dequantize(check_run *run) {
  check_begin(run);
  const convert_case c = draw(run);
  const uint8_t *stored = buffer_random(&run->random, c.stored_count, 1);
  const check_output o = output(&c, c.args.value_pixel, sizeof(float));
  CHECK_REFERENCE(run, run->reference->dequantize(&c.args, stored, o.expected));
  CHECK_KERNEL(run, run->kernels->dequantize(&c.args, stored, o.found));
  check_compare(run, &o);
  check_end(run);
}

// Values within and beyond the range, halfway between two steps, and what is not a number.
static float value(check_random *random, const rn_convert_args *a) {
  const float step = (float)random_between(random, -300, 300);
  switch (random_below(random, 8)) {
  case 0:
    return (step + 0.5f) * a->scale;
  case 1:
    return step * a->scale;
  case 2:
    return 1e30f * random_float(random);
  case 3:
    return random_below(random, 16) ? 0.0f : INFINITY;
  case 4:
    return random_below(random, 16) ? -0.0f : -INFINITY;
  case 5:
    return random_below(random, 16) ? 1e-30f : NAN;
  default:
    return 300 * random_float(random) * a->scale;
  }
}

static void one_quantize(check_run *run) {
  check_begin(run);
  const convert_case c = draw(run);
  float *values = buffer_input(c.value_count * sizeof *values);
  for (size_t i = 0; i < c.value_count; i++)
    values[i] = value(&run->random, &c.args);
  const check_output o = output(&c, c.args.stored_pixel, 1);
  CHECK_REFERENCE(run, run->reference->quantize(&c.args, values, o.expected));
  CHECK_KERNEL(run, run->kernels->quantize(&c.args, values, o.found));
  check_compare(run, &o);
  check_end(run);
}

void check_dequantize(check_run *run) {
  for (int i = 0; i < 200; i++)
    one_dequantize(run);
}

void check_quantize(check_run *run) {
  for (int i = 0; i < 200; i++)
    one_quantize(run);
}
