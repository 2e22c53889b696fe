// SPDX-License-Identifier: Apache-2.0
// The coded convolution: every form against the reference, the transforms against a direct
// convolution, and the bound of the sums against sums.
#include "buffers.h"
#include "check_conv.h"
#include "slots.h"
#include <math.h>
#include <string.h>

// Some channels are no multiple of 32 or 64, and the tiles of a strip are each number up to 16.
static const conv_shape shapes[] = {
    {3, 1, 64, 2, 56, 8}, {3, 1, 128, 1, 28, 6}, {3, 1, 128, 3, 28, 6}, {3, 1, 256, 2, 14, 14},
    {3, 1, 512, 1, 7, 7}, {3, 1, 16, 1, 1, 1},   {3, 1, 32, 3, 3, 2},   {3, 1, 16, 2, 4, 5},
    {3, 1, 80, 1, 11, 9}, {3, 1, 32, 5, 17, 4},  {3, 1, 272, 1, 17, 4}, {3, 1, 64, 2, 13, 25},
    {3, 1, 16, 3, 2, 60}, {3, 1, 48, 4, 1, 3},   {3, 1, 48, 1, 40, 1},  {3, 1, 112, 1, 5, 10},
    {3, 1, 16, 1, 8, 8},  {3, 1, 16, 1, 12, 8},  {3, 1, 32, 1, 20, 8},  {3, 1, 16, 2, 36, 4},
    {3, 1, 32, 1, 44, 4}, {3, 1, 16, 1, 52, 3},  {3, 1, 16, 1, 60, 2},
};

typedef enum data {
  typical,
  saturated, // steps and zeros at the ends of their ranges, most codes too
  greatest,  // every factor at the end of its range; sums pass 2^31 and wrap around
  data_count
} data;

static void fill_steps(check_random *random, unsigned data, rn_coded_q8_args *a, int16_t *step) {
  for (uint32_t i = 0; i < 7 * 8; i++)
    step[i] = data == typical ? random_between(random, 2000, 12000)
                              : (random_below(random, 3) ? INT16_MAX : random_below(random, 2));
  static const int32_t zeros[] = {0, 255, 128, 700, -500, 32000, -32000};
  a->zero = data == typical ? random_between(random, 0, 255) : zeros[random_below(random, 7)];
}

static void fill_sums(check_random *random, const conv_case *c, uint32_t taps, int8_t *weights,
                      int32_t *start, int32_t *shift) {
  const size_t weight_count = c->weight_count / 9 * taps;
  random_bytes(random, c->input, c->input_count);
  random_bytes(random, weights, weight_count);
  for (size_t i = 0; i < weight_count; i++)
    weights[i] = c->data == greatest ? (weights[i] < 16 ? -127 : 127)
                                     : (weights[i] == -128 ? 127 : weights[i]);
  if (c->data == greatest)
    for (size_t i = 0; i < c->input_count; i++)
      ((uint8_t *)c->input)[i] = ((uint8_t *)c->input)[i] < 20 ? 0 : 255;
  for (size_t i = 0; i < (size_t)c->channels * taps; i++) {
    start[i] = c->data == greatest ? (random_below(random, 2) ? INT32_MAX : INT32_MIN)
                                   : random_between(random, -100000, 100000);
    shift[i] =
        c->data == greatest ? (int32_t)random_below(random, 32) : (int32_t)random_below(random, 5);
  }
}

// The transforms of random weights and inputs and A make a convolution.
static void check_transforms(check_run *run, rn_coded_form form, const char *name) {
  const rn_coded_shape s = rn_coded_shape_of(form);
  check_random *random = &run->random;
  check_begin(run);
  check_describe(run, "transforms of %s", name);
  float weights[9], u[49];
  int16_t d[36], v[49];
  for (uint32_t i = 0; i < 9; i++)
    weights[i] = random_between(random, -127, 127);
  for (uint32_t i = 0; i < 36; i++)
    d[i] = random_between(random, -128, 127);
  rn_coded_weights(form, weights, u);
  rn_coded_inputs(form, d, v);
  // A^T of the forms, as the kernels have it in code.
  static const int8_t output_2[2][7] = {{1, 1, 1, 0}, {0, 1, -1, -1}};
  static const int8_t output_4[4][7] = {{1, -1, -1, -1, 1, 1, 0},
                                        {1, 1, 1, -1, 0, 0, 0},
                                        {1, -1, 1, 1, -1, 0, 0},
                                        {1, 1, -1, 1, 0, 0, 1}};
  const int8_t(*output)[7] = form == RN_CODED_F2X2 ? output_2 : output_4;
  const uint32_t columns = s.tile_width + 2;
  for (uint32_t i = 0; i < s.tile_height; i++) {
    for (uint32_t j = 0; j < s.tile_width; j++) {
      double sum = 0, expected = 0;
      for (uint32_t k = 0; k < s.rows; k++)
        for (uint32_t l = 0; l < s.columns; l++)
          sum += output[i][k] * output[j][l] * (double)u[k * s.columns + l] * v[k * s.columns + l];
      for (uint32_t k = 0; k < 3; k++)
        for (uint32_t l = 0; l < 3; l++)
          expected += weights[3 * k + l] * (double)d[(i + k) * columns + j + l];
      if (sum != expected)
        check_fail(run, "output %u, %u is %f, not %f", i, j, sum, expected);
    }
  }
  // Inputs of one value have a part in the zero tap alone.
  for (uint32_t i = 0; i < 36; i++)
    d[i] = -128;
  rn_coded_inputs(form, d, v);
  for (uint32_t tap = 0; tap < s.rows * s.columns; tap++) {
    const bool is_zero_tap = tap == s.zero_row * s.columns + s.zero_column;
    const int32_t expected = is_zero_tap ? (form == RN_CODED_F2X2 ? -512 : -2048) : 0;
    if (v[tap] != expected)
      check_fail(run, "inputs of -128 become %d at tap %u, not %d", v[tap], tap, expected);
  }
  check_end(run);
}

static void check_greatest_sum(check_run *run) {
  enum { channels = 16, blocks = 2 };
  static const rn_coded_form forms[] = {RN_CODED_F2X2, RN_CODED_SFC4X4};
  check_begin(run);
  check_describe(run, "greatest sums");
  for (unsigned f = 0; f < 2; f++) {
    const rn_coded_form form = forms[f];
    const uint32_t taps = rn_coded_taps(form);
    int8_t *weights = buffer_input(taps * channels * blocks * 16);
    int32_t *start = buffer_input(taps * blocks * 16 * sizeof *start);
    int32_t *shift = buffer_input(taps * blocks * 16 * sizeof *shift);
    memset(weights, 127, taps * channels * blocks * 16);
    for (uint32_t i = 0; i < taps * blocks * 16; i++)
      start[i] = 0, shift[i] = 3;
    // Output (0, 0) has most taps: of F(2x2) 9 that are added, of SFC-4 36 of which it subtracts
    // 18.
    const uint64_t sum = (uint64_t)255 * 127 * channels << 3;
    const uint64_t expected = form == RN_CODED_F2X2 ? 9 * sum : 18 * sum;
    const uint64_t found = rn_coded_q8_greatest_sum(form, weights, start, shift, blocks, channels);
    if (found != expected)
      check_fail(run, "form %d: the greatest sum is %llu, not %llu", form,
                 (unsigned long long)found, (unsigned long long)expected);
    for (uint32_t i = 0; i < taps * blocks * 16; i++)
      start[i] = INT32_MIN, shift[i] = 31;
    if (rn_coded_q8_greatest_sum(form, weights, start, shift, blocks, channels) != UINT64_MAX)
      check_fail(run, "form %d: a sum beyond 2^57 has a bound", form);
  }
  check_end(run);
}

static void one(check_run *run, const conv_case *c, rn_coded_form form) {
  check_random *random = &run->random;
  const uint32_t channels = c->geometry.run / 3, taps = rn_coded_taps(form);
  int8_t *weights = buffer_input(c->weight_count / 9 * taps);
  int32_t *start = buffer_input(c->channels * taps * sizeof *start);
  int32_t *shift = buffer_input(c->channels * taps * sizeof *shift);
  int16_t *step = buffer_input(7 * 8 * sizeof *step);
  float *multiplier = buffer_input(c->channels * sizeof *multiplier);
  fill_sums(random, c, taps, weights, start, shift);
  random_bytes(random, c->residual, c->residual_count);
  for (uint32_t oc = 0; oc < c->channels; oc++)
    multiplier[oc] = (1.0f + random_float(random)) *
                     (c->data == greatest ? 0x1p-23f : 0.002f / sqrtf((float)(channels * taps)));
  conv_place_residual(c);
  const bool is_relu = random_below(random, 2);
  rn_coded_q8_args a = {.conv = {.geometry = c->geometry,
                                 .input = c->input,
                                 .multiplier = multiplier,
                                 .output = c->output.expected,
                                 .residual_multiplier = 0.75f,
                                 .residual_zero = 3,
                                 .low = is_relu ? 0 : -20,
                                 .high = is_relu ? 255 : 235,
                                 .output_zero = is_relu ? 0 : 20},
                        .form = form,
                        .weights = weights,
                        .start = start,
                        .shift = shift,
                        .step = step,
                        .scratch = buffer_output(rn_coded_q8_scratch(form, channels))};
  fill_steps(random, c->data, &a, step);
  a.conv.residual = conv_residual_of(c, a.conv.output);
  const conv_lower lower = conv_draw_lower(random, c, &a.conv);
  conv_scale_lower(c, &lower, multiplier, &a.conv);
  conv_set_lower(c, &lower, lower.output.expected, &a.conv);
  CHECK_REFERENCE(run, run->reference->coded_q8(&a, c->first, c->last));
  const int32_t flip = run->kernels->activation_flip;
  if (flip) {
    int32_t *flipped = buffer_input(c->channels * taps * sizeof *flipped);
    memcpy(flipped, start, c->channels * taps * sizeof *flipped);
    rn_coded_q8_flip_start(form, weights, c->geometry.output_blocks, channels, flipped);
    a.start = flipped;
  }
  a.zero -= flip;
  conv_flip(run, c, &lower, &a.conv, 0);
  // In two parts, as two threads have it.
  const uint32_t middle = random_between(random, c->first, c->last);
  CHECK_KERNEL(run, (run->kernels->coded_q8(&a, middle, c->last),
                     run->kernels->coded_q8(&a, c->first, middle)));
  check_flip_found(run, &c->output);
  check_compare(run, &c->output);
  check_compare(run, &lower.output);
}

static void one_case(check_run *run, const conv_shape *shape, rn_coded_form form,
                     const char *form_name, unsigned data) {
  check_begin(run);
  const conv_residual residual = random_below(&run->random, conv_residual_count);
  conv_case c = conv_case_of(&run->random, shape, residual, 1);
  const rn_coded_q8_args units = {.conv = {.geometry = c.geometry}, .form = form};
  c.data = data;
  c.last = rn_coded_q8_units(&units);
  check_describe(run, "%s, %u channels to %u, output %ux%u, residual %d, data %u", form_name,
                 shape->input_channels, c.channels, shape->height, shape->width, residual, data);
  one(run, &c, form);
  check_end(run);
}

void check_coded_q8(check_run *run) {
  static const char *const names[RN_CODED_FORMS] = {"F(2x2)", "SFC-4(4x4)"};
  check_greatest_sum(run);
  for (rn_coded_form form = 0; form < RN_CODED_FORMS; form++) {
    check_transforms(run, form, names[form]);
    for (unsigned shape = 0; shape < sizeof shapes / sizeof shapes[0]; shape++)
      for (unsigned data = 0; data < data_count; data++)
        one_case(run, &shapes[shape], form, names[form], data);
  }
}
