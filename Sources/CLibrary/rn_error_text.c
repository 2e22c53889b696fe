// SPDX-License-Identifier: Apache-2.0
#include "rn_error_text.h"
#include "resnet_runtime.h"
#include <string.h>

static _Thread_local char words[512];

const char *resnet_error_text(void) { return words; }

void rn_keep_error_text(const uint8_t *text, size_t count) {
  size_t kept = count < sizeof words ? count : sizeof words - 1;
  memcpy(words, text, kept);
  words[kept] = 0;
}
