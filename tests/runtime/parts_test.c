/* A step taken in parts: gradients of micro-batches that add up, clipping, and what happens out of order. */
#include "check.h"
#include "fake_model.h"

enum { BATCH = 6, PARAMETERS = 12, VALUES = 18 };

typedef struct batch {
  float x[BATCH * SAMPLE], prior[BATCH * CLASSES];
  int32_t labels[BATCH];
  const void *inputs[2];
} batch;

static batch make_batch(unsigned seed) {
  batch b;
  for (int i = 0; i < BATCH * SAMPLE; ++i)
    b.x[i] = 3 + 2 * number(&seed);
  for (int i = 0; i < BATCH * CLASSES; ++i)
    b.prior[i] = number(&seed);
  for (int i = 0; i < BATCH; ++i)
    b.labels[i] = number(&seed) > 0;
  return b;
}

static const void *const *inputs_of(batch *b) {
  b->inputs[0] = b->x;
  b->inputs[1] = b->prior;
  return b->inputs;
}

static bnc_train *make_train(const bnc_model_descriptor *model, double momentum) {
  bnc_train *train = NULL;
  CHECK(bnc_train_create(model, NULL, NULL, &train) == BNC_OK);
  CHECK(bnc_train_init(train, 42, BNC_INIT_XAVIER_UNIFORM) == BNC_OK);
  CHECK(bnc_train_set_hyper(train, "momentum", momentum) == BNC_OK);
  return train;
}

/* Parameters, then running statistics. */
static void read_values(const bnc_train *train, float *values) {
  static const struct { const char *name; size_t count; } variables[] = {
      {"fc.weight", 6}, {"bn.weight", 3}, {"bn.bias", 3}, {"bn.running_mean", 3}, {"bn.running_var", 3}};
  for (int v = 0; v < 5; values += variables[v++].count)
    CHECK(bnc_train_get_variable(train, variables[v].name, values, variables[v].count) == BNC_OK);
}

/* One micro-batch is a step, to the bit; the running statistics move with the micro-batch. */
static void test_one(void) {
  bnc_model_descriptor model = fake_model();
  bnc_train *whole = make_train(&model, 0.9), *parts = make_train(&model, 0.9);
  for (unsigned step = 0; step < 3; ++step) {
    batch b = make_batch(step);
    bnc_metrics of_step, of_batch, of_update;
    CHECK(bnc_train_step(whole, inputs_of(&b), b.labels, BATCH, 0.1, &of_step) == BNC_OK);
    CHECK(bnc_train_accumulate(parts, inputs_of(&b), b.labels, BATCH, &of_batch) == BNC_OK);
    float one[VALUES], other[VALUES];
    read_values(whole, one);
    read_values(parts, other);
    CHECK(memcmp(one, other, PARAMETERS * sizeof *one) != 0);
    CHECK(memcmp(one + PARAMETERS, other + PARAMETERS, (VALUES - PARAMETERS) * sizeof *one) == 0);
    if (step == 1) /* takes the memory that the gradients wait in */
      CHECK(bnc_train_eval_step(parts, inputs_of(&b), b.labels, BATCH, NULL) == BNC_OK);
    CHECK(bnc_train_update(parts, 0.1, &of_update) == BNC_OK);
    read_values(parts, other);
    CHECK(memcmp(one, other, sizeof one) == 0);
    CHECK(of_step.loss == of_batch.loss && of_step.loss == of_update.loss);
    CHECK(of_step.gradient_norm == of_batch.gradient_norm && of_step.gradient_norm == of_update.gradient_norm);
    CHECK(of_step.correct == of_update.correct && of_step.accuracy == of_update.accuracy);
  }
  CHECK(bnc_train_steps(parts) == 3);
  bnc_train_destroy(whole);
  bnc_train_destroy(parts);
}

/* Of several, the step is along the mean over all samples, whatever the sizes. Without momentum and with learning rate
 * 1, a step's move is its gradient. */
static void test_many(void) {
  bnc_model_descriptor model = fake_model();
  static const int sizes[] = {6, 1, 4};
  double expected[PARAMETERS] = {0}, samples = 0, loss = 0, norm = 0;
  float start[VALUES], end[VALUES];
  bnc_metrics metrics;
  bnc_train *parts = make_train(&model, 0);
  read_values(parts, start);
  for (unsigned i = 0; i < 3; ++i) {
    batch b = make_batch(i);
    bnc_train *alone = make_train(&model, 0);
    CHECK(bnc_train_step(alone, inputs_of(&b), b.labels, sizes[i], 1, &metrics) == BNC_OK);
    read_values(alone, end);
    for (int k = 0; k < PARAMETERS; ++k)
      expected[k] += sizes[i] * ((double)end[k] - start[k]);
    samples += sizes[i];
    loss += sizes[i] * metrics.loss;
    bnc_train_destroy(alone);
    CHECK(bnc_train_accumulate(parts, inputs_of(&b), b.labels, sizes[i], NULL) == BNC_OK);
  }
  /* One that fails is as if it had not been. */
  batch bad = make_batch(9);
  bad.x[5] = NAN;
  CHECK(bnc_train_accumulate(parts, inputs_of(&bad), bad.labels, BATCH, NULL) == BNC_NOT_FINITE);
  CHECK(bnc_train_step(parts, inputs_of(&bad), bad.labels, BATCH, 1, NULL) == BNC_INVALID_ARGUMENT);
  CHECK_CONTAINS(bnc_train_error(parts), "gradients of 3 micro-batches wait");
  CHECK(bnc_train_update(parts, INFINITY, NULL) == BNC_INVALID_ARGUMENT);
  CHECK(bnc_train_update(parts, 1, &metrics) == BNC_OK);
  read_values(parts, end);
  for (int k = 0; k < PARAMETERS; ++k) {
    CHECK_NEAR(end[k] - start[k], expected[k] / samples, 1e-6);
    norm += expected[k] / samples * (expected[k] / samples);
  }
  CHECK_NEAR(metrics.loss, loss / samples, 1e-12);
  CHECK_NEAR(metrics.gradient_norm, sqrt(norm), 1e-6);
  CHECK(bnc_train_update(parts, 1, NULL) == BNC_NOT_READY);
  CHECK_CONTAINS(bnc_train_error(parts), "call bnc_train_accumulate first");
  bnc_train_destroy(parts);
}

/* All that a file would hold. */
static unsigned char *saved(const bnc_train *train, size_t *bytes) {
  *bytes = 0;
  CHECK(bnc_train_save_memory(train, NULL, bytes) == BNC_OK);
  unsigned char *file = malloc(*bytes);
  CHECK(bnc_train_save_memory(train, file, bytes) == BNC_OK);
  return file;
}

/* A gradient that overflows though the loss is finite: nothing moves, and what waited before waits still, to the bit. */
static void test_gradient_not_finite(void) {
  enum { FEW = 5 }; /* no power of two: times and divided by it is not the same number */
  bnc_model_descriptor model = fake_model();
  bnc_train *whole = make_train(&model, 0.9), *parts = make_train(&model, 0.9);
  batch b = make_batch(5), bad = make_batch(6);
  for (int i = 0; i < BATCH; ++i) {
    bad.labels[i] = 0;
    bad.prior[i * CLASSES] = -20;
    bad.prior[i * CLASSES + 1] = 20;
  }
  static const float zeros[3], huge[6] = {3e38f, 3e38f, 3e38f, -3e38f, -3e38f, -3e38f}; /* times 0 forward, added up backward */
  float weight[6], scale[3], offset[3];
  CHECK(bnc_train_get_variable(parts, "fc.weight", weight, 6) == BNC_OK);
  CHECK(bnc_train_get_variable(parts, "bn.weight", scale, 3) == BNC_OK);
  CHECK(bnc_train_get_variable(parts, "bn.bias", offset, 3) == BNC_OK);
  for (int waiting = 0; waiting < 2; ++waiting) {
    if (waiting)
      CHECK(bnc_train_accumulate(parts, inputs_of(&b), b.labels, FEW, NULL) == BNC_OK);
    CHECK(bnc_train_set_variable(parts, "fc.weight", huge, 6) == BNC_OK);
    CHECK(bnc_train_set_variable(parts, "bn.weight", zeros, 3) == BNC_OK);
    CHECK(bnc_train_set_variable(parts, "bn.bias", zeros, 3) == BNC_OK);
    size_t bytes, now_bytes;
    unsigned char *before = saved(parts, &bytes);
    CHECK((waiting ? bnc_train_accumulate(parts, inputs_of(&bad), bad.labels, BATCH, NULL)
                   : bnc_train_step(parts, inputs_of(&bad), bad.labels, BATCH, 0.1, NULL)) == BNC_NOT_FINITE);
    CHECK_CONTAINS(bnc_train_error(parts), "the gradient is not finite, though inputs and variables are finite");
    unsigned char *now = saved(parts, &now_bytes);
    CHECK(bytes == now_bytes && memcmp(before, now, bytes) == 0);
    free(before);
    free(now);
    CHECK(bnc_train_set_variable(parts, "fc.weight", weight, 6) == BNC_OK);
    CHECK(bnc_train_set_variable(parts, "bn.weight", scale, 3) == BNC_OK);
    CHECK(bnc_train_set_variable(parts, "bn.bias", offset, 3) == BNC_OK);
  }
  bnc_metrics of_step, of_update;
  CHECK(bnc_train_step(whole, inputs_of(&b), b.labels, FEW, 0.1, &of_step) == BNC_OK);
  CHECK(bnc_train_update(parts, 0.1, &of_update) == BNC_OK);
  CHECK(of_step.loss == of_update.loss && of_step.gradient_norm == of_update.gradient_norm);
  float one[VALUES], other[VALUES];
  read_values(whole, one);
  read_values(parts, other);
  CHECK(memcmp(one, other, sizeof one) == 0);
  bnc_train_destroy(whole);
  bnc_train_destroy(parts);
}

/* The move is as long as clip-norm says, if the gradient is longer; the norm that is reported is the gradient's. */
static void test_clipping(void) {
  bnc_model_descriptor model = fake_model();
  batch b = make_batch(3);
  double lengths[3], norm = 0;
  float start[VALUES], end[VALUES];
  for (int i = 0; i < 3; ++i) {
    bnc_train *train = make_train(&model, 0);
    bnc_metrics metrics;
    read_values(train, start);
    CHECK(bnc_train_set_hyper(train, "clip-norm", i == 0 ? 0 : i == 1 ? 0.01 : 100) == BNC_OK);
    CHECK(bnc_train_step(train, inputs_of(&b), b.labels, BATCH, 1, &metrics) == BNC_OK);
    read_values(train, end);
    lengths[i] = 0;
    for (int k = 0; k < PARAMETERS; ++k)
      lengths[i] += ((double)end[k] - start[k]) * ((double)end[k] - start[k]);
    lengths[i] = sqrt(lengths[i]);
    CHECK(i == 0 || metrics.gradient_norm == norm);
    norm = metrics.gradient_norm;
    bnc_train_destroy(train);
  }
  CHECK_NEAR(lengths[0], norm, 1e-6);
  CHECK(norm > 0.02);
  CHECK_NEAR(lengths[1], 0.01, 1e-6);
  CHECK(lengths[2] == lengths[0]);
}

static void test_discard(void) {
  bnc_model_descriptor model = fake_model();
  batch b = make_batch(4);
  bnc_train *train = make_train(&model, 0);
  bnc_train_discard(NULL);
  CHECK(bnc_train_accumulate(train, inputs_of(&b), b.labels, BATCH, NULL) == BNC_OK);
  bnc_train_discard(train);
  CHECK(bnc_train_update(train, 1, NULL) == BNC_NOT_READY);
  /* The forward pass counts, for dropout; a file keeps it although there was no step. */
  size_t bytes;
  unsigned char *file = saved(train, &bytes), *again;
  CHECK(bnc_train_load_memory(train, file, bytes) == BNC_OK && bnc_train_steps(train) == 0);
  again = saved(train, &bytes);
  CHECK(memcmp(file, again, bytes) == 0 && strstr((char *)file + 8, "\"bnc.forward_passes\":\"1\"") != NULL);
  free(file);
  free(again);
  CHECK(bnc_train_accumulate(train, inputs_of(&b), b.labels, BATCH, NULL) == BNC_OK);
  CHECK(bnc_train_init(train, 1, BNC_INIT_XAVIER_UNIFORM) == BNC_OK); /* what waits belongs to other variables */
  CHECK(bnc_train_update(train, 1, NULL) == BNC_NOT_READY);
  CHECK(bnc_train_forward(train, inputs_of(&b), BATCH, NULL) == BNC_UNSUPPORTED);
  CHECK(bnc_train_backward(train, NULL) == BNC_UNSUPPORTED);
  CHECK(bnc_train_update(NULL, 1, NULL) == BNC_INVALID_ARGUMENT);
  bnc_train_destroy(train);
}

int main(void) {
  test_one();
  test_many();
  test_gradient_not_finite();
  test_clipping();
  test_discard();
  return report();
}
