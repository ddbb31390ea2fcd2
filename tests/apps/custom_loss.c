/* custom_loss.c: the model of Inputs/make_heads.py trained with its built-in mse, and with the same loss computed here,
 * between forward and backward; and what is refused, and leaves everything as it was. */
#include "app.h"

#include "custom.h"
#include "heads.h"

#include <math.h>

enum { BATCH = 8, SAMPLE = 50, OUTPUTS = 4, STEPS = 5 };

static float x[2 * BATCH * SAMPLE], target[2 * BATCH * OUTPUTS], output[BATCH * OUTPUTS], gradient[BATCH * OUTPUTS];

/* The loss, and its gradient into `gradient` by the arithmetic of the compiled one: 2/OUTPUTS and 1/batch are powers
 * of two, so every product with them is exact. */
static double mse(const float *labels) {
  double loss = 0;
  for (int i = 0; i < BATCH * OUTPUTS; ++i) {
    float difference = output[i] - labels[i];
    loss += (double)difference * difference / (BATCH * OUTPUTS);
    gradient[i] = difference * (2.0f / OUTPUTS) * (1.0f / BATCH);
  }
  return loss;
}

static char *saved(const custom_train *train, size_t *bytes) {
  EXPECT(custom_train_save_memory(train, NULL, bytes) == BNC_OK);
  char *data = malloc(*bytes);
  EXPECT(custom_train_save_memory(train, data, bytes) == BNC_OK);
  return data;
}

/* The same bits everywhere, but for the last bias: the kernels sum its gradient in another order. It is made equal. */
static void expect_same(const heads_train *built_in, custom_train *own) {
  float a[4 * 54], b[4 * 54];
  static const struct { const char *name; size_t count; } variables[] = {
      {"conv.weight", 108}, {"bn.weight", 6}, {"bn.bias", 6}, {"bn.running_mean", 6}, {"bn.running_var", 6}, {"fc.weight", 216}};
  for (size_t v = 0; v < sizeof variables / sizeof *variables; ++v) {
    EXPECT(heads_train_get_variable(built_in, variables[v].name, a, variables[v].count) == BNC_OK);
    EXPECT(custom_train_get_variable(own, variables[v].name, b, variables[v].count) == BNC_OK);
    EXPECT(memcmp(a, b, variables[v].count * sizeof *a) == 0);
  }
  EXPECT(heads_train_get_variable(built_in, "fc.bias", a, 4) == BNC_OK);
  EXPECT(custom_train_get_variable(own, "fc.bias", b, 4) == BNC_OK);
  for (int i = 0; i < 4; ++i)
    EXPECT(fabsf(a[i] - b[i]) < 1e-7f);
  EXPECT(custom_train_set_variable(own, "fc.bias", a, 4) == BNC_OK);
}

int main(int argc, char **argv) {
  EXPECT(argc == 2);
  fill(x, 2 * BATCH * SAMPLE, 1);
  fill(target, 2 * BATCH * OUTPUTS, 2);
  heads_train *built_in;
  custom_train *own;
  bnc_metrics metrics, metrics_own;
  EXPECT(heads_train_create(argv[1], NULL, &built_in) == BNC_OK);
  EXPECT(custom_train_create(argv[1], NULL, &own) == BNC_OK);

  /* Out of order: a sentence, and nothing changes. */
  size_t before_bytes, after_bytes;
  char *before = saved(own, &before_bytes);
  EXPECT(custom_train_backward(own, gradient) == BNC_NOT_READY);
  printf("%s\n", custom_train_error(own));
  EXPECT(custom_train_update(own, 0.1, NULL) == BNC_NOT_READY);
  printf("%s\n", custom_train_error(own));
  EXPECT(custom_train_forward(own, x, BATCH, output) == BNC_OK);
  EXPECT(custom_train_update(own, 0.1, NULL) == BNC_NOT_READY);
  printf("%s\n", custom_train_error(own));
  EXPECT(custom_train_backward(own, NULL) == BNC_INVALID_ARGUMENT);
  EXPECT(custom_predict(own, x, BATCH, output) == BNC_OK); /* takes the memory of the forward pass */
  EXPECT(custom_train_backward(own, gradient) == BNC_NOT_READY);
  EXPECT(custom_train_forward(own, x, BATCH, output) == BNC_OK);
  gradient[3] = NAN;
  EXPECT(custom_train_backward(own, gradient) == BNC_NOT_FINITE);
  printf("%s\n", custom_train_error(own));
  EXPECT(custom_train_update(own, 0.1, NULL) == BNC_NOT_READY);
  x[7] = INFINITY;
  EXPECT(custom_train_forward(own, x, BATCH, output) == BNC_NOT_FINITE);
  printf("%s\n", custom_train_error(own));
  fill(x, 2 * BATCH * SAMPLE, 1);
  char *after = saved(own, &after_bytes);
  EXPECT(before_bytes == after_bytes && memcmp(before, after, before_bytes) == 0);
  free(before);
  free(after);
  EXPECT(bnc_train_step((bnc_train *)own, (const void *const[]){x}, target, BATCH, 0.1, NULL) == BNC_UNSUPPORTED);
  printf("%s\n", custom_train_error(own));
  EXPECT(bnc_train_forward((bnc_train *)built_in, (const void *const[]){x}, BATCH, (void *const[]){output}) == BNC_UNSUPPORTED);
  printf("%s\n", heads_train_error(built_in));

  /* The same arithmetic, the same bits. */
  for (int step = 0; step < STEPS; ++step) {
    EXPECT(heads_train_step(built_in, x, target, BATCH, 0.1, &metrics) == BNC_OK);
    EXPECT(custom_train_forward(own, x, BATCH, output) == BNC_OK);
    EXPECT(fabs(mse(target) - metrics.loss) < 1e-6);
    EXPECT(custom_train_backward(own, gradient) == BNC_OK);
    EXPECT(custom_train_update(own, 0.1, &metrics_own) == BNC_OK);
    EXPECT(isnan(metrics_own.loss) && fabs(metrics_own.gradient_norm - metrics.gradient_norm) < 1e-6);
    expect_same(built_in, own);
  }
  EXPECT(custom_train_steps(own) == STEPS);
  printf("%d steps: the same bits\n", STEPS);

  /* Gradients of two passes add up; the running statistics move twice. With the built-in loss, a mean. */
  for (int half = 0; half < 2; ++half) {
    EXPECT(heads_train_accumulate(built_in, x + half * BATCH * SAMPLE, target + half * BATCH * OUTPUTS, BATCH, NULL) == BNC_OK);
    EXPECT(custom_train_forward(own, x + half * BATCH * SAMPLE, BATCH, output) == BNC_OK);
    mse(target + half * BATCH * OUTPUTS);
    for (int i = 0; i < BATCH * OUTPUTS; ++i)
      gradient[i] /= 2;
    EXPECT(custom_train_backward(own, gradient) == BNC_OK);
  }
  EXPECT(heads_train_step(built_in, x, target, BATCH, 0.1, NULL) == BNC_INVALID_ARGUMENT);
  printf("%s\n", heads_train_error(built_in));
  EXPECT(heads_train_accumulate(built_in, x, NULL, BATCH, NULL) == BNC_INVALID_ARGUMENT); /* what waits is not lost */
  EXPECT(heads_train_update(built_in, 0.1, &metrics) == BNC_OK);
  EXPECT(custom_train_update(own, 0.1, NULL) == BNC_OK);
  expect_same(built_in, own);
  EXPECT(heads_train_steps(built_in) == STEPS + 1);
  EXPECT(heads_train_update(built_in, 0.1, NULL) == BNC_NOT_READY);
  printf("%s\n", heads_train_error(built_in));
  printf("accumulated: the same bits\n");

  /* What is discarded is not there any more. */
  EXPECT(heads_train_accumulate(built_in, x, target, BATCH, NULL) == BNC_OK);
  heads_train_discard(built_in);
  EXPECT(heads_train_update(built_in, 0.1, NULL) == BNC_NOT_READY);
  EXPECT(heads_train_step(built_in, x, target, BATCH, 0.1, NULL) == BNC_OK);
  custom_train_destroy(own);
  heads_train_destroy(built_in);
  return 0;
}
