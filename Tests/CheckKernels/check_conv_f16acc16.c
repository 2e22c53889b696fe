// SPDX-License-Identifier: Apache-2.0
// Within a bound of the reference, see check_acc16.h.
//
// There are chains of up to 96 products, up to 16 of those added in fp16, the rest in float32. With
// one rounding for the input, r = 1 + min(terms, 96 + 15), and
//   error <= ((1 + u)^r - 1) * sum |w x|  +  2^-24 * (sum |w| + terms)
#include "buffers.h"
#include "check_acc16.h"
#include "slots.h"
#include <math.h>
#include <string.h>

static double bound_of(const rn_conv_float_args *a, uint32_t y, uint32_t x, uint32_t oc) {
  const rn_conv_geometry *g = &a->geometry;
  const uint16_t *weights =
      (const uint16_t *)a->weights + rn_weight_index_float(oc, 0, 0, g->kernel_rows, g->run);
  double products = 0, sum = 0, terms = 0;
  for (uint32_t r = 0; r < g->kernel_rows; r++) {
    const float *input = a->input + y * g->step_y + r * g->input_row + x * g->step_x;
    for (uint32_t k = 0; k < g->run; k++, weights += 16) {
      const double weight = fabs((double)half_to_float(*weights));
      products += weight * fabs((double)input[k]);
      sum += weight;
      terms += weight != 0;
    }
  }
  return acc16_roundings(1 + fmin(terms, 96 + 15)) * products + 0x1p-24 * (sum + terms) +
         (terms + 64) * 0x1p-23 * products;
}

static void one(check_run *run, const conv_case *c) {
  check_random *random = &run->random;
  float *input = buffer_input(c->input_count * sizeof(float));
  uint16_t *weights = buffer_input(c->weight_count * sizeof *weights);
  float *bias = buffer_input(c->channels * sizeof(float));
  float *residual = buffer_input(c->residual_count * sizeof(float));
  const size_t size = view_size(&c->view);
  uint8_t *before = buffer_output(size);
  uint8_t *expected = buffer_output(size);
  uint8_t *found = buffer_output(size);
  acc16_fill_inputs(random, c->data, input, c->input_count);
  acc16_fill_weights(random, c->data, weights, c->weight_count);
  check_fill_floats(random, conv_typical, bias, c->channels);
  check_fill_floats(random, conv_typical, residual, c->residual_count);
  if (c->residual == conv_in_place) {
    memcpy(before + c->view.origin, residual, c->residual_count * sizeof(float));
    memcpy(expected, before, size);
    memcpy(found, before, size);
  }
  const rn_conv_geometry *g = &c->geometry;
  rn_conv_float_args a = {.geometry = *g,
                          .input = input,
                          .weights = weights,
                          .bias = bias,
                          .output = (float *)(expected + c->view.origin)};
  check_fill_range(random, &a);
  a.residual = c->residual == conv_separate   ? residual
               : c->residual == conv_in_place ? a.output
                                              : 0;
  CHECK_REFERENCE(run, run->reference->conv_f16(&a, c->first, c->last));
  a.output = (float *)(found + c->view.origin);
  if (c->residual == conv_in_place)
    a.residual = a.output;
  CHECK_KERNEL(run, run->kernels->conv_f16acc16(&a, c->first, c->last));
  for (uint32_t unit = c->first; unit < c->last; unit++) {
    const uint32_t y = unit % g->output_height, first = unit / g->output_height * 32;
    for (uint32_t x = 0; x < g->output_width; x++) {
      for (uint32_t oc = first; oc < first + 32 && oc < c->channels; oc++) {
        const size_t at = y * g->output_row + x * g->output_pixel + oc;
        const float *wanted = (const float *)(expected + c->view.origin) + at;
        if (a.output[at] != *wanted)
          acc16_accept(a.output + at, wanted, bound_of(&a, y, x, oc));
      }
    }
  }
  check_compare(run, &c->view, before, expected, found);
}

void check_conv_f16acc16(check_run *run) { check_conv_cases(run, sizeof(float), one); }
