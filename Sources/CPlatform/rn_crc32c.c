// SPDX-License-Identifier: Apache-2.0
// CRC-32C (Castagnoli), reflected polynomial 0x82F63B78: RFC 3720, appendix B.4. By the
// instructions of SSE4.2 or of Armv8's CRC32 option, where the CPU has them.
#include "rn_platform.h"
#include <string.h>

// What four message bits do to the register: two steps a byte with a table that fits one line.
static uint32_t advance_nibble(uint32_t crc) {
  for (int bit = 0; bit < 4; bit++)
    crc = crc >> 1 ^ (crc & 1 ? 0x82F63B78u : 0);
  return crc;
}

uint32_t rn_crc32c_portable(uint32_t crc, const void *bytes, size_t count) {
  uint32_t table[16];
  for (uint32_t i = 0; i < 16; i++)
    table[i] = advance_nibble(i);
  const uint8_t *next = bytes;
  crc = ~crc;
  for (size_t i = 0; i < count; i++) {
    crc ^= next[i];
    crc = crc >> 4 ^ table[crc & 15];
    crc = crc >> 4 ^ table[crc & 15];
  }
  return ~crc;
}

#if defined(__x86_64__)
#include <immintrin.h>
#define CRC_TARGET __attribute__((target("sse4.2")))
#define add8(crc, eight) (uint32_t) _mm_crc32_u64(crc, eight)
#define add1(crc, byte) _mm_crc32_u8(crc, byte)

static int has_instruction(void) {
  __builtin_cpu_init();
  return __builtin_cpu_supports("sse4.2");
}

#elif defined(__aarch64__)
#include <arm_acle.h>
#include <asm/hwcap.h>
#include <sys/auxv.h>
#define CRC_TARGET __attribute__((target("crc")))
#define add8(crc, eight) __crc32cd(crc, eight)
#define add1(crc, byte) __crc32cb(crc, byte)

static int has_instruction(void) { return (getauxval(AT_HWCAP) & HWCAP_CRC32) != 0; }
#endif

#if defined(CRC_TARGET)
CRC_TARGET static uint32_t by_instruction(uint32_t crc, const uint8_t *next, size_t count) {
  crc = ~crc;
  for (; count >= 8; count -= 8, next += 8) {
    uint64_t eight;
    memcpy(&eight, next, 8);
    crc = add8(crc, eight);
  }
  for (; count > 0; count--, next++)
    crc = add1(crc, *next);
  return ~crc;
}
#endif

uint32_t rn_crc32c(uint32_t crc, const void *bytes, size_t count) {
#if defined(CRC_TARGET)
  if (has_instruction())
    return by_instruction(crc, bytes, count);
#endif
  return rn_crc32c_portable(crc, bytes, count);
}
