/* errors.c: a failed call says why and leaves its object as it was. */
#include "app.h"
#include "lenet_bn.h"
#include <math.h>

enum { BATCH = 8, PIXELS = 784, CLASSES = 10 };

static float images[BATCH * PIXELS];
static int32_t labels[BATCH];

/* All that the object holds: variables, optimizer state, counters. */
static unsigned char *state(lenet_bn_train *model, size_t *bytes) {
  *bytes = 0;
  EXPECT(lenet_bn_train_save_memory(model, NULL, bytes) == BNC_OK && *bytes > 0);
  unsigned char *buffer = malloc(*bytes);
  EXPECT(buffer && lenet_bn_train_save_memory(model, buffer, bytes) == BNC_OK);
  return buffer;
}

static void expect_unchanged(lenet_bn_train *model, const unsigned char *before, size_t bytes, const char *word) {
  EXPECT(strstr(bnc_error_text(), word) != NULL);
  EXPECT(strstr(lenet_bn_train_error(model), word) != NULL);
  size_t now_bytes;
  unsigned char *now = state(model, &now_bytes);
  EXPECT(now_bytes == bytes && memcmp(now, before, bytes) == 0);
  free(now);
  printf("%s\n", bnc_error_text());
}

int main(int argc, char **argv) {
  EXPECT(argc == 2);
  fill(images, BATCH * PIXELS, 1);
  fill_labels(labels, BATCH, CLASSES, 2);
  bnc_options options;
  bnc_options_init(&options);
  options.max_batch = BATCH;
  lenet_bn_train *model;
  EXPECT(lenet_bn_train_create(argv[1], &options, &model) == BNC_OK);
  EXPECT(lenet_bn_train_step(model, images, labels, BATCH, 0.1, NULL) == BNC_OK);
  size_t bytes;
  unsigned char *before = state(model, &bytes);

  EXPECT(lenet_bn_train_step(model, images, labels, BATCH + 1, 0.1, NULL) == BNC_INVALID_ARGUMENT);
  expect_unchanged(model, before, bytes, "9");
  EXPECT(lenet_bn_train_step(model, images, labels, 0, 0.1, NULL) == BNC_INVALID_ARGUMENT);
  expect_unchanged(model, before, bytes, "0");
  /* The dense layers see one value per channel and image: a batch of one has no variance. */
  EXPECT(lenet_bn_train_step(model, images, labels, 1, 0.1, NULL) == BNC_INVALID_ARGUMENT);
  expect_unchanged(model, before, bytes, "1");

  labels[3] = CLASSES;
  EXPECT(lenet_bn_train_step(model, images, labels, BATCH, 0.1, NULL) == BNC_INVALID_ARGUMENT);
  expect_unchanged(model, before, bytes, "10");
  labels[3] = -1;
  EXPECT(lenet_bn_train_step(model, images, labels, BATCH, 0.1, NULL) == BNC_INVALID_ARGUMENT);
  expect_unchanged(model, before, bytes, "-1");
  labels[3] = 0;

  images[5 * PIXELS + 17] = NAN;
  EXPECT(lenet_bn_train_step(model, images, labels, BATCH, 0.1, NULL) == BNC_NOT_FINITE);
  expect_unchanged(model, before, bytes, "finite");
  images[5 * PIXELS + 17] = 0;

  EXPECT(lenet_bn_train_save(model, "/nonexistent-folder/weights.safetensors") == BNC_IO_ERROR);
  expect_unchanged(model, before, bytes, "/nonexistent-folder/weights.safetensors");
  EXPECT(lenet_bn_train_load_memory(model, before, bytes / 2) == BNC_BAD_FILE);
  expect_unchanged(model, before, bytes, "");

  /* Evaluation and prediction write nothing. */
  bnc_metrics metrics;
  float logits[BATCH * CLASSES];
  EXPECT(lenet_bn_eval_step(model, images, labels, BATCH, &metrics) == BNC_OK);
  EXPECT(lenet_bn_predict(model, images, BATCH, logits) == BNC_OK);
  size_t after_bytes;
  unsigned char *after = state(model, &after_bytes);
  EXPECT(after_bytes == bytes && memcmp(after, before, bytes) == 0);

  /* And the object still works; a step from the same state gives the same bits. */
  bnc_metrics first, second;
  EXPECT(lenet_bn_train_step(model, images, labels, BATCH, 0.1, &first) == BNC_OK);
  EXPECT(lenet_bn_train_load_memory(model, before, bytes) == BNC_OK);
  EXPECT(lenet_bn_train_step(model, images, labels, BATCH, 0.1, &second) == BNC_OK);
  EXPECT(first.loss == second.loss && first.gradient_norm == second.gradient_norm);

  /* An inference object without weights says so. */
  lenet_bn_infer *empty;
  EXPECT(lenet_bn_infer_create(NULL, NULL, &empty) == BNC_OK);
  EXPECT(lenet_bn_infer_run(empty, images, 1, logits) == BNC_NOT_READY);
  printf("%s\n", bnc_error_text());
  lenet_bn_infer_destroy(empty);
  lenet_bn_infer_destroy(NULL);
  lenet_bn_train_destroy(model);
  lenet_bn_train_destroy(NULL);
  free(before);
  free(after);
  printf("unchanged after every failure\n");
  return 0;
}
