// SPDX-License-Identifier: Apache-2.0
// The output's transforms of the coded forms, A^T M A of vectors of output channels. Included by
// each kernel file after coded_product.h, and after it has defined
//   sum                        a vector of uint32, modulo 2^32, with + and -
//   load_sum(from)
#ifndef RN_CODED_OUTPUT_H
#define RN_CODED_OUTPUT_H

// A^T m of F(2, 3) and SFC-4(4, 3).
RN_ALWAYS_INLINE void output_2(const sum *m, sum *y) {
  y[0] = m[0] + (m[1] + m[2]);
  y[1] = (m[1] - m[2]) - m[3];
}

RN_ALWAYS_INLINE void output_sfc4(const sum *m, sum *y) {
  const sum e = m[0] + m[1], o = m[0] - m[1], p = m[2] - m[3], q = m[4] - (m[2] + m[3]);
  y[0] = o + q + m[5];
  y[1] = e + p;
  y[2] = o - q;
  y[3] = e - p + m[6];
}

RN_ALWAYS_INLINE void load_taps(const int32_t *m, sum *to, const uint32_t taps) {
  RN_UNROLL for (uint32_t j = 0; j < taps; j++) to[j] = load_sum(m + j * m_tap);
}

// Both set acc of each pixel of a tile, row by row.
RN_ALWAYS_INLINE void transform_output_2(const int32_t *m, sum *acc) {
  sum t[4], z[4][2];
  RN_UNROLL for (uint32_t i = 0; i < 4; i++) {
    load_taps(m + i * 4 * m_tap, t, 4);
    output_2(t, z[i]);
  }
  RN_UNROLL for (uint32_t j = 0; j < 2; j++) {
    const sum column[4] = {z[0][j], z[1][j], z[2][j], z[3][j]};
    sum two[2];
    output_2(column, two);
    acc[j] = two[0];
    acc[2 + j] = two[1];
  }
}

// Row by row of taps, so that few values wait.
RN_ALWAYS_INLINE void transform_output_sfc4(const int32_t *m, sum *acc) {
  sum t[7], e[4], o[4], p[4], q[4], z[4];
#define RN_TAPS_ROW(i, z)                                                                          \
  load_taps(m + (i)*7 * m_tap, t, 7);                                                              \
  output_sfc4(t, z);                                                                               \
  __asm__ volatile("" ::: "memory")
  RN_TAPS_ROW(0, e);
  RN_TAPS_ROW(1, z);
  RN_UNROLL for (uint32_t j = 0; j < 4; j++) {
    o[j] = e[j] - z[j];
    e[j] = e[j] + z[j];
  }
  RN_TAPS_ROW(2, p);
  RN_TAPS_ROW(3, z);
  RN_UNROLL for (uint32_t j = 0; j < 4; j++) {
    q[j] = p[j] + z[j];
    p[j] = p[j] - z[j];
  }
  RN_TAPS_ROW(4, z);
  RN_UNROLL for (uint32_t j = 0; j < 4; j++) {
    q[j] = z[j] - q[j];
    acc[j] = o[j] + q[j];
    acc[4 + j] = e[j] + p[j];
    acc[8 + j] = o[j] - q[j];
    acc[12 + j] = e[j] - p[j];
  }
  RN_TAPS_ROW(5, z);
  RN_UNROLL for (uint32_t j = 0; j < 4; j++) acc[j] += z[j];
  RN_TAPS_ROW(6, z);
  RN_UNROLL for (uint32_t j = 0; j < 4; j++) acc[12 + j] += z[j];
#undef RN_TAPS_ROW
}

#endif
