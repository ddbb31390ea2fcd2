/* networks.c: trains a network in memory that is there for its blocks only, and folds it.
 *
 *   networks [WEIGHTS TRAINED] LOGITS      Without WEIGHTS: inference alone, from embedded values. MODEL, HEADER, SIDE,
 *                                          BATCH and CLASSES are given to the compiler.
 *
 * Every block of memory has a page that nobody may touch right before it in a first run, right after it in a second, so
 * that a kernel which writes or reads outside of one ends the program.
 */
#define _DEFAULT_SOURCE
#include "app.h"
#include HEADER
#include <stdbool.h>
#include <sys/mman.h>
#include <unistd.h>

#define JOIN_(a, b) a##b
#define JOIN(a, b) JOIN_(a, b)
#define CALL(name) JOIN(MODEL, name)

enum { SAMPLE = 3 * SIDE * SIDE };

/* Of a block: its pages, and one before and after. */
static size_t mapped(size_t bytes) {
  size_t page = (size_t)sysconf(_SC_PAGESIZE);
  return (bytes + page - 1) / page * page + 2 * page;
}

static void *allocate(void *context, size_t bytes, size_t alignment) {
  size_t page = (size_t)sysconf(_SC_PAGESIZE), whole = mapped(bytes);
  const bool *at_end = context;
  char *start = mmap(NULL, whole, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  EXPECT(start != MAP_FAILED && mprotect(start + page, whole - 2 * page, PROT_READ | PROT_WRITE) == 0);
  return start + page + (*at_end ? (whole - 2 * page - bytes) / alignment * alignment : 0);
}

static void release(void *context, void *data, size_t bytes) {
  (void)context;
  size_t page = (size_t)sysconf(_SC_PAGESIZE);
  EXPECT(munmap((char *)((uintptr_t)data / page * page) - page, mapped(bytes)) == 0);
}

static void run(int argc, char **argv, bool at_end) {
  static float images[BATCH * SAMPLE], folded[BATCH * CLASSES];
  bnc_options options = {.struct_size = sizeof options, .threads = 3, .max_batch = BATCH};
  options.allocator = (bnc_allocator){&at_end, allocate, release};
  fill(images, BATCH * SAMPLE, 1);
  CALL(_infer) * infer;
#ifndef EMBEDDED
  static float loaded[BATCH * CLASSES];
  static int32_t labels[BATCH];
  EXPECT(argc == 4);
  fill_labels(labels, BATCH, CLASSES, 2);
  CALL(_train) * train;
  EXPECT(CALL(_train_create)(argv[1], &options, &train) == BNC_OK);
  for (int step = 0; step < 2; ++step)
    EXPECT(CALL(_train_step)(train, images, labels, BATCH - step, 0.01, NULL) == BNC_OK);
  EXPECT(CALL(_train_save)(train, argv[2]) == BNC_OK);
  EXPECT(CALL(_infer_create)(argv[2], &options, &infer) == BNC_OK);
  EXPECT(CALL(_infer_run)(infer, images, BATCH, loaded) == BNC_OK);
  CALL(_infer_destroy)(infer);
  EXPECT(CALL(_infer_create)(NULL, &options, &infer) == BNC_OK);
  EXPECT(CALL(_fold)(train, infer) == BNC_OK);
  CALL(_train_destroy)(train);
#else
  EXPECT(CALL(_infer_create)(NULL, &options, &infer) == BNC_OK);
#endif
  EXPECT(CALL(_infer_run)(infer, images, BATCH, folded) == BNC_OK);
  CALL(_infer_destroy)(infer);
#ifndef EMBEDDED
  EXPECT(memcmp(folded, loaded, sizeof folded) == 0);
#endif
  FILE *file = fopen(argv[argc - 1], "wb");
  EXPECT(file && fwrite(folded, sizeof folded, 1, file) == 1 && fclose(file) == 0);
}

int main(int argc, char **argv) {
  run(argc, argv, false);
  run(argc, argv, true);
  return 0;
}
