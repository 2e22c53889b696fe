// SPDX-License-Identifier: Apache-2.0
#ifndef RN_ERROR_TEXT_H
#define RN_ERROR_TEXT_H

#include <stddef.h>
#include <stdint.h>

/// Keeps the words that resnet_error_text returns on this thread, up to 511 bytes of them.
void rn_keep_error_text(const uint8_t *text, size_t count);

#endif
