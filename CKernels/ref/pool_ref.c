// SPDX-License-Identifier: Apache-2.0
// Max pool and global average pool: the definition of correct.
#include "../common/rn_declarations.h"
#include <math.h>

void rn_maxpool_q8_ref(const rn_maxpool_args *a) {
  uint8_t *output = a->output;
  for (uint32_t x = 0; x < a->output_width; x++) {
    for (uint32_t c = 0; c < a->channels; c++) {
      uint8_t greatest = 0;
      for (uint32_t row = 0; row < 3; row++) {
        const uint8_t *input = (const uint8_t *)a->rows[row] + 2 * (size_t)x * a->channels;
        for (uint32_t column = 0; column < 3; column++) {
          const uint8_t value = input[column * a->channels + c];
          greatest = value > greatest ? value : greatest;
        }
      }
      output[(size_t)x * a->channels + c] = greatest;
    }
  }
}

void rn_maxpool_f32_ref(const rn_maxpool_args *a) {
  float *output = a->output;
  for (uint32_t x = 0; x < a->output_width; x++) {
    for (uint32_t c = 0; c < a->channels; c++) {
      float greatest = -INFINITY;
      for (uint32_t row = 0; row < 3; row++) {
        const float *input = (const float *)a->rows[row] + 2 * (size_t)x * a->channels;
        for (uint32_t column = 0; column < 3; column++) {
          const float value = input[column * a->channels + c];
          greatest = value > greatest ? value : greatest;
        }
      }
      output[(size_t)x * a->channels + c] = greatest;
    }
  }
}

void rn_avgpool_q8_ref(const rn_avgpool_args *a) {
  for (uint32_t c = 0; c < a->channels; c++) {
    uint32_t sum = 0;
    for (uint32_t y = 0; y < a->height; y++)
      for (uint32_t x = 0; x < a->width; x++)
        sum += ((const uint8_t *)a->input)[y * a->input_row + (size_t)x * a->channels + c];
    a->features[c] = (float)sum * a->multiplier;
  }
}

void rn_avgpool_f32_ref(const rn_avgpool_args *a) {
  for (uint32_t c = 0; c < a->channels; c++) {
    float sum = 0;
    for (uint32_t y = 0; y < a->height; y++)
      for (uint32_t x = 0; x < a->width; x++)
        sum += ((const float *)a->input)[y * a->input_row + (size_t)x * a->channels + c];
    a->features[c] = sum * a->multiplier;
  }
}
