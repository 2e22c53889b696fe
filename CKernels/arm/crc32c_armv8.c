// SPDX-License-Identifier: Apache-2.0
// CRC-32C with the CRC32C instructions. Twin: ref/crc32c_ref.c
#if defined(__aarch64__)
#include "../dispatch/rn_target.h"
#include "rn_kernels.h"
#include <arm_acle.h>
#include <string.h>

RN_TARGET_PUSH("crc")

static uint32_t rn_crc32c_armv8(uint32_t crc, const void *bytes, size_t count) {
  const uint8_t *next = bytes;
  crc = ~crc;
  for (; count >= 8; count -= 8, next += 8) {
    uint64_t eight;
    memcpy(&eight, next, 8);
    crc = __crc32cd(crc, eight);
  }
  for (; count > 0; count--, next++)
    crc = __crc32cb(crc, *next);
  return ~crc;
}

RN_TARGET_POP

void rn_kernels_init_crc32c_armv8(rn_kernels *kernels) { kernels->crc32c = rn_crc32c_armv8; }
#endif
