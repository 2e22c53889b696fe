// SPDX-License-Identifier: Apache-2.0
// What the convolutions of all formats have in common: shapes, geometry, units.
#ifndef CHECK_CONV_H
#define CHECK_CONV_H

#include "compare.h"
#include "run.h"

typedef enum conv_data {
  conv_typical,
  conv_ties, // sums that the multiplier takes to exactly .5; float: zeros of both signs, subnormals
  conv_greatest, // every factor at the end of its range
  conv_extreme,  // multipliers, or float values, from 0 to the greatest finite
  conv_data_count
} conv_data;

typedef enum conv_residual {
  conv_no_residual,
  conv_separate,
  conv_in_place, // the residual is the output
  conv_residual_count
} conv_residual;

typedef struct conv_shape {
  uint32_t kernel, stride, input_channels, output_blocks, width, height; // of the output
} conv_shape;

typedef struct conv_case {
  rn_conv_geometry geometry;
  unsigned data; // conv_data, or as the check numbers its kinds
  conv_residual residual_kind;
  uint32_t tile_height, tile_width;                 // of Winograd's form, else 0
  uint32_t group_channels, kernel_columns;          // of a grouped one, else 0
  size_t input_column;                              // of a grouped one
  uint32_t first, last;                             // units of the kernel
  uint32_t channels;                                // of the output
  uint32_t taps;                                    // products in one sum
  size_t input_count, weight_count, residual_count; // elements
  // What the check fills: activations, and a bias of 4-byte numbers.
  void *input, *bias, *residual;
  check_output output; // with the units of the direct convolution
} conv_case;

typedef void conv_check(check_run *run, const conv_case *c);

// Runs `one` on every shape, kind of data and kind of residual.
void check_conv_cases(check_run *run, size_t element, conv_check *one);

// Draws a geometry for a shape and prepares the case.
conv_case conv_case_of(check_random *random, const conv_shape *shape, conv_residual residual,
                       size_t element);

// Makes all that follows from the geometry: counts, buffers, and the whole output.
void conv_prepare(conv_case *c, size_t element);

// Fills the outputs with the residual if they are one.
void conv_place_residual(const conv_case *c);

// The residual of a call that writes `output`.
const void *conv_residual_of(const conv_case *c, const void *output);

// Where the kth weight of an output channel of int8 is.
size_t conv_weight_q8(const conv_case *c, uint32_t oc, uint32_t k);

// Draws the data of a case and compares the kernel with the reference: `call` calls the slot of a
// table.
typedef void conv_q8_call(const rn_kernels *table, const conv_case *c, const rn_conv_q8_args *a);
void conv_check_q8(check_run *run, const conv_case *c, conv_q8_call *call);

// The lower bytes of an int8 convolution whose output or residual has 16 bits.
typedef struct conv_lower {
  check_output output;
  uint8_t *residual; // of one that is not in the output
  bool has_output, has_residual;
} conv_lower;

// Decides which there are, fills the residual's, and turns the zeros and the range of bytes into
// those of 16 bits.
conv_lower conv_draw_lower(check_random *random, const conv_case *c, rn_conv_q8_args *a);

// Turns the multipliers of bytes into those of 16 bits.
void conv_scale_lower(const conv_case *c, const conv_lower *lower, float *multiplier,
                      rn_conv_q8_args *a);

// Sets where the lower bytes are of arguments that have output and residual.
void conv_set_lower(const conv_case *c, const conv_lower *lower, void *output_lower,
                    rn_conv_q8_args *a);

// Turns the arguments of the int8 reference into those of the level, which writes `found`: inputs,
// both zeros, and the bias, which needs the sums of the weights; null of those without a bias.
void conv_flip(const check_run *run, const conv_case *c, const conv_lower *lower,
               rn_conv_q8_args *a, const int8_t *weights);

#endif
