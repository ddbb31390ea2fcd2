/* keras_loop.c: a custom training loop of Keras, with layers that are not trained. The data are those of
 * tests/goldens/make_keras_loop.py.
 *
 *   keras_loop START.safetensors END.safetensors METRICS.csv OUTPUTS
 */
#include "keras_loop.h"
#include "workflow.h"

enum { STEPS = 100, BATCH = 32, UNITS = 16 };

int main(int argc, char **argv) {
  EXPECT(argc == 5);
  static float x[STEPS * BATCH], y[STEPS * BATCH], evaluation[BATCH], outputs[BATCH];
  static float before[UNITS], after[UNITS];
  fill(x, STEPS * BATCH, 1);
  fill(evaluation, BATCH, 2);
  for (int i = 0; i < STEPS * BATCH; ++i)
    y[i] = 4 * x[i] * (1 - x[i]);

  keras_loop_train *model;
  bnc_metrics metrics;
  bnc_options options;
  bnc_options_init(&options);
  options.seed = 7; /* of dropout, as in make_keras_loop.py */
  EXPECT(keras_loop_train_create(argv[1], &options, &model) == BNC_OK);
  EXPECT(keras_loop_train_get_variable(model, "fixed_norm/moving_mean", before, UNITS) == BNC_OK);
  bnc_variable_info variable; /* model.trainable_variables, model.non_trainable_variables */
  for (int64_t i = 0; i < keras_loop_variables(BNC_TRAINABLE_VARIABLES, i, &variable); ++i)
    printf("trainable: %s\n", variable.name);
  for (int64_t i = 0; i < keras_loop_variables(BNC_NON_TRAINABLE_VARIABLES, i, &variable); ++i)
    printf("non-trainable: %s, in %s\n", variable.name, variable.collection);
  FILE *losses = metrics_open(argv[3]);
  for (long step = 0; step < STEPS; ++step) { /* model(x, training=True), tape.gradient, optimizer.apply_gradients */
    EXPECT(keras_loop_train_step(model, x + step * BATCH, y + step * BATCH, BATCH, 0.05, &metrics) == BNC_OK);
    metrics_add(losses, step + 1, &metrics);
  }
  EXPECT(fclose(losses) == 0);
  EXPECT(keras_loop_train_get_variable(model, "fixed_norm/moving_mean", after, UNITS) == BNC_OK);
  printf("the frozen layer %s\n", memcmp(before, after, sizeof before) ? "moved" : "stayed");

  EXPECT(keras_loop_predict(model, evaluation, BATCH, outputs) == BNC_OK); /* model(x, training=False) */
  write_floats(argv[4], outputs, BATCH);
  EXPECT(keras_loop_train_save(model, argv[2]) == BNC_OK);
  keras_loop_train_destroy(model);
}
