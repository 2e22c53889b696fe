// SPDX-License-Identifier: Apache-2.0
// The arithmetic of teaching a classifier: the same bits on every CPU, for every sum has its order.
// These functions are no slots of the kernel table: they do not belong to inference.
#ifndef RN_LEARNING_H
#define RN_LEARNING_H

#include <stdint.h>

// Classes lie in lanes: whole blocks of this many, of which those past the last class hold 0.
#define RN_LANE_BLOCK 4

// Multinomial logistic regression over some rows of a table of features:
//   logits[c] = bias[c] + sum over j of row[j] * weight[j][c]      in the order of j
//   loss      = sum over the rows of log(sum over c of exp(logits[c])) - logits[label]
//   gradient  = sum over the rows of row[j] * (probability[c] - (c == label)), and of its bias
//               without row[j]                                     in the order of the rows
// Every multiplication and addition is rounded on its own to float32; the sum of the losses is
// float64. Exponentials and logarithms are SLEEF's with consistent results.
typedef struct rn_logistic_args {
  const float *table;     // row i at table + i * rank
  const uint32_t *rows;   // [count], the rows to take
  const uint32_t *labels; // [rows of the table]: the class of each, below classes
  const float *weights;   // [rank + 1][lanes]; the last row has the biases
  float *gradient;        // [rank + 1][lanes], overwritten; null if only logits are wanted
  float *logits;          // [count][lanes]: work space, afterwards the logits if gradient is null
  uint32_t count, rank;
  uint32_t classes, lanes; // lanes: classes rounded up to whole blocks
  uint32_t absent;         // a class that takes no part, has no rows and gets no gradient; else ~0
} rn_logistic_args;

// Returns the sum of the losses; 0 if there is no gradient. With the best instructions of the CPU:
// the bits are those of the reference.
double rn_logistic_f32(const rn_logistic_args *);

// The same in portable C: the definition of correct.
double rn_logistic_f32_ref(const rn_logistic_args *);

// The loss of one row at `scale` times its logits and, unless it is null, its derivative by the
// scale. A class `absent` takes no part.
double rn_cross_entropy(const float *logits, uint32_t classes, uint32_t label, uint32_t absent,
                        double scale, double *derivative);

// The probability of the class that a loss is of: exp(-loss).
double rn_probability_of_loss(double loss);

// The greatest probability of a row at `scale` times its logits; *best is its class, the first of
// equals. A class `absent` takes no part; there is another.
double rn_best_probability(const float *logits, uint32_t classes, uint32_t absent, double scale,
                           uint32_t *best);

// The sum of a[i] * b[i] in float64: 8 partial sums, the i-th product in sum i % 8, then those
// summed in order.
double rn_dot_f32(const float *a, const float *b, uint32_t count);

#endif
