// SPDX-License-Identifier: Apache-2.0
#include "rn_image_result.h"

#include <stdlib.h>
#include <string.h>

int rn_image_allocate(rn_decoded_image *result, rn_image_limits limits) {
  uint64_t pixels = (uint64_t)result->width * result->height;
  if (result->width > limits.max_side || result->height > limits.max_side ||
      pixels > limits.max_pixels || pixels > SIZE_MAX / 3) {
    rn_image_fail(result, RN_IMAGE_TOO_LARGE, NULL);
    return 0;
  }
  result->pixels = malloc((size_t)pixels * 3);
  if (result->pixels == NULL) {
    rn_image_fail(result, RN_IMAGE_OUT_OF_MEMORY, NULL);
    return 0;
  }
  return 1;
}

void rn_image_fail(rn_decoded_image *result, int status, const char *message) {
  free(result->pixels);
  result->pixels = NULL;
  result->status = status;
  size_t length = message == NULL ? 0 : strlen(message);
  if (length > sizeof result->message - 1) {
    length = sizeof result->message - 1;
  }
  if (length > 0) {
    memcpy(result->message, message, length);
  }
  result->message[length] = '\0';
}
