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

// What lies around the outputs is compared as well.
static size_t size_of(const check_output *o) {
  return buffer_margin + o->height * o->row + buffer_margin;
}

check_output check_output_of(check_output o) {
  void **outputs[] = {&o.before, &o.expected, &o.found};
  for (int i = 0; i < 3; i++)
    *outputs[i] = (uint8_t *)buffer_output(size_of(&o)) + buffer_margin;
  return o;
}

check_output check_output_row(uint32_t count, size_t element) {
  return check_output_of((check_output){.row = count * element,
                                        .pixel = count * element,
                                        .element = element,
                                        .height = 1,
                                        .width = 1,
                                        .channels = count,
                                        .unit_channels = count,
                                        .last = 1});
}

const void *check_flipped(const check_run *run, const void *values, size_t count) {
  if (run->element != 1)
    return values;
  uint8_t *copy = buffer_input(count);
  for (size_t i = 0; i < count; i++)
    copy[i] = ((const uint8_t *)values)[i] ^ run->kernels->activation_flip;
  return copy;
}

void check_flip_found(const check_run *run, const check_output *o) {
  uint8_t *bytes = (uint8_t *)o->found - buffer_margin;
  for (size_t i = 0; o->element == 1 && i < size_of(o); i++)
    bytes[i] ^= run->kernels->activation_flip;
}

// The place at `offset` bytes from the start of the output.
static place find_place(const check_output *o, ptrdiff_t offset) {
  if (offset < 0)
    return (place){0};
  const size_t in = (size_t)offset;
  place p = {in / o->row, in % o->row / o->pixel, in % o->row % o->pixel / o->element, false};
  if (p.y < o->height && p.x < o->width && p.c < o->channels) {
    const size_t unit = p.c / o->unit_channels * o->height + p.y;
    p.is_output = unit >= o->first && unit < o->last;
  }
  return p;
}

static void print_value(char *text, size_t size, size_t element, const uint8_t *value) {
  if (element == 1) {
    snprintf(text, size, "%u", *value);
  } else {
    float number;
    uint32_t bits;
    memcpy(&number, value, 4);
    memcpy(&bits, value, 4);
    snprintf(text, size, "%.9g (0x%08x)", (double)number, bits);
  }
}

static void report(check_run *run, const check_output *o, ptrdiff_t offset, place p) {
  const uint8_t *before = o->before, *expected = o->expected, *found = o->found;
  if (!p.is_output) {
    check_fail(
        run,
        "overwritten at %+td bytes from the output, near (y %zu, x %zu, c %zu): %02x, was %02x",
        offset, p.y, p.x, p.c, found[offset], before[offset]);
    return;
  }
  const size_t start = (size_t)offset - (size_t)offset % o->element;
  char want[40], have[40];
  print_value(want, sizeof want, o->element, expected + start);
  print_value(have, sizeof have, o->element, found + start);
  check_fail(run, "(y %zu, x %zu, c %zu): expected %s, found %s", p.y, p.x, p.c, want, have);
}

void check_compare(check_run *run, const check_output *o) {
  const uint8_t *before = o->before, *expected = o->expected, *found = o->found;
  const ptrdiff_t end = (ptrdiff_t)(o->height * o->row) + buffer_margin;
  // Where kernel and reference are one function, what lies around the output is still to be looked
  // at.
  const bool is_reference = strcmp(run->isa, "ref") == 0;
  if (!is_reference && memcmp(expected - buffer_margin, found - buffer_margin, size_of(o)) == 0)
    return;
  size_t differences = 0;
  for (ptrdiff_t i = -buffer_margin; i < end;) {
    if (found[i] == expected[i] && found[i] == before[i]) {
      i++;
      continue;
    }
    const place p = find_place(o, i);
    const size_t element = p.is_output ? o->element - (size_t)i % o->element : 1;
    if (memcmp(found + i, (p.is_output ? expected : before) + i, element) != 0 &&
        differences++ < places_limit)
      report(run, o, i, p);
    i += (ptrdiff_t)element;
  }
  if (differences > places_limit)
    check_fail(run, "%zu places differ", differences);
}
