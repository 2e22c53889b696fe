// SPDX-License-Identifier: Apache-2.0
// Logistic regression, in one pass over the table: a few rows stay in the cache between their
// logits and what they add to the gradient. A lane is a class, so vectors of any width add in the
// same order. Included for each instruction set, whose functions are static.
#include "../common/rn_target.h"
#include "rn_learning.h"
#include <math.h>
#include <sleef.h>
#include <string.h>

enum { most_rows = 4, wide_lanes = 2 * RN_LANE_BLOCK };

typedef float narrow_vector __attribute__((vector_size(4 * RN_LANE_BLOCK)));
typedef float wide_vector __attribute__((vector_size(8 * RN_LANE_BLOCK)));

#define RN_VECTOR narrow_vector
#define RN_NAME(name) narrow_##name
#include "logistic_lanes.h"
#define RN_VECTOR wide_vector
#define RN_NAME(name) wide_##name
#include "logistic_lanes.h"

// Turns the logits of a row into probability - (class == label), and returns the loss.
static double to_residuals(const rn_logistic_args *a, float *logits, uint32_t label) {
  float greatest = -INFINITY;
  for (uint32_t c = 0; c < a->classes; c++)
    if (c != a->absent)
      greatest = logits[c] > greatest ? logits[c] : greatest;
  const double correct = (double)logits[label] - (double)greatest;
  float sum = 0;
  for (uint32_t c = 0; c < a->classes; c++) {
    logits[c] = c == a->absent ? 0 : Sleef_cinz_expf1_u10purec(logits[c] - greatest);
    sum = sum + logits[c];
  }
  for (uint32_t c = 0; c < a->classes; c++)
    logits[c] = logits[c] / sum;
  logits[label] = logits[label] - 1;
  for (uint32_t c = a->classes; c < a->lanes; c++)
    logits[c] = 0;
  return Sleef_cinz_logd1_u10purec((double)sum) - correct;
}

RN_ALWAYS_INLINE double take_rows(const rn_logistic_args *a, uint32_t first, const uint32_t rows) {
  const float *row[most_rows];
  float *logits = a->logits + (size_t)first * a->lanes;
  double loss = 0;
  RN_UNROLL for (uint32_t r = 0; r < rows; r++) row[r] =
      a->table + (size_t)a->rows[first + r] * a->rank;
  uint32_t lane = 0;
  for (; lane + wide_lanes <= a->lanes; lane += wide_lanes)
    wide_find_logits(a, row, logits, lane, rows);
  if (lane < a->lanes)
    narrow_find_logits(a, row, logits, lane, rows);
  if (!a->gradient)
    return 0;
  for (uint32_t r = 0; r < rows; r++)
    loss = loss + to_residuals(a, logits + r * a->lanes, a->labels[a->rows[first + r]]);
  for (lane = 0; lane + wide_lanes <= a->lanes; lane += wide_lanes)
    wide_add_gradient(a, row, logits, lane, rows);
  if (lane < a->lanes)
    narrow_add_gradient(a, row, logits, lane, rows);
  return loss;
}

static double take_all_rows(const rn_logistic_args *a) {
  double loss = 0;
  uint32_t first = 0;
  if (a->gradient)
    memset(a->gradient, 0, sizeof(float) * (a->rank + 1) * a->lanes);
  for (; first + most_rows <= a->count; first += most_rows)
    loss = loss + take_rows(a, first, most_rows);
  for (; first < a->count; first++)
    loss = loss + take_rows(a, first, 1);
  return loss;
}
