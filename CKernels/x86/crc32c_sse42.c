// SPDX-License-Identifier: Apache-2.0
// CRC-32C with the CRC32 instruction. Twin: ref/crc32c_ref.c
#if defined(__x86_64__)
#include "../dispatch/rn_target.h"
#include "rn_kernels.h"
#include <immintrin.h>
#include <string.h>

RN_TARGET_PUSH("sse4.2")

static uint32_t rn_crc32c_sse42(uint32_t crc, const void *bytes, size_t count) {
  const uint8_t *next = bytes;
  uint64_t register64 = ~crc;
  for (; count >= 8; count -= 8, next += 8) {
    uint64_t eight;
    memcpy(&eight, next, 8);
    register64 = _mm_crc32_u64(register64, eight);
  }
  uint32_t register32 = (uint32_t)register64;
  for (; count > 0; count--, next++)
    register32 = _mm_crc32_u8(register32, *next);
  return ~register32;
}

RN_TARGET_POP

void rn_kernels_init_crc32c_sse42(rn_kernels *kernels) { kernels->crc32c = rn_crc32c_sse42; }
#endif
