// SPDX-License-Identifier: Apache-2.0
// What both decoders do with a result.
#ifndef RN_IMAGE_RESULT_H
#define RN_IMAGE_RESULT_H

#include "rn_image_codecs.h"

/// Checks the dimensions in `result` against `limits` and allocates its pixels.
/// Returns whether it could; `result->status` says why not.
int rn_image_allocate(rn_decoded_image *result, rn_image_limits limits);

/// Turns `result` into a failure: frees the pixels, keeps the dimensions, copies `message`
/// (which may be null), cut to what fits.
void rn_image_fail(rn_decoded_image *result, int status, const char *message);

#endif
