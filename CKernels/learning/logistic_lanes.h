// SPDX-License-Identifier: Apache-2.0
// The two products of logistic regression for some rows and one block of RN_LANES classes, a vector
// of the type RN_VECTOR. Included for each width: RN_NAME(name) tells the functions apart.

// The logits of some rows.
RN_ALWAYS_INLINE void RN_NAME(find_logits)(const rn_logistic_args *a, const float *const *row,
                                           float *logits, uint32_t lane, const uint32_t rows) {
  RN_VECTOR sum[most_rows];
  const float *weights = a->weights + lane;
  const float *bias = weights + (size_t)a->rank * a->lanes;
  RN_UNROLL for (uint32_t r = 0; r < rows; r++) memcpy(&sum[r], bias, sizeof sum[r]);
  for (uint32_t j = 0; j < a->rank; j++, weights += a->lanes) {
    RN_VECTOR w;
    memcpy(&w, weights, sizeof w);
    RN_UNROLL for (uint32_t r = 0; r < rows; r++) sum[r] = sum[r] + row[r][j] * w;
  }
  RN_UNROLL for (uint32_t r = 0; r < rows; r++)
      memcpy(logits + r * a->lanes + lane, &sum[r], sizeof sum[r]);
}

// Adds what some rows, whose logits have become residuals, say about the gradient.
RN_ALWAYS_INLINE void RN_NAME(add_gradient)(const rn_logistic_args *a, const float *const *row,
                                            const float *residuals, uint32_t lane,
                                            const uint32_t rows) {
  RN_VECTOR residual[most_rows], sum;
  float *gradient = a->gradient + lane;
  RN_UNROLL for (uint32_t r = 0; r < rows; r++)
      memcpy(&residual[r], residuals + r * a->lanes + lane, sizeof residual[r]);
  for (uint32_t j = 0; j < a->rank; j++, gradient += a->lanes) {
    memcpy(&sum, gradient, sizeof sum);
    RN_UNROLL for (uint32_t r = 0; r < rows; r++) sum = sum + row[r][j] * residual[r];
    memcpy(gradient, &sum, sizeof sum);
  }
  memcpy(&sum, gradient, sizeof sum);
  RN_UNROLL for (uint32_t r = 0; r < rows; r++) sum = sum + residual[r];
  memcpy(gradient, &sum, sizeof sum);
}

#undef RN_VECTOR
#undef RN_NAME
