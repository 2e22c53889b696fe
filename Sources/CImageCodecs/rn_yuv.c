// SPDX-License-Identifier: Apache-2.0
#include "rn_yuv.h"
#include <string.h>

typedef uint8_t u8x8 __attribute__((vector_size(8)));
typedef uint8_t u8x16 __attribute__((vector_size(16)));
typedef int32_t i32x8 __attribute__((vector_size(32)));

enum { unit_bits = 16, half = 1 << (unit_bits - 1) };

// Macros: functions may not pass vectors that the baseline's registers do not hold.
#define RN_LOAD8(bytes)                                                                            \
  ({                                                                                               \
    u8x8 eight;                                                                                    \
    memcpy(&eight, bytes, sizeof eight);                                                           \
    __builtin_convertvector(eight, i32x8);                                                         \
  })

// Rounded and clamped to bytes. Range: below 2^18 * 2^8 in magnitude before.
#define RN_BYTES(units)                                                                            \
  ({                                                                                               \
    const i32x8 zero = {0}, most = zero + 255, whole = (units) >> unit_bits;                       \
    __builtin_convertvector(                                                                       \
        __builtin_elementwise_min(__builtin_elementwise_max(whole, zero), most), u8x8);            \
  })

static inline void store8(u8x8 r, u8x8 g, u8x8 b, uint8_t *rgb) {
  const u8x16 rg =
      __builtin_shufflevector(r, g, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15);
  const u8x16 bb = __builtin_shufflevector(b, b, 0, 1, 2, 3, 4, 5, 6, 7, 0, 1, 2, 3, 4, 5, 6, 7);
  const u8x16 front =
      __builtin_shufflevector(rg, bb, 0, 8, 16, 1, 9, 17, 2, 10, 18, 3, 11, 19, 4, 12, 20, 5);
  const u8x8 back = __builtin_shufflevector(rg, bb, 13, 21, 6, 14, 22, 7, 15, 23);
  memcpy(rgb, &front, sizeof front);
  memcpy(rgb + sizeof front, &back, sizeof back);
}

static inline uint8_t byte_of(int32_t units) {
  const int32_t whole = units >> unit_bits;
  return (uint8_t)(whole < 0 ? 0 : whole > 255 ? 255 : whole);
}

void rn_yuv_row(const rn_yuv_matrix *matrix, const uint8_t *y, const uint8_t *u, const uint8_t *v,
                uint32_t width, uint8_t *rgb) {
  const rn_yuv_matrix m = *matrix;
  uint32_t x = 0;
  for (; x + 16 <= width; x += 16) {
    const i32x8 cb = RN_LOAD8(u + x / 2) - 128, cr = RN_LOAD8(v + x / 2) - 128;
    const i32x8 red = m.red_v * cr, green = m.green_u * cb + m.green_v * cr, blue = m.blue_u * cb;
    const i32x8 luma0 = m.scale * (RN_LOAD8(y + x) - m.offset) + half;
    const i32x8 luma1 = m.scale * (RN_LOAD8(y + x + 8) - m.offset) + half;
#define RN_LOW(a) __builtin_shufflevector(a, a, 0, 0, 1, 1, 2, 2, 3, 3)
#define RN_HIGH(a) __builtin_shufflevector(a, a, 4, 4, 5, 5, 6, 6, 7, 7)
    store8(RN_BYTES(luma0 + RN_LOW(red)), RN_BYTES(luma0 + RN_LOW(green)),
           RN_BYTES(luma0 + RN_LOW(blue)), rgb + 3 * x);
    store8(RN_BYTES(luma1 + RN_HIGH(red)), RN_BYTES(luma1 + RN_HIGH(green)),
           RN_BYTES(luma1 + RN_HIGH(blue)), rgb + 3 * x + 24);
#undef RN_LOW
#undef RN_HIGH
  }
  for (; x < width; x++) {
    const int32_t luma = m.scale * (y[x] - m.offset) + half;
    const int32_t cb = u[x / 2] - 128, cr = v[x / 2] - 128;
    rgb[3 * x] = byte_of(luma + m.red_v * cr);
    rgb[3 * x + 1] = byte_of(luma + m.green_u * cb + m.green_v * cr);
    rgb[3 * x + 2] = byte_of(luma + m.blue_u * cb);
  }
}

void rn_take(const uint8_t *restrict bytes, uint32_t step, uint32_t count, uint8_t *restrict out) {
  // Loops of their own, for the compiler to vectorize.
  if (step == 2) {
    for (uint32_t i = 0; i < count; i++)
      out[i] = bytes[2 * i];
  } else {
    for (uint32_t i = 0; i < count; i++)
      out[i] = bytes[4 * i];
  }
}

void rn_swap_red_blue(const uint8_t *restrict bgr, uint32_t width, uint8_t *restrict rgb) {
  for (uint32_t x = 0; x < width; x++) {
    rgb[3 * x] = bgr[3 * x + 2];
    rgb[3 * x + 1] = bgr[3 * x + 1];
    rgb[3 * x + 2] = bgr[3 * x];
  }
}
