// SPDX-License-Identifier: Apache-2.0
#include "rn_image_result.h"

#include <setjmp.h>
#include <stdio.h>
#include <string.h>

// jpeglib.h needs stdio.h and size_t before it.
#include <jerror.h>
#include <jpeglib.h>

// A progressive image has at most 10 scans per component in practice. Every scan costs a pass over
// all coefficients, so without a limit a few kilobytes could keep the decoder busy for minutes.
enum { max_scans = 200 };

// Everything that must survive a longjmp lives here, not in locals.
struct decoder {
  struct jpeg_decompress_struct jpeg;
  struct jpeg_error_mgr errors;
  struct jpeg_progress_mgr progress;
  struct jpeg_source_mgr source;
  jmp_buf escape;
  rn_decoded_image *result;
};

static int status_of_message(int code) {
  switch (code) {
  case JERR_OUT_OF_MEMORY:
    return RN_IMAGE_OUT_OF_MEMORY;
  case JERR_IMAGE_TOO_BIG:
    return RN_IMAGE_TOO_LARGE;
  case JERR_ARITH_NOTIMPL:
  case JERR_BAD_PRECISION:
  case JERR_CCIR601_NOTIMPL:
  case JERR_COMPONENT_COUNT:
  case JERR_CONVERSION_NOTIMPL:
  case JERR_FRACT_SAMPLE_NOTIMPL:
  case JERR_NOT_COMPILED:
  case JERR_SOF_UNSUPPORTED:
    return RN_IMAGE_UNSUPPORTED;
  default:
    return RN_IMAGE_CORRUPT;
  }
}

static _Noreturn void fail(struct decoder *decoder, int status, const char *message) {
  decoder->result->width = decoder->jpeg.image_width;
  decoder->result->height = decoder->jpeg.image_height;
  rn_image_fail(decoder->result, status, message);
  longjmp(decoder->escape, 1);
}

static _Noreturn void fail_with_current_message(j_common_ptr jpeg) {
  char message[JMSG_LENGTH_MAX];
  jpeg->err->format_message(jpeg, message);
  fail(jpeg->client_data, status_of_message(jpeg->err->msg_code), message);
}

// Damage that libjpeg can read over, such as the stray bytes that webcams leave before a marker,
// and traces: Pillow ignores all of it too.
static void ignore_warning(j_common_ptr jpeg, int level) {
  (void)jpeg;
  (void)level;
}

static _Noreturn void fail_truncated(struct decoder *decoder) {
  fail(decoder, RN_IMAGE_TRUNCATED, NULL);
}

static void do_nothing(j_decompress_ptr jpeg) { (void)jpeg; }

// All bytes are there from the start: whoever asks for more waits in vain.
static boolean suspend(j_decompress_ptr jpeg) {
  (void)jpeg;
  return FALSE;
}

static void skip(j_decompress_ptr jpeg, long count) {
  if (count > 0) {
    size_t rest = jpeg->src->bytes_in_buffer;
    size_t skipped = (size_t)count < rest ? (size_t)count : rest;
    jpeg->src->next_input_byte += skipped;
    jpeg->src->bytes_in_buffer -= skipped;
  }
}

static void print_nothing(j_common_ptr jpeg) { (void)jpeg; }

static void limit_scans(j_common_ptr jpeg) {
  struct decoder *decoder = jpeg->client_data;
  if (decoder->jpeg.input_scan_number > max_scans) {
    fail(decoder, RN_IMAGE_UNSUPPORTED, "a progressive image of more than 200 scans");
  }
}

// Spreads the `width` grey bytes at the start of `row` over RGB triples, last pixel first.
static void spread_grey(uint8_t *row, size_t width) {
  for (size_t x = width; x-- > 0;) {
    uint8_t grey = row[x];
    row[3 * x] = row[3 * x + 1] = row[3 * x + 2] = grey;
  }
}

// Inverted CMYK to RGB: colour = ink · black / 255, rounded to nearest.
static void convert_inverted_cmyk(const uint8_t *cmyk, uint8_t *row, size_t width) {
  for (size_t x = 0; x < width; x++) {
    for (int channel = 0; channel < 3; channel++) {
      unsigned product = cmyk[4 * x + channel] * cmyk[4 * x + 3];
      row[3 * x + channel] = (uint8_t)((product + 127) / 255);
    }
  }
}

static void decode(struct decoder *decoder, const uint8_t *bytes, size_t count,
                   rn_image_limits limits) {
  j_decompress_ptr jpeg = &decoder->jpeg;
  rn_decoded_image *result = decoder->result;
  jpeg_create_decompress(jpeg);
  jpeg->progress = &decoder->progress;
  decoder->source = (struct jpeg_source_mgr){.next_input_byte = bytes,
                                             .bytes_in_buffer = count,
                                             .init_source = do_nothing,
                                             .fill_input_buffer = suspend,
                                             .skip_input_data = skip,
                                             .resync_to_restart = jpeg_resync_to_restart,
                                             .term_source = do_nothing};
  jpeg->src = &decoder->source;
  if (jpeg_read_header(jpeg, TRUE) == JPEG_SUSPENDED) {
    fail_truncated(decoder);
  }

  int is_cmyk = jpeg->num_components == 4;
  if (jpeg->num_components == 1) {
    jpeg->out_color_space = JCS_GRAYSCALE;
  } else if (jpeg->num_components == 3) {
    jpeg->out_color_space = JCS_RGB;
  } else if (is_cmyk) {
    jpeg->out_color_space = JCS_CMYK;
  } else {
    fail(decoder, RN_IMAGE_UNSUPPORTED, "a number of colour components other than 1, 3 and 4");
  }
  result->width = jpeg->image_width;
  result->height = jpeg->image_height;
  if (!rn_image_allocate(result, limits)) {
    longjmp(decoder->escape, 1);
  }

  if (!jpeg_start_decompress(jpeg)) {
    fail_truncated(decoder);
  }
  size_t width = result->width;
  JSAMPROW four_channels = NULL;
  if (is_cmyk) {
    four_channels = jpeg->mem->alloc_large((j_common_ptr)jpeg, JPOOL_IMAGE, 4 * width);
  }
  while (jpeg->output_scanline < jpeg->output_height) {
    uint8_t *row = result->pixels + 3 * width * jpeg->output_scanline;
    JSAMPROW target = is_cmyk ? four_channels : row;
    if (jpeg_read_scanlines(jpeg, &target, 1) == 0) {
      fail_truncated(decoder);
    }
    if (is_cmyk) {
      convert_inverted_cmyk(four_channels, row, width);
    } else if (jpeg->num_components == 1) {
      spread_grey(row, width);
    }
  }
  // Reads on to the end marker, whose absence harms no pixel.
  jpeg_finish_decompress(jpeg);
}

void rn_decode_jpeg(const uint8_t *bytes, size_t count, rn_image_limits limits,
                    rn_decoded_image *result) {
  memset(result, 0, sizeof *result);
  struct decoder decoder;
  memset(&decoder, 0, sizeof decoder);
  decoder.result = result;
  decoder.jpeg.client_data = &decoder;
  decoder.jpeg.err = jpeg_std_error(&decoder.errors);
  decoder.errors.error_exit = fail_with_current_message;
  decoder.errors.emit_message = ignore_warning;
  decoder.errors.output_message = print_nothing;
  decoder.progress.progress_monitor = limit_scans;
  if (setjmp(decoder.escape) == 0) {
    decode(&decoder, bytes, count, limits);
  }
  jpeg_destroy_decompress(&decoder.jpeg);
}
