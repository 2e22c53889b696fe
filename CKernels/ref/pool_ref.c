// SPDX-License-Identifier: Apache-2.0
// Max pool and global average pool: the definition of correct.
#include "../common/rn_declarations.h"
#include <math.h>

// The greatest of each window of 3x3, none of which is below `least`.
#define MAXIMUM(type, least)                                                                       \
  for (uint32_t x = 0; x < a->output_width; x++)                                                   \
    for (uint32_t c = 0; c < a->channels; c++) {                                                   \
      type greatest = least;                                                                       \
      for (uint32_t row = 0; row < 3; row++)                                                       \
        for (uint32_t column = 0; column < 3; column++) {                                          \
          const type value =                                                                       \
              ((const type *)a->rows[row])[(2 * (size_t)x + column) * a->channels + c];            \
          greatest = value > greatest ? value : greatest;                                          \
        }                                                                                          \
      ((type *)a->output)[(size_t)x * a->channels + c] = greatest;                                 \
    }

void rn_maxpool_q8_ref(const rn_maxpool_args *a) { MAXIMUM(uint8_t, 0) }

void rn_maxpool_f32_ref(const rn_maxpool_args *a) { MAXIMUM(float, -INFINITY) }

void rn_avgpool_q8_ref(const rn_avgpool_args *a) {
  for (uint32_t c = 0; c < a->channels; c++) {
    int32_t sum = -a->zero * (int32_t)(a->height * a->width);
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
