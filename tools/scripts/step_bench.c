/* step_bench.c: times the training step of a compiled model, a block of steps at a time.
 *
 *   step_bench WEIGHTS IMAGES LABELS BATCH THREADS LEARNING_RATE
 *
 * Compile it with -DMODEL=NAME -DHEADER='"NAME.h"'. IMAGES holds floats, LABELS int32
 * class ids, both raw and for a whole number of batches, which the steps take in turn. Reads numbers of steps from
 * stdin; for each it runs so many steps and answers with a line: their time in ms, then the loss of each. At the end
 * of the input it prints its peak resident memory in KiB. tools/scripts/compare-pytorch.py is the other end. */
#define _POSIX_C_SOURCE 200809L
#include HEADER
#include <bnc/runtime.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>

#define JOIN2(a, b) a##_##b
#define JOIN(a, b) JOIN2(a, b)
#define MODEL_(function) JOIN(MODEL, function)

static void check(bnc_status status) {
  if (status != BNC_OK) {
    fprintf(stderr, "%s: %s\n", bnc_status_name(status), bnc_error_text());
    exit(1);
  }
}

static void *read_all(const char *path, size_t *bytes) {
  FILE *file = fopen(path, "rb");
  long size = -1;
  if (file && fseek(file, 0, SEEK_END) == 0)
    size = ftell(file);
  void *data = size > 0 ? malloc((size_t)size) : NULL;
  if (!data || fseek(file, 0, SEEK_SET) != 0 || fread(data, 1, (size_t)size, file) != (size_t)size) {
    fprintf(stderr, "%s: cannot be read\n", path);
    exit(1);
  }
  fclose(file);
  *bytes = (size_t)size;
  return data;
}

static double milliseconds(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return now.tv_sec * 1e3 + now.tv_nsec * 1e-6;
}

int main(int argc, char **argv) {
  if (argc != 7) {
    fprintf(stderr, "usage: %s WEIGHTS IMAGES LABELS BATCH THREADS LEARNING_RATE\n", argv[0]);
    return 1;
  }
  size_t image_bytes, label_bytes;
  const char *images = read_all(argv[2], &image_bytes), *labels = read_all(argv[3], &label_bytes);
  size_t batch = strtoull(argv[4], NULL, 10), batches = label_bytes / sizeof(int32_t) / (batch ? batch : 1);
  double learning_rate = atof(argv[6]);
  if (!batches || label_bytes % (batch * sizeof(int32_t)) || image_bytes % batches) {
    fprintf(stderr, "images and labels do not hold a whole number of batches of %zu\n", batch);
    return 1;
  }

  bnc_options options;
  bnc_options_init(&options);
  options.threads = atoi(argv[5]);
  options.max_batch = (int64_t)batch;
  MODEL_(train) *model;
  check(MODEL_(train_create)(argv[1], &options, &model));

  long steps, taken = 0;
  while (scanf("%ld", &steps) == 1 && steps > 0) {
    double *losses = malloc((size_t)steps * sizeof *losses);
    if (!losses)
      return 1;
    double start = milliseconds();
    for (long step = 0; step < steps; ++step, ++taken) {
      size_t which = (size_t)taken % batches;
      bnc_metrics metrics;
      check(MODEL_(train_step)(model, (const float *)(images + which * (image_bytes / batches)),
                               (const int32_t *)labels + which * batch, (int64_t)batch, learning_rate, &metrics));
      losses[step] = metrics.loss;
    }
    printf("%.6f", milliseconds() - start);
    for (long step = 0; step < steps; ++step)
      printf(" %.9g", losses[step]);
    printf("\n");
    fflush(stdout);
    free(losses);
  }
  MODEL_(train_destroy)(model);
  struct rusage usage;
  getrusage(RUSAGE_SELF, &usage);
  printf("%ld\n", usage.ru_maxrss);
  return 0;
}
