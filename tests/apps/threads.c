/* threads.c: objects of one model in several threads at once, and one object with several threads: always the same
 * bits as one object with one thread. */
#include "app.h"
#include "lenet_bn.h"
#include <pthread.h>

enum { BATCH = 40, STEPS = 5, PIXELS = 784, CLASSES = 10, OBJECTS = 4 };

static float images[BATCH * PIXELS];
static int32_t labels[BATCH];
static const char *weights;

typedef struct result {
  int threads;
  double losses[STEPS];
  float logits[BATCH * CLASSES];
} result;

static void *train(void *context) {
  result *run = context;
  bnc_options options;
  bnc_options_init(&options);
  options.threads = run->threads;
  lenet_bn_train *model;
  EXPECT(lenet_bn_train_create(weights, &options, &model) == BNC_OK);
  for (int step = 0; step < STEPS; ++step) {
    bnc_metrics metrics;
    EXPECT(lenet_bn_train_step(model, images, labels, BATCH, 0.1, &metrics) == BNC_OK);
    run->losses[step] = metrics.loss;
  }
  EXPECT(lenet_bn_predict(model, images, BATCH, run->logits) == BNC_OK);
  lenet_bn_train_destroy(model);
  return NULL;
}

int main(int argc, char **argv) {
  EXPECT(argc == 2);
  weights = argv[1];
  fill(images, BATCH * PIXELS, 1);
  fill_labels(labels, BATCH, CLASSES, 2);

  static result alone = {.threads = 1}, runs[OBJECTS] = {{.threads = 1}, {.threads = 2}, {.threads = 3}, {.threads = 7}};
  train(&alone);
  EXPECT(alone.losses[STEPS - 1] < alone.losses[0]);
  pthread_t threads[OBJECTS];
  for (int i = 0; i < OBJECTS; ++i)
    EXPECT(pthread_create(&threads[i], NULL, train, &runs[i]) == 0);
  for (int i = 0; i < OBJECTS; ++i)
    EXPECT(pthread_join(threads[i], NULL) == 0);
  for (int i = 0; i < OBJECTS; ++i) {
    EXPECT(memcmp(runs[i].losses, alone.losses, sizeof alone.losses) == 0);
    EXPECT(memcmp(runs[i].logits, alone.logits, sizeof alone.logits) == 0);
  }
  printf("%d objects at once: the same bits\n", OBJECTS);
  return 0;
}
