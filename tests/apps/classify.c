/* classify.c: what Fashion-MNIST images show, by a model that bnc compiled and trained.
 *
 *   classify lenet_bn.safetensors IMAGES LABELS [COUNT]      images and labels as uncompressed IDX files
 *
 * Prints label and probability of the first COUNT images (default 8), then the accuracy over all of them. */
#include "idx.h"
#include "lenet_bn.h"
#include <math.h>

enum { PIXELS = 28 * 28, CLASSES = 10, BATCH = 100 };

static const char *const names[CLASSES] = {"T-shirt/top", "Trouser", "Pullover", "Dress", "Coat",
                                           "Sandal", "Shirt", "Sneaker", "Bag", "Ankle boot"};

static int best_of(const float *logits) {
  int best = 0;
  for (int c = 1; c < CLASSES; ++c)
    if (logits[c] > logits[best])
      best = c;
  return best;
}

/* Softmax of one class, shifted by the largest logit so that exp cannot overflow. */
static double probability_of(const float *logits, int class) {
  double sum = 0, largest = logits[best_of(logits)];
  for (int c = 0; c < CLASSES; ++c)
    sum += exp(logits[c] - largest);
  return exp(logits[class] - largest) / sum;
}

int main(int argc, char **argv) {
  if (argc < 4) {
    fprintf(stderr, "usage: %s WEIGHTS IMAGES LABELS [COUNT]\n", argv[0]);
    return 1;
  }
  long images, labels, shown = argc > 4 ? atol(argv[4]) : 8, correct = 0;
  uint8_t *pixels = idx_read(argv[2], &images), *truth = idx_read(argv[3], &labels);
  if (images != labels) {
    fprintf(stderr, "%ld images but %ld labels\n", images, labels);
    return 1;
  }

  lenet_bn_infer *model;
  if (lenet_bn_infer_create(argv[1], NULL, &model) != BNC_OK) {
    fprintf(stderr, "%s\n", bnc_error_text());
    return 1;
  }
  static float input[BATCH * PIXELS], logits[BATCH * CLASSES];
  for (long first = 0; first < images; first += BATCH) {
    long batch = images - first < BATCH ? images - first : BATCH;
    for (long i = 0; i < batch * PIXELS; ++i)
      input[i] = pixels[first * PIXELS + i] / 255.0f;
    if (lenet_bn_infer_run(model, input, batch, logits) != BNC_OK) {
      fprintf(stderr, "%s\n", bnc_error_text());
      return 1;
    }
    for (long i = 0; i < batch; ++i) {
      int found = best_of(logits + i * CLASSES), wanted = truth[first + i];
      correct += found == wanted;
      if (first + i < shown)
        printf("image %4ld: %-12s %5.1f %%   %s%s\n", first + i, names[found],
               100 * probability_of(logits + i * CLASSES, found), found == wanted ? "right" : "wrong, it is ",
               found == wanted ? "" : names[wanted]);
    }
  }
  printf("%ld of %ld images right: accuracy %.4f\n", correct, images, (double)correct / images);
  lenet_bn_infer_destroy(model);
  free(pixels);
  free(truth);
  return 0;
}
