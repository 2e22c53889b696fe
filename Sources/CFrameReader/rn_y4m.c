// SPDX-License-Identifier: Apache-2.0
#include "rn_y4m.h"
#include <errno.h>
#include <poll.h>
#include <string.h>
#include <unistd.h>

// Whether the `count` bytes of a word start with `name`.
static int starts(const char *word, size_t count, const char *name) {
  return count >= strlen(name) && memcmp(word, name, strlen(name)) == 0;
}

static int is(const char *word, size_t count, const char *name) {
  return count == strlen(name) && memcmp(word, name, count) == 0;
}

// Digits of a number up to 65536; 0 if they are none.
static uint32_t number(const char *digits, size_t count) {
  uint32_t value = 0;
  for (size_t i = 0; i < count; i++) {
    if (digits[i] < '0' || digits[i] > '9' || value > 65536)
      return 0;
    value = 10 * value + (uint32_t)(digits[i] - '0');
  }
  return value;
}

// Whether the bytes of a word have `name` in them.
static int contains(const char *word, size_t count, const char *name) {
  for (size_t i = 0; i + strlen(name) <= count; i++)
    if (memcmp(word + i, name, strlen(name)) == 0)
      return 1;
  return 0;
}

const char *rn_parse_y4m(const char *text, size_t count, rn_y4m *header) {
  *header = (rn_y4m){.chroma = RN_Y4M_420, .is_full = -1, .is_bt709 = -1};
  static const char magic[] = "YUV4MPEG2";
  if (!starts(text, count, magic))
    return "expected a stream that starts with YUV4MPEG2";
  for (size_t at = sizeof magic - 1; at < count;) {
    if (text[at] != ' ')
      return "expected spaces between the words of the y4m header";
    const char *word = text + ++at;
    size_t length = 0;
    while (at < count && text[at] != ' ') {
      at++;
      length++;
    }
    if (length == 0)
      continue;
    if (*word == 'W') {
      header->width = number(word + 1, length - 1);
    } else if (*word == 'H') {
      header->height = number(word + 1, length - 1);
    } else if (is(word, length, "C422")) {
      header->chroma = RN_Y4M_422;
    } else if (is(word, length, "Cmono")) {
      header->chroma = RN_Y4M_MONO;
    } else if (*word == 'C' && !is(word, length, "C420") && !is(word, length, "C420jpeg") &&
               !is(word, length, "C420mpeg2") && !is(word, length, "C420paldv")) {
      return "expected y4m with C420, C420jpeg, C420mpeg2, C420paldv, C422 or Cmono (8 bits), "
             "found another C";
    } else if (*word == 'X' && contains(word, length, "RANGE=")) {
      header->is_full = contains(word, length, "FULL");
    } else if (*word == 'X' &&
               (contains(word, length, "MATRIX=") || contains(word, length, "SPACE="))) {
      header->is_bt709 = contains(word, length, "709");
    }
  }
  return header->width == 0 || header->height == 0
             ? "expected a width and a height in the y4m header, such as W640 H480"
             : NULL;
}

const char *rn_read_y4m(int descriptor, rn_y4m *header, int *error) {
  char text[RN_Y4M_BYTES];
  size_t count = 0;
  *error = 0;
  while (count < sizeof text) {
    const ssize_t part = read(descriptor, text + count, 1);
    if (part < 0 && errno == EAGAIN) {
      struct pollfd file = {.fd = descriptor, .events = POLLIN};
      poll(&file, 1, -1);
    } else if (part < 0 && errno != EINTR) {
      *error = errno;
      return "";
    } else if (part == 0) {
      break;
    } else if (part == 1) {
      if (text[count] == '\n')
        return rn_parse_y4m(text, count, header);
      count++;
    }
  }
  // Without a line's end, only the first bytes tell.
  const char *wrong = rn_parse_y4m(text, count < 9 ? count : 9, header);
  return starts(text, count, "YUV4MPEG2") ? "expected a y4m header of at most 512 bytes" : wrong;
}
