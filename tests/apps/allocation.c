/* allocation.c: no memory is taken after create. Linked with --wrap, so that every call of the allocator is counted. */
#include "app.h"
#include "lenet_bn.h"
#include <stdatomic.h>

enum { BATCH = 32, PIXELS = 784, CLASSES = 10 };

static atomic_long calls;
void *__real_malloc(size_t bytes);
void *__real_calloc(size_t count, size_t bytes);
void *__real_realloc(void *memory, size_t bytes);
void *__real_aligned_alloc(size_t alignment, size_t bytes);
int __real_posix_memalign(void **memory, size_t alignment, size_t bytes);

/* Evaluates to `call`, and counts it. */
#define COUNTED(call) (atomic_fetch_add(&calls, 1), (call))
void *__wrap_malloc(size_t bytes) { return COUNTED(__real_malloc(bytes)); }
void *__wrap_calloc(size_t count, size_t bytes) { return COUNTED(__real_calloc(count, bytes)); }
void *__wrap_realloc(void *memory, size_t bytes) { return COUNTED(__real_realloc(memory, bytes)); }
void *__wrap_aligned_alloc(size_t alignment, size_t bytes) { return COUNTED(__real_aligned_alloc(alignment, bytes)); }
int __wrap_posix_memalign(void **memory, size_t alignment, size_t bytes) {
  return COUNTED(__real_posix_memalign(memory, alignment, bytes));
}

int main(int argc, char **argv) {
  EXPECT(argc == 2);
  static float images[BATCH * PIXELS], logits[BATCH * CLASSES];
  static int32_t labels[BATCH];
  fill(images, BATCH * PIXELS, 1);
  fill_labels(labels, BATCH, CLASSES, 2);
  lenet_bn_train *model;
  lenet_bn_infer *folded;
  EXPECT(lenet_bn_train_create(argv[1], NULL, &model) == BNC_OK);
  EXPECT(lenet_bn_infer_create(NULL, NULL, &folded) == BNC_OK);
  EXPECT(calls > 0); /* the counter counts */

  long before = calls;
  bnc_metrics metrics;
  for (int64_t batch = BATCH; batch >= 2; batch /= 2) {
    EXPECT(lenet_bn_train_step(model, images, labels, batch, 0.1, &metrics) == BNC_OK);
    EXPECT(lenet_bn_eval_step(model, images, labels, batch, &metrics) == BNC_OK);
    EXPECT(lenet_bn_predict(model, images, batch, logits) == BNC_OK);
    EXPECT(lenet_bn_fold(model, folded) == BNC_OK);
    EXPECT(lenet_bn_infer_run(folded, images, batch, logits) == BNC_OK);
  }
  printf("%ld allocations after create\n", calls - before);
  lenet_bn_infer_destroy(folded);
  lenet_bn_train_destroy(model);
  return calls != before;
}
