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
  EXPECT(argc == 4);
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

  /* Files of another optimizer and of another model; numbers that the optimizer does not have. */
  EXPECT(lenet_bn_train_load(model, argv[2]) == BNC_INCOMPATIBLE);
  expect_unchanged(model, before, bytes, "holds the state of the optimizer 'adam', but model 'lenet_bn' was compiled with 'sgd:momentum'");
  EXPECT(lenet_bn_train_load(model, argv[3]) == BNC_BAD_FILE);
  expect_unchanged(model, before, bytes, "give a file that was saved from this model");
  EXPECT(lenet_bn_train_set_hyper(model, "beta1", 0.9) == BNC_INVALID_ARGUMENT);
  expect_unchanged(model, before, bytes, "optimizer sgd:momentum has no number 'beta1', it has lr, momentum");
  EXPECT(lenet_bn_train_step(model, images, labels, BATCH, NAN, NULL) == BNC_INVALID_ARGUMENT);
  expect_unchanged(model, before, bytes, "the learning rate is nan");
  float value[6] = {0};
  EXPECT(lenet_bn_train_set_variable(model, "net.1.bias", value, 5) == BNC_INVALID_ARGUMENT);
  expect_unchanged(model, before, bytes, "has 6 elements, not 5");
  EXPECT(lenet_bn_train_set_variable(model, "net.1.offset", value, 6) == BNC_INVALID_ARGUMENT);
  expect_unchanged(model, before, bytes, "has no variable 'net.1.offset'");
  EXPECT(lenet_bn_train_update(model, 0.1, NULL) == BNC_NOT_READY);
  expect_unchanged(model, before, bytes, "no gradients wait");
  EXPECT(lenet_bn_eval_step(model, images, NULL, BATCH, NULL) == BNC_INVALID_ARGUMENT);
  expect_unchanged(model, before, bytes, "labels is NULL");

  /* Calibration changes statistics when it ends, not before, nor when nothing or NaN was given. */
  EXPECT(lenet_bn_train_calibrate_end(model) == BNC_NOT_READY);
  expect_unchanged(model, before, bytes, "calibrate_begin");
  EXPECT(lenet_bn_train_calibrate_begin(model) == BNC_OK);
  images[17] = NAN;
  EXPECT(lenet_bn_train_calibrate_add(model, images, BATCH) == BNC_NOT_FINITE);
  expect_unchanged(model, before, bytes, "finite");
  images[17] = 0;
  EXPECT(lenet_bn_train_calibrate_add(model, images, 1) == BNC_INVALID_ARGUMENT);
  expect_unchanged(model, before, bytes, "a batch of at least 2");
  EXPECT(lenet_bn_train_calibrate_end(model) == BNC_NOT_READY);
  expect_unchanged(model, before, bytes, "without data");

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
