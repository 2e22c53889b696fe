// SPDX-License-Identifier: Apache-2.0
// Tells what a photo shows: classify PLAN PHOTO
//
//   cc classify.c $(pkg-config --cflags --libs resnet-runtime) -o classify
#include <resnet_runtime.h>
#include <stdio.h>
#include <stdlib.h>

// Reads a whole file into memory of malloc; NULL if that fails.
static void *read_file(const char *path, size_t *size) {
  FILE *file = fopen(path, "rb");
  long length = file && fseek(file, 0, SEEK_END) == 0 ? ftell(file) : -1;
  void *bytes = length > 0 ? malloc((size_t)length) : NULL;
  *size = bytes && fseek(file, 0, SEEK_SET) == 0 ? fread(bytes, 1, (size_t)length, file) : 0;
  if (file)
    fclose(file);
  return bytes;
}

int main(int argc, char **argv) {
  if (argc != 3) {
    fprintf(stderr, "usage: classify PLAN PHOTO\n");
    return 2;
  }
  size_t size;
  void *photo = read_file(argv[2], &size);
  if (!photo) {
    fprintf(stderr, "classify: cannot read %s\n", argv[2]);
    return 1;
  }
  resnet_plan *plan = NULL;
  resnet_session *session = NULL;
  size_t classes[3], count = 0;
  float probabilities[3];
  int failed = resnet_plan_open(argv[1], RESNET_MAP, &plan) ||
               resnet_session_create(plan, NULL, &session) ||
               resnet_session_run_encoded(session, photo, size) ||
               resnet_session_get_top(session, 3, classes, probabilities, &count);
  if (failed)
    fprintf(stderr, "classify: %s\n", resnet_error_text());
  for (size_t i = 0; i < count; i++) {
    const char *name = resnet_plan_class_name(plan, classes[i]);
    printf("%6.2f %%  %s\n", 100 * (double)probabilities[i],
           name ? name : "a class without a name");
  }
  resnet_session_destroy(session);
  resnet_plan_close(plan);
  free(photo);
  return failed;
}
