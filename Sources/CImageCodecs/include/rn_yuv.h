// SPDX-License-Identifier: Apache-2.0
// Colour conversion of camera frames, in integers: the same bytes on every CPU.
#ifndef RN_YUV_H
#define RN_YUV_H

#include <stdint.h>

/// How Y'CbCr becomes RGB, in units of 2^-16:
/// red = scale (Y - offset) + red_v (V - 128), green = scale (Y - offset) + green_u (U - 128)
/// + green_v (V - 128), blue = scale (Y - offset) + blue_u (U - 128), each rounded to nearest,
/// halves up, and clamped to 0...255. Magnitudes below 2^18.
typedef struct {
  int32_t offset, scale, red_v, green_u, green_v, blue_u;
} rn_yuv_matrix;

/// Converts a row. `u` and `v` have (width + 1) / 2 samples, each for two pixels; `rgb` has room
/// for 3 `width` bytes.
void rn_yuv_row(const rn_yuv_matrix *_Nonnull matrix, const uint8_t *_Nonnull y,
                const uint8_t *_Nonnull u, const uint8_t *_Nonnull v, uint32_t width,
                uint8_t *_Nonnull rgb);

/// Takes `count` bytes that are `step` apart, 2 or 4.
void rn_take(const uint8_t *_Nonnull bytes, uint32_t step, uint32_t count, uint8_t *_Nonnull out);

/// Swaps the first and the third of every three bytes of `width` pixels.
void rn_swap_red_blue(const uint8_t *_Nonnull bgr, uint32_t width, uint8_t *_Nonnull rgb);

#endif
