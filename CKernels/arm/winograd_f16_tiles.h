// SPDX-License-Identifier: Apache-2.0
// What the Winograd convolutions with fp16 weights share on ARM: transforms in vectors of 4 float32
// and strips of tiles. Included once by each kernel file, after it has defined
//   element                    type of V and M in scratch
//   channels_step              channels that store_v takes at once
//   store_v(...)               stores V of up to 4 tiles, transposed to [channel][tile]
//   load_m(...)                4 sums as float32
//   multiply(...)              M of one position
//
// V has the tiles innermost, so that a vector of it holds 4 or 8 tiles of one channel, from which
// FMLA takes one by element for a vector of output channels.
#ifndef RN_WINOGRAD_F16_TILES_H
#define RN_WINOGRAD_F16_TILES_H

// B^T x in place.
RN_ALWAYS_INLINE void input_transform(float32x4_t *x, const uint32_t stride, const uint32_t tile) {
  const float32x4_t x0 = x[0], x1 = x[stride], x2 = x[2 * stride], x3 = x[3 * stride];
  if (tile == 2) {
    x[0] = vsubq_f32(x0, x2);
    x[stride] = vaddq_f32(x1, x2);
    x[2 * stride] = vsubq_f32(x2, x1);
    x[3 * stride] = vsubq_f32(x1, x3);
    return;
  }
  // Products by 2 and 4 are exact, so that fusing them changes nothing.
  const float32x4_t x4 = x[4 * stride], x5 = x[5 * stride];
  const float32x4_t two = vdupq_n_f32(2), four = vdupq_n_f32(4), five = vdupq_n_f32(5);
  const float32x4_t even = vfmsq_f32(x4, x2, four), odd = vfmsq_f32(x3, x1, four);
  const float32x4_t even2 = vsubq_f32(x4, x2), odd2 = vsubq_f32(x3, x1);
  x[0] = vfmaq_f32(vfmsq_f32(x4, x2, five), x0, four);
  x[stride] = vaddq_f32(even, odd);
  x[2 * stride] = vsubq_f32(even, odd);
  x[3 * stride] = vfmaq_f32(even2, odd2, two);
  x[4 * stride] = vfmsq_f32(even2, odd2, two);
  x[5 * stride] = vfmaq_f32(vfmsq_f32(x5, x3, five), x1, four);
}

// A^T m: the first `tile` of the results are set.
RN_ALWAYS_INLINE void output_transform(float32x4_t *m, const uint32_t stride, const uint32_t tile) {
  const float32x4_t m0 = m[0], m1 = m[stride], m2 = m[2 * stride], m3 = m[3 * stride];
  const float32x4_t even = vaddq_f32(m1, m2), odd = vsubq_f32(m1, m2);
  if (tile == 2) {
    m[0] = vaddq_f32(m0, even);
    m[stride] = vsubq_f32(odd, m3);
    return;
  }
  const float32x4_t m4 = m[4 * stride], m5 = m[5 * stride];
  const float32x4_t two = vdupq_n_f32(2), four = vdupq_n_f32(4), eight = vdupq_n_f32(8);
  const float32x4_t even2 = vaddq_f32(m3, m4), odd2 = vsubq_f32(m3, m4);
  m[0] = vaddq_f32(vaddq_f32(m0, even), even2);
  m[stride] = vfmaq_f32(odd, odd2, two);
  m[2 * stride] = vfmaq_f32(even, even2, four);
  m[3 * stride] = vaddq_f32(vfmaq_f32(odd, odd2, eight), m5);
}

typedef struct strip {
  uint32_t first, tiles; // tiles of the strip
  uint32_t full;         // those before the image's last row of tiles, if that one is cut short
  uint32_t padded;       // tiles, to a multiple of 4
  uint32_t across;       // tiles in a row of the image
  uint32_t channels;     // of the input
  size_t v_position, m_position; // from one position to the next
  element *v;                    // [position][channel][padded tile]
  element *m;                    // [position][tile][32 oc]
} strip;

// Where the rows and columns of a tile are, in elements.
typedef struct place {
  const float *input;
  size_t row[6], column[6];
  int is_edge;
} place;

// V of `channels_step` channels from c on, of one tile.
RN_ALWAYS_INLINE void transform_tile(const place *at, size_t input_row, size_t pixel, uint32_t c,
                                     float32x4_t v[][4][channels_step / 4], uint32_t t,
                                     const uint32_t tile_height, const uint32_t tile_width,
                                     const int is_edge) {
  const uint32_t rows = tile_height + 2, columns = tile_width + 2;
  RN_UNROLL for (uint32_t part = 0; part < channels_step / 4; part++) {
    const float *input = at->input + c + 4 * part;
    float32x4_t d[36];
    RN_UNROLL for (uint32_t i = 0; i < rows; i++) {
      RN_UNROLL for (uint32_t j = 0; j < columns; j++) d[i * columns + j] =
          vld1q_f32(input + (is_edge ? at->row[i] + at->column[j] : i * input_row + j * pixel));
      input_transform(d + i * columns, 1, tile_width);
    }
    RN_UNROLL for (uint32_t j = 0; j < columns; j++) {
      input_transform(d + j, columns, tile_height);
      RN_UNROLL for (uint32_t i = 0; i < rows; i++) v[i * columns + j][t][part] =
          d[i * columns + j];
    }
  }
}

RN_ALWAYS_INLINE void transform_strip(const rn_winograd_f16_args *a, const strip *s,
                                      const uint32_t tile_height, const uint32_t tile_width) {
  const rn_conv_geometry *g = &a->conv.geometry;
  const size_t input_row = g->input_row, pixel = g->step_x;
  const uint32_t rows = tile_height + 2, columns = tile_width + 2;
  const uint32_t last_row = g->output_height + 1, last_column = g->output_width + 1;
  for (uint32_t first = 0; first < s->tiles; first += 4) {
    const uint32_t count = s->tiles - first < 4 ? s->tiles - first : 4;
    place at[4];
    for (uint32_t t = 0; t < count; t++) {
      const uint32_t y = (s->first + first + t) / s->across * tile_height;
      const uint32_t x = (s->first + first + t) % s->across * tile_width;
      at[t].input = a->conv.input + y * input_row + x * pixel;
      // Beyond the input its last row and column serve.
      for (uint32_t i = 0; i < rows; i++)
        at[t].row[i] = (y + i < last_row ? i : last_row - y) * input_row;
      for (uint32_t j = 0; j < columns; j++)
        at[t].column[j] = (x + j < last_column ? j : last_column - x) * pixel;
      at[t].is_edge = y + rows - 1 > last_row || x + columns - 1 > last_column;
    }
    float32x4_t v[36][4][channels_step / 4]; // [position][tile]
    for (uint32_t c = 0; c < s->channels; c += channels_step) {
      for (uint32_t t = 0; t < count; t++) {
        if (at[t].is_edge)
          transform_tile(&at[t], 0, 0, c, v, t, tile_height, tile_width, 1);
        else
          transform_tile(&at[t], input_row, pixel, c, v, t, tile_height, tile_width, 0);
      }
      element *to = s->v + (size_t)c * s->padded + first;
      for (uint32_t p = 0; p < rows * columns; p++, to += s->v_position)
        store_v(v[p], to, s->padded);
    }
  }
}

RN_ALWAYS_INLINE void store_strip(const rn_winograd_f16_args *a, const strip *s, uint32_t oc,
                                  uint32_t channels, const uint32_t tile_height,
                                  const uint32_t tile_width) {
  // A copy, which the stores cannot alias.
  const rn_conv_f16_args conv = a->conv;
  const rn_conv_geometry *g = &conv.geometry;
  const uint32_t rows = tile_height + 2, columns = tile_width + 2;
  const float32x4_t low = vdupq_n_f32(conv.low);
  for (uint32_t tile = 0; tile < s->tiles; tile++) {
    const uint32_t y = (s->first + tile) / s->across * tile_height;
    const uint32_t x = (s->first + tile) % s->across * tile_width;
    const uint32_t height = g->output_height - y, width = g->output_width - x;
    float *output = conv.output + y * g->output_row + x * g->output_pixel + oc;
    const float *residual =
        conv.residual ? conv.residual + y * g->residual_row + x * g->output_pixel + oc : 0;
    for (uint32_t c = 0; c < channels; c += 4) {
      const element *from = s->m + tile * 32 + c;
      float32x4_t m[36];
      RN_UNROLL for (uint32_t i = 0; i < rows; i++) {
        RN_UNROLL for (uint32_t j = 0; j < columns; j++, from += s->m_position) m[i * columns + j] =
            load_m(from);
        output_transform(m + i * columns, 1, tile_width);
      }
      const float32x4_t bias = vld1q_f32(conv.bias + oc + c);
      RN_UNROLL for (uint32_t j = 0; j < tile_width; j++) {
        output_transform(m + j, columns, tile_height);
        if (j >= width)
          continue;
        float *to = output + j * g->output_pixel + c;
        const float *other = residual ? residual + j * g->output_pixel + c : 0;
        RN_UNROLL for (uint32_t i = 0; i < tile_height; i++) {
          if (i >= height)
            continue;
          float32x4_t t = vaddq_f32(m[i * columns + j], bias);
          if (residual)
            t = vaddq_f32(t, vld1q_f32(other + i * g->residual_row));
          // FMAXNM makes low of a NaN and has 0 above -0.
          vst1q_f32(to + i * g->output_row, vmaxnmq_f32(t, low));
        }
      }
    }
  }
}

RN_ALWAYS_INLINE void winograd(const rn_winograd_f16_args *a, uint32_t first, uint32_t last,
                               const uint32_t tile_height, const uint32_t tile_width) {
  const rn_conv_geometry *g = &a->conv.geometry;
  const uint32_t positions = rn_winograd_positions(tile_height, tile_width);
  const uint32_t tiles =
      rn_winograd_tiles(g->output_height, g->output_width, tile_height, tile_width);
  const uint32_t strips = rn_winograd_f16_strips(tiles), pairs = (g->output_blocks + 1) / 2;
  strip s = {.across = (g->output_width + tile_width - 1) / tile_width, .channels = g->run / 3};
  // The last row of positions has a part only in the last row of outputs of a tile.
  const uint32_t last_positions = positions - tile_width - 2;
  const uint32_t full = g->output_height / tile_height * s.across;
  for (uint32_t unit = first; unit < last; unit++) {
    const uint32_t index = unit / pairs, block = unit % pairs * 2;
    if (unit == first || block == 0) {
      s.first = tiles * index / strips;
      s.tiles = tiles * (index + 1) / strips - s.first;
      s.full = full < s.first ? 0 : full - s.first < s.tiles ? full - s.first : s.tiles;
      s.padded = (s.tiles + 3) / 4 * 4;
      // A line more between positions: multiples of 4096 bytes would crowd few sets of the cache.
      s.v_position = (size_t)s.padded * s.channels + 64 / sizeof(element);
      s.m_position = (size_t)s.tiles * 32 + 64 / sizeof(element);
      s.v = a->scratch;
      s.m = s.v + positions * s.v_position;
      transform_strip(a, &s, tile_height, tile_width);
    }
    const uint32_t blocks = g->output_blocks - block < 2 ? 1 : 2;
    const size_t position = (size_t)s.channels * RN_CHANNEL_BLOCK;
    const uint16_t *weights = a->weights + block * positions * position;
    for (uint32_t p = 0; p < positions; p++)
      multiply(&s, s.v + p * s.v_position, p < last_positions ? s.tiles : s.full,
               weights + p * position, blocks, positions * position, s.m + p * s.m_position);
    store_strip(a, &s, block * 16, blocks * 16, tile_height, tile_width);
  }
}

static __attribute__((noinline)) void winograd_2x2(const rn_winograd_f16_args *a, uint32_t first,
                                                   uint32_t last) {
  winograd(a, first, last, 2, 2);
}
static __attribute__((noinline)) void winograd_4x2(const rn_winograd_f16_args *a, uint32_t first,
                                                   uint32_t last) {
  winograd(a, first, last, 4, 2);
}
static __attribute__((noinline)) void winograd_4x4(const rn_winograd_f16_args *a, uint32_t first,
                                                   uint32_t last) {
  winograd(a, first, last, 4, 4);
}

static void winograd_f16(const rn_winograd_f16_args *a, uint32_t first, uint32_t last) {
  (a->tile_height == 2  ? winograd_2x2
   : a->tile_width == 2 ? winograd_4x2
                        : winograd_4x4)(a, first, last);
}

#endif
