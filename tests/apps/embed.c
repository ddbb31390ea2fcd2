/* embed [WEIGHTS] OUT: logits of the inference graph, predictions before and after a training step, and the variables
 * then, from a file or from what the library embeds. */
#include "app.h"
#include "lenet_bn.h"

enum { BATCH = 5, SAMPLE = 28 * 28, CLASSES = 10 };

int main(int argc, char **argv) {
  static float images[BATCH * SAMPLE], logits[3][BATCH * CLASSES];
  static int32_t labels[BATCH];
  const char *weights = argc > 2 ? argv[1] : NULL;
  FILE *out = fopen(argv[argc - 1], "wb");
  lenet_bn_infer *infer;
  lenet_bn_train *train;
  size_t bytes;
  fill(images, BATCH * SAMPLE, 1);
  fill_labels(labels, BATCH, CLASSES, 2);
  EXPECT(lenet_bn_infer_create(weights, NULL, &infer) == BNC_OK);
  EXPECT(lenet_bn_train_create(weights, NULL, &train) == BNC_OK);
  EXPECT(lenet_bn_infer_run(infer, images, BATCH, logits[0]) == BNC_OK);
  EXPECT(lenet_bn_predict(train, images, BATCH, logits[1]) == BNC_OK);
  EXPECT(memcmp(logits[0], logits[1], sizeof logits[0]) == 0);
  EXPECT(lenet_bn_train_step(train, images, labels, BATCH, 0.1, NULL) == BNC_OK);
  EXPECT(lenet_bn_fold(train, infer) == BNC_OK);
  EXPECT(lenet_bn_infer_run(infer, images, BATCH, logits[2]) == BNC_OK);
  EXPECT(lenet_bn_train_save_memory(train, NULL, &bytes) == BNC_OK);
  void *saved = malloc(bytes);
  EXPECT(lenet_bn_train_save_memory(train, saved, &bytes) == BNC_OK);
  EXPECT(out && fwrite(logits, sizeof logits, 1, out) == 1 && fwrite(saved, bytes, 1, out) == 1 && fclose(out) == 0);
  free(saved);
  lenet_bn_infer_destroy(infer);
  lenet_bn_train_destroy(train);
  printf("%zu bytes\n", sizeof logits + bytes);
  return 0;
}
