/* train.c: trains a model that bnc compiled, saves it, folds it, and runs the folded graph.
 *
 *   train WEIGHTS_IN WEIGHTS_OUT IMAGES LABELS STEPS      images and labels as uncompressed IDX files
 */
#include "idx.h"
#include "lenet_bn.h"

enum { PIXELS = 28 * 28, CLASSES = 10, BATCH = 256 };

static void check(bnc_status status) {
  if (status != BNC_OK) {
    fprintf(stderr, "%s: %s\n", bnc_status_name(status), bnc_error_text());
    exit(1);
  }
}

int main(int argc, char **argv) {
  if (argc != 6) {
    fprintf(stderr, "usage: %s WEIGHTS_IN WEIGHTS_OUT IMAGES LABELS STEPS\n", argv[0]);
    return 1;
  }
  long images, labels, steps = atol(argv[5]);
  uint8_t *pixels = idx_read(argv[3], &images), *classes = idx_read(argv[4], &labels);
  static float input[BATCH * PIXELS], logits[BATCH * CLASSES], folded_logits[BATCH * CLASSES];
  static int32_t ids[BATCH];

  lenet_bn_train *model;
  check(lenet_bn_train_create(argv[1], NULL, &model));
  bnc_metrics metrics = {0};
  for (long step = 0; step < steps; ++step) {
    long first = step * BATCH % (images - BATCH + 1);
    for (long i = 0; i < BATCH * PIXELS; ++i)
      input[i] = pixels[first * PIXELS + i] / 255.0f;
    for (long i = 0; i < BATCH; ++i)
      ids[i] = classes[first + i];
    check(lenet_bn_train_step(model, input, ids, BATCH, 0.5, &metrics));
    if (step == 0 || step == steps - 1)
      printf("step %ld: loss %.4f, accuracy %.4f\n", step + 1, metrics.loss, metrics.accuracy);
  }
  check(lenet_bn_train_save(model, argv[2]));
  check(lenet_bn_eval_step(model, input, ids, BATCH, &metrics));
  printf("with running statistics: loss %.4f, accuracy %.4f\n", metrics.loss, metrics.accuracy);

  /* What was just learned, in the folded graph; and the same from the file: the same bits. */
  lenet_bn_infer *folded, *loaded;
  check(lenet_bn_infer_create(NULL, NULL, &folded));
  check(lenet_bn_fold(model, folded));
  check(lenet_bn_infer_run(folded, input, BATCH, folded_logits));
  check(lenet_bn_infer_create(argv[2], NULL, &loaded));
  check(lenet_bn_infer_run(loaded, input, BATCH, logits));
  long differences = 0;
  for (int i = 0; i < BATCH * CLASSES; ++i)
    differences += logits[i] != folded_logits[i];
  printf("folded from memory and from the file: %ld logits differ\n", differences);

  lenet_bn_infer_destroy(loaded);
  lenet_bn_infer_destroy(folded);
  lenet_bn_train_destroy(model);
  free(pixels);
  free(classes);
  return differences != 0;
}
