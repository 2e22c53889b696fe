// SPDX-License-Identifier: Apache-2.0
// Scale and offset of channels. The reference is compared with the definition, a channel at a time.
#include "buffers.h"
#include "compare.h"
#include "slots.h"
#include <float.h>
#include <math.h>
#include <string.h>

#pragma STDC FP_CONTRACT OFF

typedef enum scale_data { scale_typical, scale_ties, scale_extreme, scale_data_count } scale_data;

// What is where the output is.
typedef enum scale_place { in_none, in_input, in_residual, in_both, scale_place_count } scale_place;

typedef struct scale_case {
  scale_data data;
  scale_place place;
  bool has_residual, has_slope, has_lower[3]; // of input, residual, output
  uint32_t height, width, channels, first, last;
  size_t row[3], count[2]; // elements: of input, residual, output
  void *image[2];          // input and residual
  uint8_t *lower[2];
  float *multiplier, *offset, *slope;
  check_output output, output_lower;
} scale_case;

// Two pitches are the same where they have to be.
static scale_case draw(check_run *run, scale_data data, scale_place place) {
  check_random *random = &run->random;
  scale_case c = {.data = data,
                  .place = place,
                  .has_residual = place >= in_residual || random_below(random, 2),
                  .has_slope = random_below(random, 2),
                  .height = 1 + random_below(random, 5),
                  .width = 1 + random_below(random, 20),
                  .channels = 16 * (1 + random_below(random, random_below(random, 4) ? 5 : 20))};
  for (int i = 0; i < 3; i++) {
    c.has_lower[i] = run->element == 1 && random_below(random, 2);
    c.row[i] = c.width * c.channels + random_below(random, 2) * random_below(random, 100);
  }
  if (place == in_input || place == in_both)
    c.row[0] = c.row[2];
  if (place == in_residual || place == in_both)
    c.row[1] = c.row[2];
  c.first = random_below(random, c.height);
  c.last = c.first + 1 + random_below(random, c.height - c.first);
  static const char *const data_names[] = {"typical", "ties", "extreme"};
  static const char *const place_names[] = {"apart", "input", "residual", "input and residual"};
  check_describe(run,
                 "%ux%u of %u channels (rows %zu, %zu, %zu), 16 bits %d%d%d, %sresidual, %sslopes, "
                 "%s data, output: %s, rows %u-%u",
                 c.height, c.width, c.channels, c.row[0], c.row[1], c.row[2], c.has_lower[0],
                 c.has_lower[1], c.has_lower[2], c.has_residual ? "" : "no ",
                 c.has_slope ? "" : "no ", data_names[data], place_names[place], c.first, c.last);
  return c;
}

static float factor(check_random *random, scale_data data) {
  static const float halves[] = {0.5f, 0.25f, 1.5f, -0.5f, 1, 0};
  static const float extremes[] = {0,     -0.0f, 1e-42f,  FLT_MIN,  1e-12f,   1,         -1,
                                   1e12f, 1e30f, FLT_MAX, -FLT_MAX, INFINITY, -INFINITY, NAN};
  return data == scale_ties      ? halves[random_below(random, 6)]
         : data == scale_extreme ? extremes[random_below(random, 14)]
                                 : 1.5f * random_float(random);
}

// Images and factors, and the output with what is in its place.
static void fill(check_run *run, scale_case *c) {
  check_random *random = &run->random;
  const size_t element = run->element;
  for (int i = 0; i < 2; i++) {
    c->count[i] = c->row[i] * (c->height - 1) + c->width * c->channels;
    c->image[i] = buffer_random(random, c->count[i], element);
    c->lower[i] = buffer_random(random, c->count[i], 1);
  }
  if (c->place == in_both) {
    c->image[1] = c->image[0];
    if (c->has_lower[0] && c->has_lower[2])
      c->lower[1] = c->lower[0];
  }
  if (element != 1 && c->data != scale_typical)
    for (size_t i = 0; i < c->count[0]; i++)
      ((float *)c->image[0])[i] = factor(random, c->data);
  const size_t size = c->channels * sizeof(float);
  c->multiplier = buffer_input(size);
  c->offset = buffer_input(size);
  c->slope = buffer_input(size);
  // Offsets in steps of the output, of which a gate has none.
  const float step = element == 1 ? (c->has_lower[2] ? 20000 : 80) : 1;
  const float scale = (c->has_lower[2] ? 256.0f : 1) / (c->has_lower[0] ? 256.0f : 1);
  for (uint32_t i = 0; i < c->channels; i++) {
    c->multiplier[i] = factor(random, c->data) * (c->data == scale_typical ? scale : 1);
    c->offset[i] = factor(random, c->data) * (c->data == scale_typical ? step : 1);
    c->slope[i] = factor(random, c->data);
  }
  c->output = check_output_of((check_output){.row = c->row[2] * element,
                                             .pixel = c->channels * element,
                                             .element = element,
                                             .height = c->height,
                                             .width = c->width,
                                             .channels = c->channels,
                                             .unit_channels = c->channels,
                                             .first = c->first,
                                             .last = c->last});
  c->output_lower = c->output;
  if (element == 1)
    c->output_lower = check_output_of(c->output);
  const int i = c->place == in_residual;
  void *const outputs[] = {c->output.before, c->output.expected, c->output.found};
  void *const lowers[] = {c->output_lower.before, c->output_lower.expected, c->output_lower.found};
  for (int k = 0; k < 3 && c->place != in_none; k++) {
    memcpy(outputs[k], c->image[i], c->count[i] * element);
    if (c->has_lower[i] && c->has_lower[2])
      memcpy(lowers[k], c->lower[i], c->count[i]);
  }
}

// Whether input (0) or residual (1) is in the output's place.
static bool is_in_place(const scale_case *c, int image) {
  return c->place == in_both || c->place == (image ? in_residual : in_input);
}

static const void *image_of(const scale_case *c, int image, const void *output) {
  return is_in_place(c, image) ? output : c->image[image];
}

static ptrdiff_t lower_of(const scale_case *c, int image, const uint8_t *upper,
                          const uint8_t *output_lower) {
  const bool is_output = is_in_place(c, image) && c->has_lower[2];
  return c->has_lower[image] ? (is_output ? output_lower : c->lower[image]) - upper : 0;
}

static rn_scale_q8_args q8_args(check_random *random, const scale_case *c) {
  static const int32_t zeros[] = {0, 128, 255, 3, 200};
  int32_t zero[3];
  for (int i = 0; i < 3; i++)
    zero[i] = c->has_lower[i] ? zeros[random_below(random, 5)] * 256 + 128
                              : zeros[random_below(random, 5)];
  const float end = c->has_lower[2] ? 65535 : 255;
  rn_scale_q8_args a = {.input_row = c->row[0],
                        .residual_row = c->row[1],
                        .output_row = c->row[2],
                        .width = c->width,
                        .channels = c->channels,
                        .multiplier = c->multiplier,
                        .offset = c->offset,
                        .slope = c->has_slope ? c->slope : 0,
                        .residual_multiplier = factor(random, c->data),
                        .input_zero = zero[0],
                        .residual_zero = zero[1],
                        .output_zero = zero[2],
                        .low = random_below(random, 2) ? 0 : (float)-zero[2],
                        .high = end - (float)zero[2]};
  if (c->data == scale_typical)
    a.residual_multiplier *= (c->has_lower[2] ? 256.0f : 1) / (c->has_lower[1] ? 256.0f : 1);
  if (random_below(random, 4) == 0) {
    const float span = a.high - a.low;
    a.low += span * 0.23f;
    a.high -= span * 0.23f;
  }
  return a;
}

static void set_q8(const scale_case *c, uint8_t *output, uint8_t *output_lower,
                   rn_scale_q8_args *a) {
  a->output = output;
  a->input = image_of(c, 0, output);
  a->residual = c->has_residual ? image_of(c, 1, output) : 0;
  a->input_lower = lower_of(c, 0, a->input, output_lower);
  a->residual_lower = c->has_residual ? lower_of(c, 1, a->residual, output_lower) : 0;
  a->output_lower = c->has_lower[2] ? output_lower - output : 0;
}

static int32_t value_q8(const uint8_t *byte, ptrdiff_t lower) {
  return lower ? 256 * byte[0] + byte[lower] : byte[0];
}

// What the definition says of one row.
static void define_q8(const rn_scale_q8_args *a, size_t y) {
  for (size_t i = 0; i < (size_t)a->width * a->channels; i++) {
    const size_t c = i % a->channels;
    const int32_t x = value_q8(a->input + y * a->input_row + i, a->input_lower);
    float t = (float)(x - a->input_zero) * a->multiplier[c];
    t = t + a->offset[c];
    if (a->residual) {
      const int32_t r = value_q8(a->residual + y * a->residual_row + i, a->residual_lower);
      t = t + (float)(r - a->residual_zero) * a->residual_multiplier;
    }
    if (a->slope && t < 0)
      t = t * a->slope[c];
    t = t > a->low ? t : a->low;
    t = t < a->high ? t : a->high;
    const int32_t w = (int32_t)nearbyintf(t) + a->output_zero;
    uint8_t *output = a->output + y * a->output_row + i;
    if (a->output_lower)
      output[a->output_lower] = (uint8_t)w;
    *output = (uint8_t)(a->output_lower ? w >> 8 : w);
  }
}

static void one_q8(check_run *run, scale_case *c) {
  rn_scale_q8_args a = q8_args(&run->random, c);
  const check_output *o = &c->output, *lower = &c->output_lower;
  set_q8(c, o->expected, lower->expected, &a);
  if (run->kernels->scale_q8 == run->reference->scale_q8)
    for (uint32_t y = c->first; y < c->last; y++)
      define_q8(&a, y);
  else
    CHECK_REFERENCE(run, run->reference->scale_q8(&a, c->first, c->last));
  const int32_t flip = run->kernels->activation_flip;
  for (int i = 0; i < 2; i++)
    c->image[i] = (void *)check_flipped(run, c->image[i], c->count[i]);
  a.input_zero -= c->has_lower[0] ? 256 * flip : flip;
  a.residual_zero -= c->has_lower[1] ? 256 * flip : flip;
  a.output_zero -= c->has_lower[2] ? 256 * flip : flip;
  set_q8(c, o->found, lower->found, &a);
  check_flip_found(run, o);
  CHECK_KERNEL(run, run->kernels->scale_q8(&a, c->first, c->last));
  check_flip_found(run, o);
  check_compare(run, o);
  check_compare(run, lower);
}

static void define_f32(const rn_scale_f32_args *a, size_t y) {
  for (size_t i = 0; i < (size_t)a->width * a->channels; i++) {
    const size_t c = i % a->channels;
    float t = a->input[y * a->input_row + i] * a->multiplier[c];
    t = t + a->offset[c];
    if (a->residual)
      t = t + a->residual[y * a->residual_row + i];
    if (a->slope && t < 0)
      t = t * a->slope[c];
    t = t > a->low ? t : a->low;
    a->output[y * a->output_row + i] = t < a->high ? t : a->high;
  }
}

static void set_f32(const scale_case *c, float *output, rn_scale_f32_args *a) {
  a->output = output;
  a->input = image_of(c, 0, output);
  a->residual = c->has_residual ? image_of(c, 1, output) : 0;
}

static void one_f32(check_run *run, const scale_case *c) {
  static const float lows[] = {-INFINITY, 0, 0, -0.25f}, highs[] = {INFINITY, INFINITY, 6, 0.125f};
  rn_scale_f32_args a = {.input_row = c->row[0],
                         .residual_row = c->row[1],
                         .output_row = c->row[2],
                         .width = c->width,
                         .channels = c->channels,
                         .multiplier = c->multiplier,
                         .offset = c->offset,
                         .slope = c->has_slope ? c->slope : 0,
                         .low = lows[random_below(&run->random, 4)],
                         .high = highs[random_below(&run->random, 4)]};
  const check_output *o = &c->output;
  set_f32(c, o->expected, &a);
  if (run->kernels->scale_f32 == run->reference->scale_f32)
    for (uint32_t y = c->first; y < c->last; y++)
      define_f32(&a, y);
  else
    CHECK_REFERENCE(run, run->reference->scale_f32(&a, c->first, c->last));
  set_f32(c, o->found, &a);
  CHECK_KERNEL(run, run->kernels->scale_f32(&a, c->first, c->last));
  check_compare(run, o);
}

void check_scale(check_run *run) {
  for (int i = 0; i < 100; i++)
    for (scale_data data = 0; data < scale_data_count; data++)
      for (scale_place place = 0; place < scale_place_count; place++) {
        check_begin(run);
        scale_case c = draw(run, data, place);
        fill(run, &c);
        if (run->element == 1)
          one_q8(run, &c);
        else
          one_f32(run, &c);
        check_end(run);
      }
}
