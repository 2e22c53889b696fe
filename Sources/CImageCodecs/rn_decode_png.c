// SPDX-License-Identifier: Apache-2.0
#include "rn_image_result.h"

#include <setjmp.h>
#include <stdlib.h>
#include <string.h>

#include <png.h>

// Everything that must survive a longjmp lives here, not in locals.
struct decoder {
  png_structp png;
  png_infop info;
  const uint8_t *bytes;
  size_t remaining;
  rn_decoded_image *result;
  // The status that libpng's next error stands for, because libpng reports texts only.
  int cause;
};

static _Noreturn void fail(png_structp png, png_const_charp message) {
  struct decoder *decoder = png_get_error_ptr(png);
  rn_image_fail(decoder->result, decoder->cause, message);
  png_longjmp(png, 1);
}

static void ignore_warning(png_structp png, png_const_charp message) {
  (void)png;
  (void)message;
}

static png_voidp allocate(png_structp png, png_alloc_size_t size) {
  struct decoder *decoder = png_get_mem_ptr(png);
  void *memory = malloc(size);
  if (memory == NULL) {
    decoder->cause = RN_IMAGE_OUT_OF_MEMORY;
  }
  return memory;
}

static void release(png_structp png, png_voidp memory) {
  (void)png;
  free(memory);
}

static void read_bytes(png_structp png, png_bytep target, size_t count) {
  struct decoder *decoder = png_get_io_ptr(png);
  if (count > decoder->remaining) {
    decoder->cause = RN_IMAGE_TRUNCATED;
    png_error(png, "the data end inside a chunk");
  }
  memcpy(target, decoder->bytes, count);
  decoder->bytes += count;
  decoder->remaining -= count;
}

static void decode(struct decoder *decoder, rn_image_limits limits) {
  png_structp png = decoder->png;
  rn_decoded_image *result = decoder->result;
  png_set_read_fn(png, decoder, read_bytes);
  png_set_crc_action(png, PNG_CRC_ERROR_QUIT, PNG_CRC_ERROR_QUIT);
  // Our own limits give a better error than libpng's, so its own must not come first.
  png_set_user_limits(png, PNG_UINT_31_MAX, PNG_UINT_31_MAX);
  png_read_info(png, decoder->info);

  result->width = png_get_image_width(png, decoder->info);
  result->height = png_get_image_height(png, decoder->info);
  if (!rn_image_allocate(result, limits)) {
    png_longjmp(png, 1);
  }

  png_byte color_type = png_get_color_type(png, decoder->info);
  if (color_type == PNG_COLOR_TYPE_PALETTE) {
    png_set_palette_to_rgb(png);
  } else if (color_type == PNG_COLOR_TYPE_GRAY) {
    png_set_expand_gray_1_2_4_to_8(png);
  }
  png_set_gray_to_rgb(png);
  png_set_strip_16(png);
  png_set_strip_alpha(png);
  int passes = png_set_interlace_handling(png);
  png_read_update_info(png, decoder->info);
  size_t row_bytes = 3 * (size_t)result->width;
  if (png_get_rowbytes(png, decoder->info) != row_bytes) {
    png_error(png, "the rows do not expand to RGB of 8 bits");
  }
  for (int pass = 0; pass < passes; pass++) {
    for (size_t y = 0; y < result->height; y++) {
      png_read_row(png, result->pixels + y * row_bytes, NULL);
    }
  }
  // Reads on to IEND: what ends before it is truncated.
  png_read_end(png, NULL);
}

void rn_decode_png(const uint8_t *bytes, size_t count, rn_image_limits limits,
                   rn_decoded_image *result) {
  memset(result, 0, sizeof *result);
  struct decoder decoder = {
      .bytes = bytes, .remaining = count, .result = result, .cause = RN_IMAGE_CORRUPT};
  decoder.png = png_create_read_struct_2(PNG_LIBPNG_VER_STRING, &decoder, fail, ignore_warning,
                                         &decoder, allocate, release);
  if (decoder.png != NULL) {
    decoder.info = png_create_info_struct(decoder.png);
  }
  if (decoder.info == NULL) {
    rn_image_fail(result, RN_IMAGE_OUT_OF_MEMORY, NULL);
  } else if (setjmp(png_jmpbuf(decoder.png)) == 0) {
    decode(&decoder, limits);
  }
  png_destroy_read_struct(&decoder.png, &decoder.info, NULL);
}
