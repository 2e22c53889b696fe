// SPDX-License-Identifier: Apache-2.0
// The kernels: their arguments, contracts and the table through which they are called.
//
// Contracts that hold for every kernel
// - Tensors are NHWC; channels come in whole blocks of RN_CHANNEL_BLOCK, or
//   three in an image. Pitches are in elements.
// - A kernel reads at most RN_OVERREAD bytes past the end of an input and writes nothing but its
//   output. Outputs never overlap inputs, except where a field says that they may.
// - No kernel allocates, locks or calls the system. All may run on several threads at once, on
//   disjoint ranges of units.
// - A kernel without floating-point accumulation gives the same bits on every ISA, and so do
//   those that fix the order of their sums below.
#ifndef RN_KERNELS_H
#define RN_KERNELS_H

#include "rn_layout.h"
#include <stddef.h>
#include <stdint.h>

#define RN_CHANNEL_BLOCK 16
#define RN_OVERREAD 64

// Instruction-set levels, each including those before it on the same architecture.
typedef enum rn_isa {
  RN_ISA_REF = 0,        // portable C
  RN_ISA_SSE42 = 1,      // SSE4.2: x86 boards without AVX
  RN_ISA_AVX2 = 2,       // AVX2, FMA and F16C
  RN_ISA_AVXVNNI = 3,    // 256-bit VPDPBUSD: AVX-VNNI, or AVX-512 VL and VNNI
  RN_ISA_AVX512VNNI = 4, // AVX-512 F, BW, VL, VNNI
  RN_ISA_NEON = 5,       // Armv8.0: Cortex-A53, A72
  RN_ISA_NEONDOT = 6,    // SDOT of Armv8.2: Cortex-A55, A76
  RN_ISA_NEONFP16 = 7,   // also fp16 arithmetic of Armv8.2: Cortex-A55, A76
  RN_ISA_I8MM = 8,       // also SMMLA of Armv8.6
} rn_isa;

// Where a convolution reads and writes. `input` of the argument structs points at the first tap
// of output pixel (0, 0), so padding is a border that belongs to the input tensor.
//
// For output pixel (y, x) and kernel row r the `run` elements starting at
// y * step_y + r * input_row + x * step_x are contiguous: kernel columns times input channels. What
// rounding a run up adds has weights of 0, whatever lies there.
typedef struct rn_conv_geometry {
  uint32_t output_height, output_width; // pixels
  uint32_t output_blocks;               // blocks of 16 output channels
  uint32_t kernel_rows;
  uint32_t run;          // kernel columns * input channels; int8: rounded up to a multiple of 4
  size_t input_row;      // from one input row to the next
  size_t step_y, step_x; // from one output pixel's first tap to the next one's
  size_t output_row;     // from one output row to the next; anything, such as 0, of a single row
  size_t output_pixel;   // from one output pixel to the next
  size_t residual_row;   // as output_row, for the residual; its pixels are output_pixel apart
} rn_conv_geometry;

// Work is cut into units: one output row of two blocks (32) of output channels. Unit
// u is row u % output_height of block pair u / output_height.
static inline uint32_t rn_conv_units(const rn_conv_geometry *g) {
  return (g->output_blocks + 1) / 2 * g->output_height;
}

// int8 convolution with requantization, residual add and clamping in the epilogue:
//   acc    = bias[oc] + sum of input * weight          int32, exact; |acc| < 2^31 is the caller's
//   t      = (float)acc * multiplier[oc]
//   t      = t + (float)(residual - residual_zero) * residual_multiplier     if residual
//   output = round_half_even(min(max(t, low), high)) + output_zero
// A tensor may have 16 bits: its upper bytes, which convolutions read, and behind them in the same
// layout its lower ones, which only a residual add reads. Such an output counts in 256ths:
//   w = round_half_even(...) + output_zero;   output = w >> 8, its lower byte = w & 255
// and so does such a residual, as 256 * upper byte + lower byte. Both zeros are then 256 times a
// byte's, and 128 more, so that the upper byte is the rounded one.
// In a table whose activation_flip is 0x80, bytes are int8 instead: 128 less, and so are both
// zeros; the bias then holds 128 * (sum of the weights) more. Results are the same but for that
// 128, in upper bytes. Every multiplication and addition is rounded on its own, never fused. max(t,
// low) is t > low ? t : low: it makes low of a NaN, which infinities of opposite signs may leave.
// Range: low + output_zero >= 0 and high + output_zero <= 255, in int8 -128 and 127; of 16 bits 0
// and 65535, or -32768 and 32767.
typedef struct rn_conv_q8_args {
  rn_conv_geometry geometry;
  const uint8_t *input;
  const int8_t *weights;   // [oc/16][kernel row][run/4][16 oc][4]; 64-byte aligned
  const int32_t *bias;     // [oc], 64-byte aligned
  const float *multiplier; // [oc], 64-byte aligned, finite
  const uint8_t *residual; // null, or at output pixel (0, 0); may be the output itself
  uint8_t *output;
  ptrdiff_t output_lower, residual_lower; // from a byte to its lower byte; 0 if it has none
  float residual_multiplier;              // finite
  int32_t residual_zero; // 0...255, in int8 -128...127; of 16 bits 0...65535, -32768...32767
  float low, high;
  int32_t output_zero; // as residual_zero
} rn_conv_q8_args;

// Grouped convolution, as in ResNeXt: all groups of a layer at once. A group has group_channels = w
// input channels and as many output channels, so output channel oc reads the w input channels from
// oc / w * w on; a planner widens other groups with weights of 0. With the formula and the range of
// conv_q8 but for
//   acc = bias[oc] + sum over kernel rows r, columns c and k < w of input * weight, the input being
//         channel oc / w * w + k of the pixel at y * step_y + r * input_row + x * step_x +
//         c * input_column
// So input_row and input_column tell of a dilation too, and taps are counted in rows. A block of 16
// output channels reads the `run` = max(w, 16) channels of each tap from 16 * block / run * run on.
// Bias and multiplier are in the order of the output channels; weights are where
// rn_grouped_index_q8 has them. Units are those of the convolution.
typedef struct rn_grouped_q8_args {
  rn_conv_q8_args conv;    // weights: [oc/16][tap][w/4][16 oc][4], in the order of rn_layout.h
  uint32_t group_channels; // 4, 8 or a multiple of 16, of which the output channels are a multiple
  uint32_t kernel_columns;
  size_t input_column; // from one tap of a kernel row to the next
} rn_grouped_q8_args;

// Exact integer Winograd convolution, F(tile_height x tile_width, 3x3) after Lavin and Gray,
// "Fast Algorithms for Convolutional Neural Networks" (2016), with integer transforms: the same
// bits as conv_q8 on the weights from which its weights were made. The transforms scale the sums by
// S = 4 (2x2), 48 = 3 * 16 (4x2) or 576 = 9 * 64 (4x4). All sums are modulo 2^32, where the odd
// part of S has an inverse: with T = 4, 16 or 64 it is enough that T * sum fits int32, which
// rn_winograd_q8_is_exact tells of the weights.
//
// With d the (tile_height + 2) x (tile_width + 2) inputs of a tile, `positions` in number:
//   V = B^T d B   int16    M[position] = sum over channels of V * U   int32    S * sum = A^T M A
typedef struct rn_winograd_q8_args {
  rn_conv_q8_args conv;             // 3x3, stride 1, input channels a multiple of 32; no weights
  const int16_t *weights;           // U: [oc/16][position][ic/2][16 oc][2]; 64-byte aligned
  uint32_t tile_height, tile_width; // 2x2, 4x2 or 4x4
  void *scratch; // rn_winograd_q8_scratch() bytes for each thread, 64-byte aligned
} rn_winograd_q8_args;

// Tiles are worked on in strips of at most this many.
#define RN_WINOGRAD_TILES 16

static inline uint32_t rn_winograd_positions(uint32_t tile_height, uint32_t tile_width) {
  return (tile_height + 2) * (tile_width + 2);
}

// Tiles of an output, from left to right and then down; those at the edges may reach beyond it.
static inline uint32_t rn_winograd_tiles(uint32_t height, uint32_t width, uint32_t tile_height,
                                         uint32_t tile_width) {
  return ((height + tile_height - 1) / tile_height) * ((width + tile_width - 1) / tile_width);
}

// Fourteen tiles fill the largest register tile; sixteen in one strip stream the weights once.
static inline uint32_t rn_winograd_strips(uint32_t tiles) {
  return tiles <= RN_WINOGRAD_TILES ? 1 : (tiles + 13) / 14;
}

// Strip s has the tiles from its start to that of strip s + 1. The product is beyond 32 bits from
// some 245000 tiles on.
static inline uint32_t rn_winograd_strip_start(uint32_t tiles, uint32_t strip, uint32_t strips) {
  return (uint32_t)((uint64_t)tiles * strip / strips);
}

// Unit u is block pair u % pairs of strip u / pairs.
static inline uint32_t rn_winograd_q8_units(const rn_winograd_q8_args *a) {
  const rn_conv_geometry *g = &a->conv.geometry;
  return (g->output_blocks + 1) / 2 *
         rn_winograd_strips(
             rn_winograd_tiles(g->output_height, g->output_width, a->tile_height, a->tile_width));
}

// Bytes of scratch: V and M of one strip, M for one pair of blocks, and 32 elements after each
// position of both.
static inline size_t rn_winograd_q8_scratch(uint32_t tile_height, uint32_t tile_width,
                                            uint32_t channels) {
  const size_t v = ((size_t)RN_WINOGRAD_TILES * channels + 32) * sizeof(int16_t);
  const size_t m = (RN_WINOGRAD_TILES * 32 + 32) * sizeof(int32_t);
  return rn_winograd_positions(tile_height, tile_width) * (v + m);
}

// Makes U of the blocks [first_block, last_block) of output channels, of weights as conv_q8 has
// them, [oc/16][3][3 * channels / 4][16 oc][4]. Both pointers are at block 0, whatever their
// alignment.
void rn_winograd_q8_weights(uint32_t tile_height, uint32_t tile_width, const int8_t *weights,
                            uint32_t first_block, uint32_t last_block, uint32_t channels,
                            int16_t *transformed);

// The greatest magnitude of an output channel's sum over all inputs, uint8 or int8, of such
// weights; UINT32_MAX if it is beyond that.
uint32_t rn_winograd_q8_greatest_sum(const int8_t *weights, uint32_t output_blocks,
                                     uint32_t channels);

// Whether T * sum fits int32.
static inline int rn_winograd_q8_is_exact(uint32_t tile_height, uint32_t tile_width,
                                          uint32_t greatest_sum) {
  const uint32_t scale = (tile_height == 4 ? 8 : 2) * (tile_width == 4 ? 8 : 2);
  return greatest_sum <= INT32_MAX / scale;
}

// Coded convolution: 3x3 with stride 1 in the domain of a transform, whose inputs are rounded to 8
// bits there ("coded") so that they multiply at the full rate of int8. It is another arithmetic
// than conv_q8, with the same bits on every ISA. With d the inputs of a tile less 128, and B and A
// the matrices of the form in weights/coded_matrices.h:
//   V    = B^T d B                                              int16, exact: |V| <= 2048
//   code = min(max(((V * step[tap] + 2^14) >> 15) + z, 0), 255)      z is 128, and `zero` of the
//                                                               zero tap
//   M    = (start[oc][tap] + sum over channels of code * U) << shift[oc][tap]
//   acc  = A^T M A
// and the epilogue of conv_q8, without its bias. M and acc are modulo 2^32, so no argument makes
// them undefined; rn_coded_q8_greatest_sum tells whether acc can be beyond int32.
// In a table whose activation_flip is 0x80, d are the bytes themselves, and codes are 128 less, in
// -128...127, and so are z and the zeros of the epilogue; start then holds 128 * (sum of the tap's
// U) more, which rn_coded_q8_flip_start adds.
//
// The zero tap is the only one that inputs of one value contribute to, and the only one that has
// the same part in all outputs of a tile: its codes need another zero than the middle, and its
// start holds the bias.
//
// d has the tile_height + 2 rows and tile_width + 2 columns of the input, with its border, from the
// tile's first output on. Tiles at the edges may reach beyond the output: then d repeats row
// output_height + 1 and column output_width + 1, the last that an output of the image needs. Coding
// is not linear, so the outputs depend on it.
//
// What a quantizer chooses, of a layer whose input has a scale si and whose output has so:
//   step[tap]          2^15 / (step of V), at most 2^15 - 1, which leaves V as it is
//   s[oc]              a scale for all taps of the output channel
//   U, shift           (G g G^T) * (si * (step of V) / s[oc]) = U * 2^shift, g the float weights
//   start              (zero tap: bias / s[oc]) / 2^shift - (code of V of zeros) * (sum of U)
//   multiplier         s[oc] / so
typedef enum rn_coded_form {
  RN_CODED_F2X2 = 0,   // F(2x2, 3x3) after Winograd: 16 taps
  RN_CODED_SFC4X4 = 1, // SFC-4(4x4, 3x3), symbolic Fourier (arXiv 2407.02913): 49 taps
  RN_CODED_FORMS = 2,
} rn_coded_form;

typedef struct rn_coded_q8_args {
  rn_conv_q8_args conv; // 3x3, stride 1, input channels a multiple of 16; no weights and no bias
  rn_coded_form form;
  const int8_t *weights; // U: [oc/16][tap][ic/4][16 oc][4], -127...127; 64-byte aligned
  const int32_t *start;  // [oc/16][tap][16 oc]; 64-byte aligned
  const int32_t *shift;  // [oc/16][tap][16 oc], 0...31; 64-byte aligned
  const int16_t *step;   // [row of taps][8], 0...32767; what is behind a row's taps does not matter
  int32_t zero;          // -32000...32000
  void *scratch;         // rn_coded_q8_scratch() bytes for each thread, 64-byte aligned
} rn_coded_q8_args;

// Outputs of a tile; taps, which are counted in rows, and the zero tap's row and column.
typedef struct rn_coded_shape {
  uint32_t tile_height, tile_width, rows, columns, zero_row, zero_column;
} rn_coded_shape;

static inline rn_coded_shape rn_coded_shape_of(rn_coded_form form) {
  if (form == RN_CODED_F2X2)
    return (rn_coded_shape){2, 2, 4, 4, 1, 1};
  return (rn_coded_shape){4, 4, 7, 7, 0, 0};
}

static inline uint32_t rn_coded_taps(rn_coded_form form) {
  const rn_coded_shape s = rn_coded_shape_of(form);
  return s.rows * s.columns;
}

// Tiles and strips are those of Winograd, and unit u is block pair u % pairs of strip u / pairs.
static inline uint32_t rn_coded_q8_units(const rn_coded_q8_args *a) {
  const rn_conv_geometry *g = &a->conv.geometry;
  const rn_coded_shape s = rn_coded_shape_of(a->form);
  return (g->output_blocks + 1) / 2 *
         rn_winograd_strips(
             rn_winograd_tiles(g->output_height, g->output_width, s.tile_height, s.tile_width));
}

// Bytes of scratch: of each tap the codes and M of one strip, M for one pair of blocks, each with a
// cache line behind, and a line for the step. Codes have room for channels up to a multiple of 64.
static inline size_t rn_coded_q8_scratch(rn_coded_form form, uint32_t channels) {
  const size_t codes = (size_t)RN_WINOGRAD_TILES * ((channels + 63) / 64 * 64) + 64;
  const size_t m = RN_WINOGRAD_TILES * 32 * sizeof(int32_t) + 64;
  return rn_coded_taps(form) * (codes + m + 64);
}

// G g G^T of the 3x3 weights g of one output and input channel, computed in double and rounded
// once, and B^T d B of the inputs of one tile, (tile_height + 2) x (tile_width + 2) of them: what
// float weights are before they are rounded, and what is coded. Both are rows of taps.
void rn_coded_weights(rn_coded_form form, const float *weights, float *transformed);
void rn_coded_inputs(rn_coded_form form, const int16_t *inputs, int16_t *transformed);

// How much of an error of a tap's M is in the outputs of a tile: the sum of the squares of its
// factors in A^T M A.
uint32_t rn_coded_output_gain(rn_coded_form form, uint32_t tap);

// Adds 128 * (sum of U) to start: from that of a table that is not flipped to that of one that is.
void rn_coded_q8_flip_start(rn_coded_form form, const int8_t *weights, uint32_t output_blocks,
                            uint32_t channels, int32_t *start);

// The greatest magnitude of acc over all codes; UINT64_MAX if it is beyond that. `start` is that of
// a table that is not flipped. If it is at most INT32_MAX, no acc is reduced modulo 2^32.
uint64_t rn_coded_q8_greatest_sum(rn_coded_form form, const int8_t *weights, const int32_t *start,
                                  const int32_t *shift, uint32_t output_blocks, uint32_t channels);

// Convolution of float32 activations: one chain of fused multiply-adds for each output, starting at
// the bias, in the order of kernel rows and then of the run. The same bits wherever there is an
// FMA.
//   t = fma chain;  t = t + residual  if residual
//   t = t > low ? t : low;  output = t < high ? t : high
// So a ReLU gives neither -0 nor NaN. conv_f32 has float32 weights; conv_f16 has fp16 weights (IEEE
// 754 binary16 bits, finite), each widened to float32 as it is used, which is exact: the bits are
// those of conv_f32 on the widened weights.
typedef struct rn_conv_float_args {
  rn_conv_geometry geometry;
  const float *input;
  const void *weights;   // [oc/16][kernel row][run][16 oc]; 64-byte aligned
  const float *bias;     // [oc], 64-byte aligned
  const float *residual; // null, or at output pixel (0, 0); may be the output itself
  float *output;
  float low;  // 0 for ReLU, -INFINITY for none; not -0
  float high; // 6 for ReLU6, INFINITY for none; not below low
} rn_conv_float_args;

// Grouped convolution of float32 activations: groups, taps and run are those of grouped_q8, and the
// rest is that of conv_f32 and conv_f16, whose chains are in the order of kernel rows, columns and
// the group's channels.
typedef struct rn_grouped_float_args {
  rn_conv_float_args conv; // weights: [oc/16][tap][w][16 oc]
  uint32_t group_channels; // 4, 8 or a multiple of 16, of which the output channels are a multiple
  uint32_t kernel_columns;
  size_t input_column; // from one tap of a kernel row to the next
} rn_grouped_float_args;

// Winograd convolution F(tile_height x tile_width, 3x3) in float32 with transformed weights, after
// Lavin and Gray as above. In one dimension, with every operation rounded on its own and fma where
// it says so, B^T x is
//   F(2): v0 = x0 - x2, v1 = x1 + x2, v2 = x2 - x1, v3 = x1 - x3
//   F(4): v0 = fma(4, x0, fma(-5, x2, x4)),   v5 = fma(4, x1, fma(-5, x3, x5)),
//         e = fma(-4, x2, x4), o = fma(-4, x1, x3), v1 = e + o, v2 = e - o,
//         f = x4 - x2, p = x3 - x1,   v3 = fma(2, p, f), v4 = fma(-2, p, f)
// and A^T m
//   F(2): e = m1 + m2, o = m1 - m2, y0 = m0 + e, y1 = o - m3
//   F(4): e = m1 + m2, o = m1 - m2, f = m3 + m4, p = m3 - m4,
//         y0 = (m0 + e) + f, y1 = fma(2, p, o), y2 = fma(4, f, e), y3 = fma(8, p, o) + m5
// Both transform first along rows, then along columns:
//   V = B^T d B     M[position] = fma chain over channels of V * U, starting at 0
//   t = A^T M A + bias[oc];  then residual and clamp as for conv_f32
// So the bits are the same wherever there is an FMA. winograd_f32 has float32 weights; winograd_f16
// has fp16 weights, each widened as it is used, and the bits of winograd_f32 on the widened ones.
// Beyond the input, in tiles that reach beyond the output, its last row and column are repeated:
// but for rounding they have no part in an output of the image.
typedef struct rn_winograd_float_args {
  rn_conv_float_args conv;          // 3x3, stride 1, input channels a multiple of 16; no weights
  const void *weights;              // U: [oc/16][position][ic][16 oc]; 64-byte aligned
  uint32_t tile_height, tile_width; // 2x2, 4x2 or 4x4
  void *scratch; // rn_winograd_float_scratch() bytes for each thread, 64-byte aligned
} rn_winograd_float_args;

// Strips and units are those of winograd_q8.
static inline uint32_t rn_winograd_float_units(const rn_winograd_float_args *a) {
  const rn_conv_geometry *g = &a->conv.geometry;
  return (g->output_blocks + 1) / 2 *
         rn_winograd_strips(
             rn_winograd_tiles(g->output_height, g->output_width, a->tile_height, a->tile_width));
}

// Bytes of scratch: V and M of one strip in float32, M for one pair of blocks, and a cache line
// after each position of both.
static inline size_t rn_winograd_float_scratch(uint32_t tile_height, uint32_t tile_width,
                                               uint32_t channels) {
  const size_t row = (size_t)RN_WINOGRAD_TILES * (channels + 32) + 32;
  return rn_winograd_positions(tile_height, tile_width) * row * sizeof(float);
}

// Makes U = G g G^T of weights as the direct convolutions have them, [oc/16][3][3 * channels][16
// oc]: computed in float32, for fp16 rounded half to even once; the same bits everywhere. The rows
// of |G| have sums of at most 1 in F(4) and 3/2 in F(2), and no sum on the way is above 9/2 times
// the greatest weight. Range: float32 weights of at most FLT_MAX / (9/2); of fp16 any finite ones
// for F(4x4), for the others those of at most 65504 / (9/4) = 29112; beyond it U may become
// infinite.
void rn_winograd_f32_weights(uint32_t tile_height, uint32_t tile_width, const float *weights,
                             uint32_t output_blocks, uint32_t channels, float *transformed);
void rn_winograd_f16_weights(uint32_t tile_height, uint32_t tile_width, const uint16_t *weights,
                             uint32_t output_blocks, uint32_t channels, uint16_t *transformed);

// Range of products and sums in fp16: inputs below the first limit, and sum |w x| below the second,
// which is the greatest fp16 number less 6 % for roundings on the way. For Winograd it holds for
// sum |U V| / RN_WINOGRAD_F16ACC16_SCALE of each position: V is divided by that scale.
#define RN_F16ACC16_INPUT_LIMIT 512
#define RN_F16ACC16_SUM_LIMIT (65504 * 0.94)
#define RN_WINOGRAD_F16ACC16_SCALE 16

// Whether a convolution keeps to that range for all inputs of at most `greatest_input` in
// magnitude. Its weights are [outputs][inputs][taps], for Winograd [outputs][inputs][3][3].
int rn_conv_f16acc16_is_in_range(const float *weights, uint32_t outputs, uint32_t inputs,
                                 uint32_t taps, double greatest_input);
int rn_winograd_f16acc16_is_in_range(uint32_t tile_height, uint32_t tile_width,
                                     const float *weights, uint32_t outputs, uint32_t inputs,
                                     double greatest_input);

// Pixels of int8 activations to float32 and back:
//   value = (stored - zero) * scale
//   stored = round_half_even(min(max(value * (1 / scale), -zero), 255 - zero)) + zero
// Multiplications are rounded on their own; a NaN becomes 0.
typedef struct rn_convert_args {
  uint32_t pixels, channels;        // channels of each pixel, a multiple of 16
  size_t stored_pixel, value_pixel; // elements from one pixel to the next
  float scale;                      // positive, finite
  int32_t zero;                     // 0...255
  uint8_t flip;                     // the table's activation_flip
} rn_convert_args;

// One output row of a 3x3 maximum with stride 2: output pixel x is the maximum over input pixels
// 2x, 2x + 1, 2x + 2 of the three rows. Rows carry their padding; a row outside the image is given
// as one of its neighbours.
// Bytes are int8 in a table whose activation_flip is 0x80.
// Range of float32: neither NaN nor -0; a ReLU gives none.
typedef struct rn_maxpool_args {
  const void *rows[3];
  void *output;
  uint32_t output_width, channels;
} rn_maxpool_args;

// The mean over all pixels of an image: features[c] = (float)(sum - pixels * zero) * multiplier for
// uint8 with an exact sum, and for float32 a chain of additions in the order of rows and columns,
// times the multiplier. Where activation_flip is 0x80, 128 is added to each int8: the features are
// the same.
// Range: height * width <= 2^24 / 255 keeps the uint8 sum exact in float.
typedef struct rn_avgpool_args {
  const void *input; // at pixel (0, 0)
  size_t input_row;
  uint32_t height, width, channels;
  int32_t zero;     // of uint8: 0...255
  float multiplier; // scale / (height * width), or 1 / (height * width)
  float *features;  // [channels]
} rn_avgpool_args;

// Rows of a pool of kernel_height x kernel_width windows. Window (y, x) starts at pixel
// (y * stride_y - padding_top, x * stride_x - padding_left); its pixels outside the image count for
// nothing.
//   windowmax: the greatest value, found as value > greatest ? value : greatest in the order of
//   rows and columns, so that float32 too has the same bits everywhere; no NaN
//   windowavg: n pixels of a window are in the image; the divisor d is n, or the whole window's
//   pixels if counts_padding
//     f32: (a chain of additions in the order of rows and columns, starting at 0) / (float)d
//     q8:  t = (float)(sum - n * input_zero) * multiplier / (float)d, the sum exact
//          output = round_half_even(min(max(t, -output_zero), 255 - output_zero)) + output_zero
//   windowblur: the image smoothed by [1 2 1] / 4 in both directions, as timm's BlurPool2d does. It
//   is reflected at its edges without repeating them: row -1 is row 1, and of H rows row H is row
//   H - 2; columns too. With top, middle and bottom the pixels of a column of the window:
//     column = (top + bottom) + (middle + middle)
//     sum    = (left column + right column) + (middle column + middle column)
//     f32: sum * 0.0625
//     q8:  t = (float)(sum - 16 * input_zero) * (multiplier * 0.0625), the sum exact, and the
//          output as that of windowavg
//   Range: kernels of 3x3, padding_top and padding_left 1, at least 2 rows and 2 columns, and
//   windows whose middle is in the image; counts_padding is not read; in float32 no infinities
// Every operation is rounded on its own; max(t, low) is that of conv_q8. Bytes are stored ^ flip.
// Range: windows of 1...256 pixels, each with a pixel of the image at least.
typedef struct rn_window_args {
  const void *input; // at pixel (0, 0)
  void *output;      // at pixel (0, 0)
  size_t input_row, output_row;
  uint32_t input_height, input_width, output_height, output_width;
  uint32_t channels; // a multiple of 16
  uint32_t kernel_height, kernel_width, stride_y, stride_x, padding_top, padding_left;
  uint8_t counts_padding;
  uint8_t flip;                    // of q8: the table's activation_flip
  int32_t input_zero, output_zero; // of windowavg_q8 and windowblur_q8: 0...255
  float multiplier;                // of the same: scale of the input / scale of the output
} rn_window_args;

// Rows of pixels times a multiplier and plus an offset for each channel, and what may follow: a
// residual, slopes of what is below 0, a clamp. So are gates (squeeze-and-excitation), batch norms
// in front of a convolution and PReLUs. Pixels are `channels` elements apart, rows a pitch of their
// tensor. For each channel c, every operation rounded on its own, never fused:
//   t      = (float)(input - input_zero) * multiplier[c]
//   t      = t + offset[c]
//   t      = t + (float)(residual - residual_zero) * residual_multiplier     if residual
//   t      = t < 0 ? t * slope[c] : t                                        if slope
//   output = round_half_even(min(max(t, low), high)) + output_zero
// What conv_q8 says of its output and residual holds for the input as well: tensors may have 16
// bits, which count in 256ths, and bytes are int8 where activation_flip is 0x80, 128 less, as all
// zeros are. max(t, low) is that of conv_q8, and so is the range of low and high.
// Multipliers, offsets and slopes may be anything: a NaN, such as 0 times infinity, becomes low.
// The output may be the input or the residual itself, or both, if their pitches are the same; of 16
// bits also if upper and lower bytes are as far from each other.
typedef struct rn_scale_q8_args {
  const uint8_t *input;                                // at pixel (0, 0)
  const uint8_t *residual;                             // null, or at pixel (0, 0)
  uint8_t *output;                                     // at pixel (0, 0)
  ptrdiff_t input_lower, residual_lower, output_lower; // from a byte to its lower byte; 0: none
  size_t input_row, residual_row, output_row;          // from one row to the next
  uint32_t width, channels;                            // pixels of a row; a multiple of 16
  const float *multiplier, *offset;                    // [channels]
  const float *slope;                                  // null, or [channels]
  float residual_multiplier;
  int32_t input_zero, residual_zero, output_zero; // as those of rn_conv_q8_args
  float low, high;
} rn_scale_q8_args;

// The same of float32:
//   t = input * multiplier[c];   t = t + offset[c];   t = t + residual  if residual
//   t = t < 0 ? t * slope[c] : t                                        if slope
//   t = t > low ? t : low;   output = t < high ? t : high
typedef struct rn_scale_f32_args {
  const float *input;    // at pixel (0, 0)
  const float *residual; // null, or at pixel (0, 0)
  float *output;         // at pixel (0, 0)
  size_t input_row, residual_row, output_row;
  uint32_t width, channels;
  const float *multiplier, *offset; // [channels]
  const float *slope;               // null, or [channels]
  float low, high;                  // as those of rn_conv_float_args
} rn_scale_f32_args;

// The classifier on float32 features with int8 weights:
//   logits[o] = (sum over i of features[i] * weight[i][o]) * multiplier[o] + bias[o]
// summed in the order of i, every multiplication and addition rounded on its own.
typedef struct rn_linear_q8_args {
  const float *features;   // [inputs]
  const int8_t *weights;   // [outputs/16][inputs][16]
  const float *multiplier; // [outputs]
  const float *bias;       // [outputs]
  float *logits;           // [outputs]
  uint32_t inputs, output_blocks;
} rn_linear_q8_args;

// One row of RGB8 pixels into the network's first tensor.
//   q8:  the bytes ^ activation_flip     f32: (byte / 255 - mean[c]) / std[c]
typedef struct rn_input_args {
  const uint8_t *rgb;
  void *output;
  uint32_t width;
  float mean[3], std[3];
} rn_input_args;

// Kernels that split their work take the range of units [first, last) to do.
typedef struct rn_kernels {
  // What activations in memory are flipped with: 0, or 0x80 where an ISA multiplies signed by
  // signed. It holds for all kernels of the table: conv, grouped, winograd, coded, maxpool,
  // avgpool, scale and input of q8.
  uint8_t activation_flip;
  void (*conv_q8)(const rn_conv_q8_args *, uint32_t first, uint32_t last);
  void (*grouped_q8)(const rn_grouped_q8_args *, uint32_t first, uint32_t last);
  void (*winograd_q8)(const rn_winograd_q8_args *, uint32_t first, uint32_t last);
  void (*coded_q8)(const rn_coded_q8_args *, uint32_t first, uint32_t last);
  void (*conv_f32)(const rn_conv_float_args *, uint32_t first, uint32_t last);
  void (*conv_f16)(const rn_conv_float_args *, uint32_t first, uint32_t last);
  void (*grouped_f32)(const rn_grouped_float_args *, uint32_t first, uint32_t last);
  void (*grouped_f16)(const rn_grouped_float_args *, uint32_t first, uint32_t last);
  void (*winograd_f32)(const rn_winograd_float_args *, uint32_t first, uint32_t last);
  void (*winograd_f16)(const rn_winograd_float_args *, uint32_t first, uint32_t last);
  // The last two of fp16 weights with products and short sums of them in fp16 where the level has
  // such arithmetic, elsewhere those. With u = 2^-11, a product that passes r roundings to fp16 is
  // off by (1 + u)^r - 1 at most; r is at most 112, in Winograd's domain 24 + channels / 64. Range:
  // the two limits at RN_F16ACC16_INPUT_LIMIT.
  void (*conv_f16acc16)(const rn_conv_float_args *, uint32_t first, uint32_t last);
  void (*winograd_f16acc16)(const rn_winograd_float_args *, uint32_t first, uint32_t last);
  void (*maxpool_q8)(const rn_maxpool_args *);
  void (*maxpool_f32)(const rn_maxpool_args *);
  void (*avgpool_q8)(const rn_avgpool_args *);
  void (*avgpool_f32)(const rn_avgpool_args *);
  void (*windowmax_q8)(const rn_window_args *, uint32_t first_row, uint32_t last_row);
  void (*windowmax_f32)(const rn_window_args *, uint32_t first_row, uint32_t last_row);
  void (*windowavg_q8)(const rn_window_args *, uint32_t first_row, uint32_t last_row);
  void (*windowavg_f32)(const rn_window_args *, uint32_t first_row, uint32_t last_row);
  void (*windowblur_q8)(const rn_window_args *, uint32_t first_row, uint32_t last_row);
  void (*windowblur_f32)(const rn_window_args *, uint32_t first_row, uint32_t last_row);
  void (*scale_q8)(const rn_scale_q8_args *, uint32_t first_row, uint32_t last_row);
  void (*scale_f32)(const rn_scale_f32_args *, uint32_t first_row, uint32_t last_row);
  void (*linear_q8)(const rn_linear_q8_args *, uint32_t first_block, uint32_t last_block);
  void (*dequantize)(const rn_convert_args *, const uint8_t *stored, float *values);
  void (*quantize)(const rn_convert_args *, const float *values, uint8_t *stored);
  void (*input_q8)(const rn_input_args *);
  void (*input_f32)(const rn_input_args *);
  // probabilities[i] = exp(logits[i] - max) / sum, summed in order; the arrays may be the same.
  void (*softmax_f32)(const float *logits, float *probabilities, uint32_t count);
  // results[i] = 1 / (1 + exp(-values[i])), with the exponential of softmax_f32; the arrays may be
  // the same.
  void (*sigmoid_f32)(const float *values, float *results, uint32_t count);
  // Multiplies in registers as fast as the level can: what the convolution of the format is
  // measured against. Returns the number of multiplications done.
  uint64_t (*peak_q8)(uint64_t iterations);
  uint64_t (*peak_f32)(uint64_t iterations);
} rn_kernels;

// The highest level of this CPU.
rn_isa rn_isa_detect(void);

// The name of a level: "ref", "avx512vnni"...
const char *rn_isa_name(rn_isa isa);

// Finds the level of a name. Returns 0, or -1 if there is no such level on this architecture.
int rn_isa_from_name(const char *name, rn_isa *isa);

// Fills the table with `ref` and overrides it in ascending order up to `cap`, which must be at
// most what rn_isa_detect() returned.
void rn_kernels_init(rn_kernels *kernels, rn_isa cap);

// A kernel as the lists of CKernels/*/kernels.h have it.
typedef struct rn_kernel {
  const char *name; // "rn_conv_q8_avx512vnni"
  const char *slot; // "conv_q8"
  rn_isa isa;       // the level from which on the table has it
  size_t offset;    // of the slot in rn_kernels
  void (*function)(void);
  int (*is_supported)(void); // null: by every CPU of the level
} rn_kernel;

// The kernels of this architecture, the references first and then ascending.
const rn_kernel *rn_kernel_list(size_t *count);

// The entry of a function that a table holds; null if it is none of the lists (a Swift kernel).
const rn_kernel *rn_kernel_find(void (*function)(void));

#endif
