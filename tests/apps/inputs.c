/* inputs OUT: trains, evaluates and runs the model on the same images, as floats with the channels first (compiled so)
 * or as bytes with the channels last (-DBYTES), and writes every number it gets. */
#include "app.h"
#include "image.h"

enum { BATCH = 6, CHANNELS = 3, PIXELS = 9 * 7, SAMPLE = CHANNELS * PIXELS, CLASSES = 4 };

int main(int argc, char **argv) {
  static uint8_t bytes[BATCH * SAMPLE];
  static float outputs[3][BATCH * CLASSES];
  static int32_t labels[BATCH];
  for (int i = 0; i < BATCH * SAMPLE; ++i)
    bytes[i] = (uint8_t)(i * 2654435761u >> 24);
  fill_labels(labels, BATCH, CLASSES, 3);
#ifdef BYTES
  const uint8_t *x = bytes;
#else
  static float floats[BATCH * SAMPLE];
  for (int n = 0; n < BATCH; ++n)
    for (int p = 0; p < PIXELS; ++p)
      for (int c = 0; c < CHANNELS; ++c)
        floats[(n * CHANNELS + c) * PIXELS + p] = (float)bytes[(n * PIXELS + p) * CHANNELS + c] / 255;
  const float *x = floats;
#endif
  image_train *train;
  image_infer *infer;
  bnc_metrics metrics[3];
  EXPECT(argc == 3 && image_train_create(argv[1], NULL, &train) == BNC_OK);
  EXPECT(image_infer_create(argv[1], NULL, &infer) == BNC_OK);
  EXPECT(image_infer_run(infer, x, BATCH, outputs[0]) == BNC_OK);
  EXPECT(image_train_step(train, x, labels, BATCH, 0.1, &metrics[0]) == BNC_OK);
  EXPECT(image_train_step(train, x, labels, BATCH - 1, 0.1, &metrics[1]) == BNC_OK);
  EXPECT(image_train_calibrate_begin(train) == BNC_OK && image_train_calibrate_add(train, x, BATCH) == BNC_OK);
  EXPECT(image_train_calibrate_end(train) == BNC_OK);
  EXPECT(image_eval_step(train, x, labels, BATCH, &metrics[2]) == BNC_OK);
  EXPECT(image_predict(train, x, BATCH, outputs[1]) == BNC_OK);
  EXPECT(image_fold(train, infer) == BNC_OK && image_infer_run(infer, x, BATCH, outputs[2]) == BNC_OK);
  FILE *out = fopen(argv[2], "wb");
  EXPECT(out && fwrite(outputs, sizeof outputs, 1, out) == 1);
  for (int i = 0; i < 3; ++i)
    fprintf(out, "%.17g %.17g %.17g\n", metrics[i].loss, metrics[i].accuracy, i < 2 ? metrics[i].gradient_norm : 0);
  EXPECT(fclose(out) == 0);
  image_infer_destroy(infer);
  image_train_destroy(train);
  return 0;
}
