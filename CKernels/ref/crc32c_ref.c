// SPDX-License-Identifier: Apache-2.0
// CRC-32C (Castagnoli), reflected polynomial 0x82F63B78: RFC 3720, appendix B.4.
#include "rn_kernels.h"

// What four message bits do to the register: two steps a byte with a table that fits one line.
static uint32_t advance_nibble(uint32_t crc) {
  for (int bit = 0; bit < 4; bit++)
    crc = crc >> 1 ^ (crc & 1 ? 0x82F63B78u : 0);
  return crc;
}

uint32_t rn_crc32c_ref(uint32_t crc, const void *bytes, size_t count) {
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
