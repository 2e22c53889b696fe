// SPDX-License-Identifier: Apache-2.0
#include "compare.h"
#include "buffers.h"
#include <stdio.h>
#include <string.h>

enum { places_limit = 4 };

typedef struct place {
  size_t y, x, c;
  bool is_output; // and may be written
} place;

check_view view_of_row(uint32_t count, size_t element) {
  const size_t bytes = count * element;
  return (check_view){.origin = buffer_margin,
                      .row = bytes,
                      .pixel = bytes,
                      .element = element,
                      .height = 1,
                      .width = 1,
                      .channels = count,
                      .unit_channels = count,
                      .first = 0,
                      .last = 1};
}

size_t view_size(const check_view *view) {
  return view->origin + view->height * view->row + buffer_margin;
}

static place find_place(const check_view *view, size_t offset) {
  if (offset < view->origin)
    return (place){0};
  const size_t in = offset - view->origin;
  place p = {in / view->row, in % view->row / view->pixel,
             in % view->row % view->pixel / view->element, false};
  if (p.y < view->height && p.x < view->width && p.c < view->channels) {
    const size_t unit = p.c / view->unit_channels * view->height + p.y;
    p.is_output = unit >= view->first && unit < view->last;
  }
  return p;
}

static void print_value(char *text, size_t size, const check_view *view, const uint8_t *value) {
  if (view->element == 1) {
    snprintf(text, size, "%u", *value);
  } else {
    float number;
    uint32_t bits;
    memcpy(&number, value, 4);
    memcpy(&bits, value, 4);
    snprintf(text, size, "%.9g (0x%08x)", (double)number, bits);
  }
}

static void report(check_run *run, const check_view *view, const uint8_t *before,
                   const uint8_t *expected, const uint8_t *found, size_t offset, place p) {
  if (!p.is_output) {
    check_fail(
        run,
        "overwritten at %+td bytes from the output, near (y %zu, x %zu, c %zu): %02x, was %02x",
        (ptrdiff_t)offset - (ptrdiff_t)view->origin, p.y, p.x, p.c, found[offset], before[offset]);
    return;
  }
  const size_t start = offset - (offset - view->origin) % view->element;
  char want[40], have[40];
  print_value(want, sizeof want, view, expected + start);
  print_value(have, sizeof have, view, found + start);
  check_fail(run, "(y %zu, x %zu, c %zu): expected %s, found %s", p.y, p.x, p.c, want, have);
}

void check_compare(check_run *run, const check_view *view, const uint8_t *before,
                   const uint8_t *expected, const uint8_t *found) {
  const size_t size = view_size(view);
  // Where kernel and reference are one function, what lies around the output is still to be looked
  // at.
  const bool is_reference = strcmp(run->isa, "ref") == 0;
  if (!is_reference && memcmp(expected, found, size) == 0)
    return;
  size_t differences = 0;
  for (size_t i = 0; i < size;) {
    if (found[i] == expected[i] && found[i] == before[i]) {
      i++;
      continue;
    }
    const place p = find_place(view, i);
    const size_t element = p.is_output ? view->element - (i - view->origin) % view->element : 1;
    if (memcmp(found + i, (p.is_output ? expected : before) + i, element) != 0 &&
        differences++ < places_limit)
      report(run, view, before, expected, found, i, p);
    i += element;
  }
  if (differences > places_limit)
    check_fail(run, "%zu places differ", differences);
}
