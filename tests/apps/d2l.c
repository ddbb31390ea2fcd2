/* d2l.c: the training loop of D2L's chapter on batch normalization: LeNet-BN on Fashion-MNIST.
 *
 *   d2l START.safetensors END.safetensors METRICS.csv OUTPUTS IMAGES LABELS EVALUATED
 *
 * Compile it with -DMODEL=NAME -DHEADER='"NAME.h"' -DSIDE=28 -DBATCH=256 -DRATE=0.1; with SIDE 14 the images are means
 * of 2x2 pixels. One channel: channels last or first is the same memory. IMAGES, LABELS, EVALUATED: uncompressed IDX. */
#include HEADER
#include "idx.h"
#include "workflow.h"

#define JOIN2(a, b) a##_##b
#define JOIN(a, b) JOIN2(a, b)
#define MODEL_(function) JOIN(MODEL, function)

enum { STEPS = 100, CLASSES = 10, PIXELS = SIDE * SIDE, SHRINK = 28 / SIDE, EVALUATED = 64 };

static void read_images(const uint8_t *pixels, long first, long count, float *x) {
  for (long i = 0; i < count * PIXELS; ++i) {
    const uint8_t *corner = pixels + (first + i / PIXELS) * 784 + i % PIXELS / SIDE * SHRINK * 28 + i % SIDE * SHRINK;
    int sum = 0;
    for (int dy = 0; dy < SHRINK; ++dy)
      for (int dx = 0; dx < SHRINK; ++dx)
        sum += corner[dy * 28 + dx];
    x[i] = (float)sum / (255 * SHRINK * SHRINK);
  }
}

int main(int argc, char **argv) {
  EXPECT(argc == 8);
  static float x[BATCH * PIXELS], logits[EVALUATED * CLASSES];
  static int32_t labels[BATCH];
  long images, classes, evaluated;
  uint8_t *pixels = idx_read(argv[5], &images), *ids = idx_read(argv[6], &classes), *others = idx_read(argv[7], &evaluated);
  EXPECT(images >= STEPS * BATCH && classes >= STEPS * BATCH && evaluated >= EVALUATED);

  MODEL_(train) *model;
  bnc_metrics metrics;
  EXPECT(MODEL_(train_create)(argv[1], NULL, &model) == BNC_OK);
  FILE *losses = metrics_open(argv[3]);
  for (long step = 0; step < STEPS; ++step) {
    read_images(pixels, step * BATCH, BATCH, x);
    for (int i = 0; i < BATCH; ++i)
      labels[i] = ids[step * BATCH + i];
    EXPECT(MODEL_(train_step)(model, x, labels, BATCH, RATE, &metrics) == BNC_OK);
    metrics_add(losses, step + 1, &metrics);
  }
  EXPECT(fclose(losses) == 0);

  read_images(others, 0, EVALUATED, x);
  EXPECT(MODEL_(predict)(model, x, EVALUATED, logits) == BNC_OK);
  write_floats(argv[4], logits, EVALUATED * CLASSES);
  EXPECT(MODEL_(train_save)(model, argv[2]) == BNC_OK);
  MODEL_(train_destroy)(model);
  free(others);
  free(ids);
  free(pixels);
}
