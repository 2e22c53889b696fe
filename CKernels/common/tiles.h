// SPDX-License-Identifier: Apache-2.0
// Cuts the units of a direct convolution into register tiles: functions for each number of pixels,
// and the driver that calls them. Included once by each kernel file, after it has defined
//   conv_args                  the arguments
#ifndef RN_TILES_H
#define RN_TILES_H

#include "contracts.h"
#include "rn_each.h"

// `pixels` output pixels from (y, x) on, and the kernel's number of output channels from oc on.
typedef void tile_function(const conv_args *a, uint32_t oc, uint32_t y, uint32_t x);

// Makes shape_1 ... shape_n of shape(a, oc, y, x, pixels), with the pixels a constant, and the
// table shape_of, by the number of pixels.
#define RN_TILE(pixels, shape)                                                                     \
  static __attribute__((noinline)) void shape##_##pixels(const conv_args *a, uint32_t oc,          \
                                                         uint32_t y, uint32_t x) {                 \
    shape(a, oc, y, x, pixels);                                                                    \
  }
#define RN_TILE_NAME(pixels, shape) shape##_##pixels,
#define RN_TILES(shape, n)                                                                         \
  RN_FOR_1_TO_##n(RN_TILE, shape) static tile_function *const shape##_of[n + 1] = {                \
      0, RN_FOR_1_TO_##n(RN_TILE_NAME, shape)};

// The same of shape_name(a, oc, y, x, pixels): shape(a, oc, y, x, pixels, kind) with the kind a
// constant, for kernels with tiles of several kinds.
#define RN_KIND_OF_SHAPE(shape, name, kind, n)                                                     \
  RN_ALWAYS_INLINE void shape##_##name(const conv_args *a, uint32_t oc, uint32_t y, uint32_t x,    \
                                       const uint32_t pixels) {                                    \
    shape(a, oc, y, x, pixels, kind);                                                              \
  }                                                                                                \
  RN_TILES(shape##_##name, n)
#define RN_KIND_OF_TILES(name, kind, n) RN_KIND_OF_SHAPE(tile, name, kind, n)

// How units are cut. Tiles have nearly the same number of pixels, 15 as 8 + 7, since latency bounds
// those of few pixels.
typedef struct tile_cut {
  uint32_t pixels;   // of a tile at most
  uint32_t channels; // output channels of a tile
  uint32_t group; // output channels of which all tiles are done before the next: 32, to use input
                  // and output while they are in the cache, or less, to use weights so
  int is_one_row; // or else the pixels of a tile go on from row to row
} tile_cut;

RN_ALWAYS_INLINE void each_tile(const conv_args *a, uint32_t first, uint32_t last,
                                tile_function *const *tile_of, const tile_cut cut) {
  const rn_conv_geometry *g = &a->geometry;
  const uint32_t height = g->output_height, width = g->output_width;
  const uint32_t channels = g->output_blocks * RN_CHANNEL_BLOCK;
  require_conv(g, sizeof *a->input == 1 ? 4 : 1, a->input, a->weights, a->bias, a->output, last,
               rn_conv_units(g));
  while (first < last) {
    // The rows of one pair of blocks.
    const uint32_t y = first % height, pair = first / height * 32;
    const uint32_t left = last - first < height - y ? last - first : height - y;
    const uint32_t rows = cut.is_one_row ? 1 : left, pixels = rows * width;
    const uint32_t tiles = (pixels + cut.pixels - 1) / cut.pixels;
    const uint32_t least = pixels / tiles, longer = pixels % tiles;
    const uint32_t end = pair + 32 < channels ? pair + 32 : channels;
    for (uint32_t group = pair; group < end; group += cut.group) {
      const uint32_t group_end = group + cut.group < end ? group + cut.group : end;
      for (uint32_t i = 0, row = y, x = 0; i < tiles; i++) {
        const uint32_t count = i < longer ? least + 1 : least;
        for (uint32_t oc = group; oc < group_end; oc += cut.channels)
          tile_of[count](a, oc, row, x);
        for (x += count; x >= width; x -= width)
          row++;
      }
    }
    first += rows;
  }
}

#endif
