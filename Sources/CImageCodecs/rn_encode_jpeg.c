// SPDX-License-Identifier: Apache-2.0
#include "rn_image_codecs.h"

#include <errno.h>
#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>

// jpeglib.h needs stdio.h and size_t before it.
#include <jerror.h>
#include <jpeglib.h>

// Everything that must survive a longjmp lives here, not in locals.
struct encoder {
  struct jpeg_compress_struct jpeg;
  struct jpeg_error_mgr errors;
  jmp_buf escape;
  unsigned char *bytes;
  unsigned long count;
  int has_destination;
};

static _Noreturn void fail(j_common_ptr jpeg) {
  struct encoder *encoder = jpeg->client_data;
  longjmp(encoder->escape, 1);
}

static void ignore_message(j_common_ptr jpeg) { (void)jpeg; }

static int errno_of_message(int code) {
  switch (code) {
  case JERR_OUT_OF_MEMORY:
    return ENOMEM;
  case JERR_IMAGE_TOO_BIG:
    return EFBIG;
  default:
    return EINVAL;
  }
}

int rn_encode_jpeg(const uint8_t *rgb, uint32_t width, uint32_t height, int quality,
                   uint8_t **bytes, size_t *count) {
  struct encoder encoder = {0};
  struct jpeg_compress_struct *jpeg = &encoder.jpeg;
  jpeg->err = jpeg_std_error(&encoder.errors);
  jpeg->client_data = &encoder;
  encoder.errors.error_exit = fail;
  encoder.errors.output_message = ignore_message;
  if (setjmp(encoder.escape)) {
    // libjpeg frees a buffer that became too small, and tells the greater one only here.
    if (encoder.has_destination)
      jpeg->dest->term_destination(jpeg);
    jpeg_destroy_compress(jpeg);
    free(encoder.bytes);
    return errno_of_message(encoder.errors.msg_code);
  }
  jpeg_create_compress(jpeg);
  jpeg_mem_dest(jpeg, &encoder.bytes, &encoder.count);
  encoder.has_destination = 1;
  jpeg->image_width = width;
  jpeg->image_height = height;
  jpeg->input_components = 3;
  jpeg->in_color_space = JCS_RGB;
  jpeg_set_defaults(jpeg);
  jpeg_set_quality(jpeg, quality, TRUE);
  // Colours at full resolution.
  jpeg->comp_info[0].h_samp_factor = 1;
  jpeg->comp_info[0].v_samp_factor = 1;
  jpeg_start_compress(jpeg, TRUE);
  while (jpeg->next_scanline < height) {
    JSAMPROW row = (JSAMPROW)(rgb + (size_t)3 * width * jpeg->next_scanline);
    jpeg_write_scanlines(jpeg, &row, 1);
  }
  jpeg_finish_compress(jpeg);
  jpeg_destroy_compress(jpeg);
  *bytes = encoder.bytes;
  *count = encoder.count;
  return 0;
}
