// SPDX-License-Identifier: Apache-2.0
// What a row of logits says at another scale, in float64.
#include "rn_learning.h"
#include <math.h>
#include <sleef.h>

#pragma STDC FP_CONTRACT OFF

static double greatest_of(const float *logits, uint32_t classes, uint32_t absent, uint32_t *best) {
  double greatest = -INFINITY;
  for (uint32_t c = 0; c < classes; c++)
    if (c != absent && (double)logits[c] > greatest) {
      greatest = (double)logits[c];
      *best = c;
    }
  return greatest;
}

double rn_cross_entropy(const float *logits, uint32_t classes, uint32_t label, uint32_t absent,
                        double scale, double *derivative) {
  uint32_t best = 0;
  const double greatest = greatest_of(logits, classes, absent, &best);
  const double correct = (double)logits[label] - greatest;
  double sum = 0, weighted = 0;
  for (uint32_t c = 0; c < classes; c++) {
    if (c == absent)
      continue;
    const double difference = (double)logits[c] - greatest;
    const double power = Sleef_cinz_expd1_u10purec(scale * difference);
    sum = sum + power;
    weighted = weighted + power * difference;
  }
  if (derivative)
    *derivative = weighted / sum - correct;
  return Sleef_cinz_logd1_u10purec(sum) - scale * correct;
}

double rn_probability_of_loss(double loss) { return Sleef_cinz_expd1_u10purec(-loss); }

double rn_best_probability(const float *logits, uint32_t classes, uint32_t absent, double scale,
                           uint32_t *best) {
  const double greatest = greatest_of(logits, classes, absent, best);
  double sum = 0;
  for (uint32_t c = 0; c < classes; c++)
    if (c != absent)
      sum = sum + Sleef_cinz_expd1_u10purec(scale * ((double)logits[c] - greatest));
  return 1 / sum;
}
