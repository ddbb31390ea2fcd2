/* flax_state.c: the stateful bias adder of Flax's guide to parameters and state. The data are those of
 * tests/goldens/make_flax_state.py.
 *
 *   flax_state START.safetensors END.safetensors METRICS.csv OUTPUTS
 */
#include "flax_state.h"
#include "workflow.h"

enum { STEPS = 100, BATCH = 10, FEATURES = 5 };

int main(int argc, char **argv) {
  EXPECT(argc == 5);
  static float x[STEPS * BATCH * FEATURES], evaluation[BATCH * FEATURES], outputs[BATCH * FEATURES];
  float before[FEATURES], after[FEATURES];
  fill(x, STEPS * BATCH * FEATURES, 1);
  fill(evaluation, BATCH * FEATURES, 2);

  flax_state_train *model;
  bnc_metrics metrics;
  EXPECT(flax_state_train_create(argv[1], NULL, &model) == BNC_OK);
  FILE *losses = metrics_open(argv[3]);
  for (long step = 0; step < STEPS; ++step) { /* update_step: the target is the input itself */
    const float *batch = x + step * BATCH * FEATURES;
    EXPECT(flax_state_train_step(model, batch, batch, BATCH, 0.02, &metrics) == BNC_OK);
    metrics_add(losses, step + 1, &metrics);
  }
  EXPECT(fclose(losses) == 0);

  /* The running mean moves in training only. */
  EXPECT(flax_state_train_get_variable(model, "batch_stats.mean", before, FEATURES) == BNC_OK);
  EXPECT(flax_state_predict(model, evaluation, BATCH, outputs) == BNC_OK);
  EXPECT(flax_state_eval_step(model, evaluation, evaluation, BATCH, &metrics) == BNC_OK);
  EXPECT(flax_state_train_get_variable(model, "batch_stats.mean", after, FEATURES) == BNC_OK);
  printf("evaluation %s the running mean\n", memcmp(before, after, sizeof before) ? "moved" : "left");
  write_floats(argv[4], outputs, BATCH * FEATURES);
  EXPECT(flax_state_train_save(model, argv[2]) == BNC_OK);
  flax_state_train_destroy(model);
}
