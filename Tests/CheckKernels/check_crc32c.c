// SPDX-License-Identifier: Apache-2.0
#include "buffers.h"
#include "slots.h"
#include <string.h>

static void compare(check_run *run, uint32_t expected, uint32_t found) {
  if (expected != found)
    check_fail(run, "expected 0x%08x, found 0x%08x", expected, found);
}

static void random_message(check_run *run, size_t size, unsigned offset) {
  check_begin(run);
  check_describe(run, "%zu bytes from an address of 8k - %zu", size, (size + offset) % 8);
  uint8_t *bytes = buffer_input(size + offset);
  random_bytes(&run->random, bytes, size + offset);
  const uint32_t start = random_below(&run->random, 2) ? (uint32_t)random_u64(&run->random) : 0;
  uint32_t expected = 0, found = 0;
  CHECK_REFERENCE(run, expected = rn_crc32c_ref(start, bytes, size));
  CHECK_KERNEL(run, found = run->kernels->crc32c(start, bytes, size));
  compare(run, expected, found);
  // The same in two parts.
  const size_t split = random_below(&run->random, (uint32_t)size + 1);
  CHECK_KERNEL(run, found = run->kernels->crc32c(start, bytes, split);
               found = run->kernels->crc32c(found, bytes + split, size - split));
  compare(run, expected, found);
  check_end(run);
}

static void known_message(check_run *run, const char *name, const uint8_t *message, size_t size,
                          uint32_t expected) {
  check_begin(run);
  check_describe(run, "%s", name);
  uint8_t *bytes = buffer_input(size);
  memcpy(bytes, message, size);
  uint32_t found = 0;
  CHECK_KERNEL(run, found = run->kernels->crc32c(0, bytes, size));
  compare(run, expected, found);
  check_end(run);
}

void check_crc32c(check_run *run) {
  // RFC 3720, appendix B.4.
  uint8_t message[32] = {0};
  known_message(run, "32 bytes of 0", message, 32, 0x8A9136AA);
  memset(message, 255, 32);
  known_message(run, "32 bytes of 255", message, 32, 0x62A8AB43);
  for (uint8_t i = 0; i < 32; i++)
    message[i] = i;
  known_message(run, "0...31", message, 32, 0x46DD794E);
  for (size_t size = 0; size < 200; size++)
    random_message(run, size, (unsigned)(size / 8 % 8));
  random_message(run, 4096, 1);
  random_message(run, 100003, 0);
}
