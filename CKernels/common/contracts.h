// SPDX-License-Identifier: Apache-2.0
// What rn_kernels.h asks of the arguments of convolutions and scales, checked in debug builds
// alone.
#ifndef RN_CONTRACTS_H
#define RN_CONTRACTS_H

#include "rn_target.h"

RN_ALWAYS_INLINE int is_aligned(const void *pointer) {
  return pointer && (uintptr_t)pointer % 64 == 0;
}

// A run is a multiple of `group`; units up to `last` of `units` are asked for.
RN_ALWAYS_INLINE void require_conv(const rn_conv_geometry *g, uint32_t group, const void *input,
                                   const void *weights, const void *bias, const void *output,
                                   uint32_t last, uint32_t units) {
  (void)g, (void)group, (void)input, (void)weights, (void)bias, (void)output, (void)last;
  (void)units;
  RN_REQUIRE(g->output_blocks > 0 && g->output_width > 0 && g->kernel_rows > 0);
  RN_REQUIRE(g->run > 0 && g->run % group == 0);
  RN_REQUIRE(input && output);
  RN_REQUIRE(is_aligned(weights) && is_aligned(bias));
  RN_REQUIRE(last <= units);
}

// What a grouped convolution asks beyond those; groups of `width` channels.
RN_ALWAYS_INLINE void require_grouped(const rn_conv_geometry *g, uint32_t width, uint32_t columns) {
  (void)g, (void)width, (void)columns;
  RN_REQUIRE(width == 4 || width == 8 || (width > 0 && width % 16 == 0));
  RN_REQUIRE(g->run == (width < 16 ? 16 : width) && columns > 0);
  RN_REQUIRE(g->output_blocks * RN_CHANNEL_BLOCK % width == 0);
}

// Of a Winograd convolution, whose input channels are a multiple of `channels`.
RN_ALWAYS_INLINE void require_winograd(const rn_conv_geometry *g, uint32_t channels,
                                       uint32_t tile_height, uint32_t tile_width,
                                       const void *scratch) {
  (void)g, (void)channels, (void)tile_height, (void)tile_width, (void)scratch;
  RN_REQUIRE(g->kernel_rows == 3 && g->run % (3 * channels) == 0 && g->step_y == g->input_row);
  RN_REQUIRE(tile_height == 2 || tile_height == 4);
  RN_REQUIRE(tile_width == 2 || tile_width == tile_height);
  RN_REQUIRE(is_aligned(scratch));
}

// Of a coded convolution, with units up to `last`.
RN_ALWAYS_INLINE void require_coded(const rn_coded_q8_args *a, uint32_t last) {
  (void)a, (void)last;
  RN_REQUIRE(a->form < RN_CODED_FORMS);
  RN_REQUIRE(a->conv.geometry.kernel_rows == 3 && a->conv.geometry.run % (3 * 16) == 0);
  RN_REQUIRE(a->conv.geometry.step_y == a->conv.geometry.input_row);
  RN_REQUIRE(a->conv.geometry.output_blocks > 0 && a->conv.geometry.output_width > 0);
  RN_REQUIRE(is_aligned(a->weights) && is_aligned(a->start) && is_aligned(a->shift));
  RN_REQUIRE(is_aligned(a->conv.multiplier) && is_aligned(a->scratch));
  RN_REQUIRE(a->conv.input && a->conv.output && a->step);
  RN_REQUIRE(last <= rn_coded_q8_units(a));
}

// Of a scale, in either format.
RN_ALWAYS_INLINE void require_scale(const void *input, const void *output, const float *multiplier,
                                    const float *offset, uint32_t width, uint32_t channels) {
  (void)input, (void)output, (void)multiplier, (void)offset, (void)width, (void)channels;
  RN_REQUIRE(input && output && multiplier && offset);
  RN_REQUIRE(width > 0 && channels > 0 && channels % RN_CHANNEL_BLOCK == 0);
}

#endif
