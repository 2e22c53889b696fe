// SPDX-License-Identifier: Apache-2.0
// The transforms of the coded convolution, one channel at a time, and what its sums can come to.
#include "coded_matrices.h"

void rn_coded_weights(rn_coded_form form, const float *weights, float *transformed) {
  const rn_coded_shape s = rn_coded_shape_of(form);
  const coded_matrices *m = coded_matrices_of(form);
  for (uint32_t i = 0; i < s.rows; i++) {
    for (uint32_t j = 0; j < s.columns; j++) {
      double sum = 0;
      for (uint32_t k = 0; k < 3; k++)
        for (uint32_t l = 0; l < 3; l++)
          sum += (double)(m->weights[i][k] * m->weights[j][l]) * weights[3 * k + l];
      *transformed++ = (float)sum;
    }
  }
}

void rn_coded_inputs(rn_coded_form form, const int16_t *inputs, int16_t *transformed) {
  const rn_coded_shape s = rn_coded_shape_of(form);
  const coded_matrices *m = coded_matrices_of(form);
  const uint32_t height = s.tile_height + 2, width = s.tile_width + 2;
  for (uint32_t i = 0; i < s.rows; i++) {
    for (uint32_t j = 0; j < s.columns; j++) {
      int32_t sum = 0;
      for (uint32_t k = 0; k < height; k++)
        for (uint32_t l = 0; l < width; l++)
          sum += m->input[i][k] * m->input[j][l] * inputs[k * width + l];
      *transformed++ = (int16_t)sum;
    }
  }
}

uint32_t rn_coded_output_gain(rn_coded_form form, uint32_t tap) {
  const rn_coded_shape s = rn_coded_shape_of(form);
  const coded_matrices *m = coded_matrices_of(form);
  int32_t down = 0, across = 0;
  for (uint32_t i = 0; i < s.tile_height; i++)
    down += m->output[i][tap / s.columns] * m->output[i][tap / s.columns];
  for (uint32_t j = 0; j < s.tile_width; j++)
    across += m->output[j][tap % s.columns] * m->output[j][tap % s.columns];
  return (uint32_t)(down * across);
}

// Of one output channel and tap: the sum of U, and of its positive ones.
static int32_t sum_of(const int8_t *weights, uint32_t channels, int32_t *positive) {
  int32_t sum = 0;
  *positive = 0;
  for (uint32_t ic = 0; ic < channels; ic++) {
    const int32_t u = weights[ic / 4 * 64 + ic % 4];
    sum += u;
    *positive += u > 0 ? u : 0;
  }
  return sum;
}

void rn_coded_q8_flip_start(rn_coded_form form, const int8_t *weights, uint32_t output_blocks,
                            uint32_t channels, int32_t *start) {
  const size_t taps = (size_t)output_blocks * rn_coded_taps(form);
  for (size_t tap = 0; tap < taps; tap++, weights += (size_t)channels * RN_CHANNEL_BLOCK) {
    for (uint32_t oc = 0; oc < RN_CHANNEL_BLOCK; oc++, start++) {
      int32_t positive;
      const int32_t sum = sum_of(weights + 4 * oc, channels, &positive);
      *start = (int32_t)((uint32_t)*start + 128 * (uint32_t)sum);
    }
  }
}

uint64_t rn_coded_q8_greatest_sum(rn_coded_form form, const int8_t *weights, const int32_t *start,
                                  const int32_t *shift, uint32_t output_blocks, uint32_t channels) {
  const rn_coded_shape s = rn_coded_shape_of(form);
  const coded_matrices *matrices = coded_matrices_of(form);
  const uint32_t taps = s.rows * s.columns, outputs = s.tile_height * s.tile_width;
  uint64_t greatest = 0;
  for (uint32_t oc = 0; oc < output_blocks * RN_CHANNEL_BLOCK; oc++) {
    // Of each output the least and the greatest. Range: |M| < 2^32 + 255 * 127 * channels, so in
    // all less than 49 * 2^64 if it is shifted by 31; what is beyond 2^57 is cut.
    const uint64_t limit = (uint64_t)1 << 57;
    uint64_t below[16] = {0}, above[16] = {0};
    for (uint32_t tap = 0; tap < taps; tap++) {
      const size_t at = ((size_t)oc / 16 * taps + tap) * 16 + oc % 16;
      const int8_t *u = weights + ((size_t)oc / 16 * taps + tap) * channels * 16 + oc % 16 * 4;
      int32_t positive;
      const int64_t sum = sum_of(u, channels, &positive);
      const int64_t least = start[at] + 255 * (sum - positive);
      const int64_t most = start[at] + 255 * (int64_t)positive;
      for (uint32_t i = 0; i < outputs; i++) {
        const int32_t factor = matrices->output[i / s.tile_width][tap / s.columns] *
                               matrices->output[i % s.tile_width][tap % s.columns];
        const int64_t low = factor > 0 ? least : -most, high = factor > 0 ? most : -least;
        if (factor == 0)
          continue;
        // A tap that adds nothing in one direction has no part in that bound, so it is one.
        const uint64_t down = low < 0 ? (uint64_t)-low : 0, up = high > 0 ? (uint64_t)high : 0;
        below[i] += down > limit >> shift[at] ? limit : down << shift[at];
        above[i] += up > limit >> shift[at] ? limit : up << shift[at];
      }
    }
    for (uint32_t i = 0; i < outputs; i++) {
      greatest = below[i] > greatest ? below[i] : greatest;
      greatest = above[i] > greatest ? above[i] : greatest;
    }
  }
  return greatest >= (uint64_t)1 << 57 ? UINT64_MAX : greatest;
}
