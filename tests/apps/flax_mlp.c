/* flax_mlp.c: the training loop of Flax's BatchNorm guide. The data are those of tests/goldens/make_flax_mlp.py.
 *
 *   flax_mlp START.safetensors END.safetensors METRICS.csv OUTPUTS
 */
#include "flax_mlp.h"
#include "workflow.h"

enum { STEPS = 100, BATCH = 32, FEATURES = 16, CLASSES = 4 };

static void largest_of_first(const float *x, int32_t *labels, long count) {
  for (long i = 0; i < count; ++i) {
    labels[i] = 0;
    for (int32_t c = 1; c < CLASSES; ++c)
      if (x[i * FEATURES + c] > x[i * FEATURES + labels[i]])
        labels[i] = c;
  }
}

int main(int argc, char **argv) {
  EXPECT(argc == 5);
  static float x[STEPS * BATCH * FEATURES], evaluation[BATCH * FEATURES], logits[BATCH * CLASSES];
  static int32_t labels[STEPS * BATCH], evaluation_labels[BATCH];
  fill(x, STEPS * BATCH * FEATURES, 1);
  fill(evaluation, BATCH * FEATURES, 2);
  largest_of_first(x, labels, STEPS * BATCH);
  largest_of_first(evaluation, evaluation_labels, BATCH);

  flax_mlp_train *model;
  bnc_metrics metrics;
  EXPECT(flax_mlp_train_create(argv[1], NULL, &model) == BNC_OK);
  FILE *losses = metrics_open(argv[3]);
  for (long step = 0; step < STEPS; ++step) { /* train_step: batch statistics, gradients, Adam, new batch_stats */
    EXPECT(flax_mlp_train_step(model, x + step * BATCH * FEATURES, labels + step * BATCH, BATCH, 1e-3, &metrics) == BNC_OK);
    metrics_add(losses, step + 1, &metrics);
  }
  EXPECT(fclose(losses) == 0);

  /* eval_step: the running averages; nothing is written. */
  EXPECT(flax_mlp_eval_step(model, evaluation, evaluation_labels, BATCH, &metrics) == BNC_OK);
  printf("evaluation: loss %.4f, accuracy %.4f\n", metrics.loss, metrics.accuracy);
  EXPECT(flax_mlp_predict(model, evaluation, BATCH, logits) == BNC_OK);
  write_floats(argv[4], logits, BATCH * CLASSES);
  EXPECT(flax_mlp_train_save(model, argv[2]) == BNC_OK);
  flax_mlp_train_destroy(model);
}
