// SPDX-License-Identifier: Apache-2.0
// JPEG and PNG decoding to RGB8 through libjpeg(-turbo) and libpng. The libraries' longjmp error
// handling stays behind these functions: they never exit, never print, and share no state, so any
// number of threads may decode at once.
#ifndef RN_IMAGE_CODECS_H
#define RN_IMAGE_CODECS_H

#include <stddef.h>
#include <stdint.h>

/// How a decoding attempt ended.
enum rn_image_status {
  RN_IMAGE_OK = 0,
  /// The data end before the image does.
  RN_IMAGE_TRUNCATED,
  /// The data contradict the format; `message` says how.
  RN_IMAGE_CORRUPT,
  /// The data use a feature that is not decoded; `message` names it.
  RN_IMAGE_UNSUPPORTED,
  /// The header's dimensions pass the limits; `width` and `height` are set.
  RN_IMAGE_TOO_LARGE,
  RN_IMAGE_OUT_OF_MEMORY,
};

/// Size of `rn_decoded_image.message`, terminator included. libjpeg's longest text is 200 bytes.
#define RN_IMAGE_MESSAGE_BYTES 208

/// The outcome of decoding.
typedef struct {
  /// One of `enum rn_image_status`.
  int status;
  /// Pixels per row and rows as stored, before any EXIF orientation.
  uint32_t width, height;
  /// `height` rows of `width` RGB triples without padding, from malloc and owned by the caller;
  /// null unless `status` is `RN_IMAGE_OK`.
  uint8_t *_Nullable pixels;
  /// The library's explanation, null-terminated; empty if there is none.
  char message[RN_IMAGE_MESSAGE_BYTES];
} rn_decoded_image;

/// What an image may measure at most; checked before anything of its size is allocated.
typedef struct {
  uint32_t max_side;
  uint64_t max_pixels;
} rn_image_limits;

/// Decodes `count` bytes of JPEG: grey, YCbCr, RGB, CMYK and YCCK of 8 bits, sequential or
/// progressive, with libjpeg's default (ISLOW) transform and upsampling. Four-channel files are
/// taken as inverted, as Adobe writes them. Damage is read over as Pillow does it, pixel for pixel;
/// data that end before the last row are an error.
///
/// Working memory of libjpeg besides the pixels: a few rows; for progressive files two bytes
/// per sample of every component.
void rn_decode_jpeg(const uint8_t *_Nonnull bytes, size_t count, rn_image_limits limits,
                    rn_decoded_image *_Nonnull result);

/// Decodes `count` bytes of PNG of any colour type, depth and interlacing. Alpha and transparency
/// are dropped without blending, 16-bit samples keep their high byte, gamma and colour profiles
/// are not applied. A wrong checksum in any chunk is an error.
void rn_decode_png(const uint8_t *_Nonnull bytes, size_t count, rn_image_limits limits,
                   rn_decoded_image *_Nonnull result);

/// Encodes rows of RGB triples without padding as a baseline JPEG of a quality, 1 to 100, with the
/// colours at full resolution. Returns 0 and sets *bytes, from malloc and owned by the caller, and
/// *count; or returns an errno: ENOMEM, EFBIG for an image that no JPEG can have, EINVAL else.
int rn_encode_jpeg(const uint8_t *_Nonnull rgb, uint32_t width, uint32_t height, int quality,
                   uint8_t *_Nullable *_Nonnull bytes, size_t *_Nonnull count);

#endif
