/* model_bench.c: runs a compiled model, a block of steps at a time, for the compare scripts of this folder.
 *
 *   model_bench train WEIGHTS IMAGES LABELS BATCH THREADS LEARNING_RATE     steps of training
 *   model_bench infer WEIGHTS IMAGES LOGITS BATCH THREADS                   runs of the inference graph
 *
 * Compile it with -DMODEL=NAME. IMAGES holds floats, LABELS int32 class ids, both raw and for a whole number of
 * batches, which the steps take in turn; infer first writes the logits of them all to LOGITS. Reads numbers of steps
 * from stdin; for each it runs so many and answers with a line: their time in ms, then the loss of each step of
 * training. At the end of the input it prints its peak resident memory in KiB. side_by_side.py is the other end. */
#define _POSIX_C_SOURCE 200809L
#include <bnc/model_abi.h>
#include <bnc/runtime.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define JOIN2(a, b) a##_##b
#define JOIN(a, b) JOIN2(a, b)
extern const bnc_model_descriptor JOIN(MODEL, descriptor);
static const bnc_model_descriptor *const model = &JOIN(MODEL, descriptor);

static bnc_train *train; /* one of these two */
static bnc_infer *infer;
static const float *images;
static const int32_t *labels;
static float *logits;
static size_t batch, batches;
static double learning_rate;

static void fail(const char *subject, const char *text) {
  fprintf(stderr, "%s: %s\n", subject, text);
  exit(1);
}

static void check(bnc_status status) {
  if (status != BNC_OK)
    fail(bnc_status_name(status), bnc_error_text());
}

static void *allocate(size_t bytes) {
  void *memory = malloc(bytes);
  if (!memory)
    fail("malloc", "out of memory");
  return memory;
}

static void *read_all(const char *path, size_t *bytes) {
  FILE *file = fopen(path, "rb");
  long size = -1;
  if (file && fseek(file, 0, SEEK_END) == 0)
    size = ftell(file);
  void *data = size > 0 ? allocate((size_t)size) : NULL;
  if (!data || fseek(file, 0, SEEK_SET) != 0 || fread(data, 1, (size_t)size, file) != (size_t)size)
    fail(path, "cannot be read");
  fclose(file);
  *bytes = (size_t)size;
  return data;
}

static double milliseconds(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return now.tv_sec * 1e3 + now.tv_nsec * 1e-6;
}

/* Not from getrusage, whose peak starts with that of the program that called exec. */
static long peak_memory(void) {
  FILE *file = fopen("/proc/self/status", "r");
  char line[256];
  long kilobytes = -1;
  while (file && kilobytes < 0 && fgets(line, sizeof line, file))
    if (sscanf(line, "VmHWM: %ld", &kilobytes) != 1)
      kilobytes = -1;
  if (kilobytes < 0)
    fail("/proc/self/status", "no VmHWM in it");
  fclose(file);
  return kilobytes;
}

/* The step for batch `which`; the loss of training, else 0. */
static double step(size_t which) {
  const void *input = images + which * batch * (size_t)model->inputs[0].count;
  bnc_metrics metrics = {0};
  if (train) {
    check(bnc_train_step(train, &input, labels + which * batch, (int64_t)batch, learning_rate, &metrics));
  } else {
    void *output = logits + which * batch * (size_t)model->outputs[0].count;
    check(bnc_infer_run(infer, &input, (int64_t)batch, &output));
  }
  return metrics.loss;
}

static void write_logits(const char *path) {
  size_t count = batches * batch * (size_t)model->outputs[0].count;
  logits = allocate(count * sizeof *logits);
  for (size_t which = 0; which < batches; ++which)
    step(which);
  FILE *file = fopen(path, "wb");
  if (!file || fwrite(logits, sizeof *logits, count, file) != count || fclose(file) != 0)
    fail(path, "cannot be written");
}

int main(int argc, char **argv) {
  int training = argc == 8 && !strcmp(argv[1], "train");
  if (!training && !(argc == 7 && !strcmp(argv[1], "infer"))) {
    fprintf(stderr,
            "usage: %s train WEIGHTS IMAGES LABELS BATCH THREADS LEARNING_RATE\n"
            "       %s infer WEIGHTS IMAGES LOGITS BATCH THREADS\n",
            argv[0], argv[0]);
    return 1;
  }
  bnc_options options;
  bnc_options_init(&options);
  batch = strtoull(argv[5], NULL, 10);
  options.max_batch = (int64_t)batch;
  options.threads = atoi(argv[6]);

  size_t bytes, batch_bytes = batch * (size_t)model->inputs[0].count * sizeof(float);
  images = read_all(argv[3], &bytes);
  batches = batch_bytes ? bytes / batch_bytes : 0;
  if (!batches || bytes % batch_bytes)
    fail(argv[3], "not a whole number of batches");
  if (training) {
    labels = read_all(argv[4], &bytes);
    if (bytes != batches * batch * sizeof *labels)
      fail(argv[4], "not a label for every image");
    learning_rate = atof(argv[7]);
    check(bnc_train_create(model, argv[2], &options, &train));
  } else {
    check(bnc_infer_create(model, argv[2], &options, &infer));
    write_logits(argv[4]);
  }

  long steps, taken = 0;
  while (scanf("%ld", &steps) == 1 && steps > 0) {
    double *losses = allocate((size_t)steps * sizeof *losses);
    double start = milliseconds();
    for (long i = 0; i < steps; ++i, ++taken)
      losses[i] = step((size_t)taken % batches);
    printf("%.6f", milliseconds() - start);
    for (long i = 0; i < steps && train; ++i)
      printf(" %.9g", losses[i]);
    printf("\n");
    fflush(stdout);
    free(losses);
  }
  bnc_train_destroy(train);
  bnc_infer_destroy(infer);
  printf("%ld\n", peak_memory());
  return 0;
}
