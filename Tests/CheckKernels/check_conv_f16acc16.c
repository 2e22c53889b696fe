// SPDX-License-Identifier: Apache-2.0
// Within a bound of the reference, see check_acc16.h.
//
// There are chains of up to 96 products, up to 16 of those added in fp16, the rest in float32. With
// one rounding for the input, r = 1 + min(terms, 96 + 15), and
//   error <= ((1 + u)^r - 1) * sum |w x|  +  2^-24 * (sum |w| + terms)
#include "check_acc16.h"
#include "slots.h"
#include <math.h>

static double bound_of(const conv_case *c, const uint16_t *weights, uint32_t y, uint32_t x,
                       uint32_t oc) {
  const rn_conv_geometry *g = &c->geometry;
  weights += rn_weight_index_float(oc, 0, 0, g->kernel_rows, g->run);
  double products = 0, sum = 0, terms = 0;
  for (uint32_t r = 0; r < g->kernel_rows; r++) {
    const float *input = (const float *)c->input + y * g->step_y + r * g->input_row + x * g->step_x;
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
  const uint16_t *weights = acc16_fill(&run->random, c);
  conv_call_floats(run, c, run->reference->conv_f16, weights, run->kernels->conv_f16acc16, weights);
  const rn_conv_geometry *g = &c->geometry;
  const float *expected = c->output.expected;
  float *found = c->output.found;
  for (uint32_t unit = c->first; unit < c->last; unit++) {
    const uint32_t y = unit % g->output_height, first = unit / g->output_height * 32;
    for (uint32_t x = 0; x < g->output_width; x++) {
      for (uint32_t oc = first; oc < first + 32 && oc < c->channels; oc++) {
        const size_t at = y * g->output_row + x * g->output_pixel + oc;
        if (found[at] != expected[at])
          acc16_accept(found + at, expected + at, bound_of(c, weights, y, x, oc));
      }
    }
  }
  check_compare(run, &c->output);
}

void check_conv_f16acc16(check_run *run) { check_conv_cases(run, sizeof(float), one); }
