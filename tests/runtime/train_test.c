/* A training object against the same network in plain double loops, and what it refuses. */
#include "check.h"
#include "fake_model.h"

#include <fenv.h>

enum { BATCH = 7 };

typedef struct batch {
  float x[BATCH * SAMPLE], prior[BATCH * CLASSES];
  int32_t labels[BATCH];
  const void *inputs[2];
} batch;

static void make_batch(batch *b, unsigned seed) {
  for (int i = 0; i < BATCH * SAMPLE; ++i)
    b->x[i] = 3 + 2 * number(&seed);
  for (int i = 0; i < BATCH * CLASSES; ++i)
    b->prior[i] = number(&seed);
  for (int i = 0; i < BATCH; ++i)
    b->labels[i] = number(&seed) > 0;
  b->inputs[0] = b->x;
  b->inputs[1] = b->prior;
}

/* ---- The oracle -------------------------------------------------------------------------------------- */

typedef struct network {
  double w[CLASSES][CHANNELS], scale[CHANNELS], offset[CHANNELS], mean[CHANNELS], variance[CHANNELS];
  double velocity[12];
  double loss, norm, correct;
} network;

static void oracle_forward(const network *net, const batch *b, int n, const double *mean, const double *variance,
                           double *z, double *logits) {
  for (int c = 0; c < CHANNELS; ++c) {
    z[c] = 0;
    for (int p = 0; p < PIXELS; ++p)
      z[c] += ((b->x[n * SAMPLE + c * PIXELS + p] - mean[c]) / sqrt(variance[c] + EPSILON) * net->scale[c] +
               net->offset[c]) /
              PIXELS;
  }
  for (int k = 0; k < CLASSES; ++k) {
    logits[k] = b->prior[n * CLASSES + k];
    for (int c = 0; c < CHANNELS; ++c)
      logits[k] += net->w[k][c] * z[c];
  }
}

static void batch_statistics(const batch *b, int batch_size, double *mean, double *variance) {
  double m = batch_size * PIXELS;
  for (int c = 0; c < CHANNELS; ++c) {
    mean[c] = variance[c] = 0;
    for (int n = 0; n < batch_size; ++n)
      for (int p = 0; p < PIXELS; ++p)
        mean[c] += b->x[n * SAMPLE + c * PIXELS + p] / m;
    for (int n = 0; n < batch_size; ++n)
      for (int p = 0; p < PIXELS; ++p) {
        double d = b->x[n * SAMPLE + c * PIXELS + p] - mean[c];
        variance[c] += d * d / m;
      }
  }
}

static void oracle_step(network *net, const batch *b, int batch_size, double lr, double momentum) {
  double mean[CHANNELS], variance[CHANNELS], gradient[12] = {0};
  batch_statistics(b, batch_size, mean, variance);
  net->loss = net->norm = net->correct = 0;
  for (int n = 0; n < batch_size; ++n) {
    double z[CHANNELS], logits[CLASSES];
    oracle_forward(net, b, n, mean, variance, z, logits);
    double sum = exp(logits[0]) + exp(logits[1]);
    int label = b->labels[n];
    net->loss += (log(sum) - logits[label]) / batch_size;
    net->correct += logits[label] >= logits[1 - label];
    for (int k = 0; k < CLASSES; ++k) {
      double d = (exp(logits[k]) / sum - (k == label)) / batch_size;
      for (int c = 0; c < CHANNELS; ++c) {
        gradient[k * CHANNELS + c] += d * z[c];
        for (int p = 0; p < PIXELS; ++p) {
          double g = d * net->w[k][c] / PIXELS;
          double xhat = (b->x[n * SAMPLE + c * PIXELS + p] - mean[c]) / sqrt(variance[c] + EPSILON);
          gradient[6 + c] += g * xhat;
          gradient[9 + c] += g;
        }
      }
    }
  }
  double *parameters = &net->w[0][0];
  for (int i = 0; i < 12; ++i) {
    net->norm += gradient[i] * gradient[i];
    net->velocity[i] = momentum * net->velocity[i] + gradient[i];
    parameters[i] -= lr * net->velocity[i];
  }
  double m = batch_size * PIXELS;
  for (int c = 0; c < CHANNELS; ++c) {
    net->mean[c] = DECAY * net->mean[c] + (1 - DECAY) * mean[c];
    net->variance[c] = DECAY * net->variance[c] + (1 - DECAY) * variance[c] * m / (m - 1);
  }
}

static void read_network(const bnc_train *train, network *net) {
  float w[6], scale[3], offset[3], mean[3], variance[3];
  CHECK(bnc_train_get_variable(train, "fc.weight", w, 6) == BNC_OK);
  CHECK(bnc_train_get_variable(train, "bn.weight", scale, 3) == BNC_OK);
  CHECK(bnc_train_get_variable(train, "bn.bias", offset, 3) == BNC_OK);
  CHECK(bnc_train_get_variable(train, "bn.running_mean", mean, 3) == BNC_OK);
  CHECK(bnc_train_get_variable(train, "bn.running_var", variance, 3) == BNC_OK);
  for (int i = 0; i < 6; ++i)
    net->w[i / 3][i % 3] = w[i];
  for (int c = 0; c < 3; ++c) {
    net->scale[c] = scale[c];
    net->offset[c] = offset[c];
    net->mean[c] = mean[c];
    net->variance[c] = variance[c];
  }
}

static void check_network(const network *found, const network *expected) {
  for (int i = 0; i < 6; ++i)
    CHECK_NEAR(found->w[i / 3][i % 3], expected->w[i / 3][i % 3], 2e-6);
  for (int c = 0; c < 3; ++c) {
    CHECK_NEAR(found->scale[c], expected->scale[c], 2e-6);
    CHECK_NEAR(found->offset[c], expected->offset[c], 2e-6);
    CHECK_NEAR(found->mean[c], expected->mean[c], 2e-6);
    CHECK_NEAR(found->variance[c], expected->variance[c], 2e-6);
  }
}

static bnc_train *make_train(const bnc_model_descriptor *model, const bnc_options *options) {
  bnc_train *train = NULL;
  CHECK(bnc_train_create(model, NULL, options, &train) == BNC_OK);
  CHECK(bnc_train_init(train, 42, BNC_INIT_XAVIER_UNIFORM) == BNC_OK);
  return train;
}

/* ---- What it computes ----------------------------------------------------------------------------------- */

static void test_steps(void) {
  bnc_model_descriptor model = fake_model();
  bnc_train *train = make_train(&model, NULL);
  network net = {0}, found = {0};
  batch b;
  read_network(train, &net);
  for (int step = 0; step < 20; ++step) {
    int size = 1 + (step * 3) % BATCH;
    bnc_metrics metrics;
    make_batch(&b, 100 + (unsigned)step);
    CHECK(bnc_train_step(train, b.inputs, b.labels, size, 0.05, &metrics) == BNC_OK);
    oracle_step(&net, &b, size, 0.05, 0.9);
    CHECK_NEAR(metrics.loss, net.loss, 1e-5);
    CHECK_NEAR(metrics.gradient_norm, sqrt(net.norm), 1e-5);
    CHECK(metrics.correct == net.correct);
    CHECK_NEAR(metrics.accuracy, net.correct / size, 1e-12);
    read_network(train, &found);
    check_network(&found, &net);
  }
  CHECK(bnc_train_steps(train) == 20);
  /* The compiled learning rate is 0.1, then what is set. */
  CHECK(bnc_train_step(train, b.inputs, b.labels, BATCH, -1, NULL) == BNC_OK);
  oracle_step(&net, &b, BATCH, 0.1, 0.9);
  CHECK(bnc_train_set_hyper(train, "lr", 0.02) == BNC_OK);
  CHECK(bnc_train_set_hyper(train, "momentum", 0.5) == BNC_OK);
  CHECK(bnc_train_step(train, b.inputs, b.labels, BATCH, -1, NULL) == BNC_OK);
  oracle_step(&net, &b, BATCH, 0.02, 0.5);
  read_network(train, &found);
  check_network(&found, &net);
  double value;
  CHECK(bnc_train_get_hyper(train, "momentum", &value) == BNC_OK && value == 0.5);
  bnc_train_destroy(train);
}

static void test_inference(void) {
  bnc_model_descriptor model = fake_model();
  bnc_train *train = make_train(&model, NULL);
  bnc_infer *infer = NULL;
  batch b;
  make_batch(&b, 5);
  for (int step = 0; step < 5; ++step)
    CHECK(bnc_train_step(train, b.inputs, b.labels, BATCH, 0.1, NULL) == BNC_OK);
  network net = {0}, after = {0};
  read_network(train, &net);
  bnc_metrics metrics;
  CHECK(bnc_train_eval_step(train, b.inputs, b.labels, BATCH, &metrics) == BNC_OK);
  double loss = 0, correct = 0;
  float logits[BATCH * CLASSES], pooled[BATCH * CHANNELS], again[BATCH * CLASSES];
  void *outputs[] = {logits, pooled}, *others[] = {again, pooled};
  CHECK(bnc_train_predict(train, b.inputs, BATCH, outputs) == BNC_OK);
  for (int n = 0; n < BATCH; ++n) {
    double z[CHANNELS], expected[CLASSES];
    oracle_forward(&net, &b, n, net.mean, net.variance, z, expected);
    for (int k = 0; k < CLASSES; ++k)
      CHECK_NEAR(logits[n * CLASSES + k], expected[k], 1e-5);
    loss += (log(exp(expected[0]) + exp(expected[1])) - expected[b.labels[n]]) / BATCH;
    correct += expected[b.labels[n]] > expected[1 - b.labels[n]];
  }
  CHECK_NEAR(metrics.loss, loss, 1e-5);
  CHECK(metrics.correct == correct);
  CHECK(isnan(metrics.gradient_norm));
  read_network(train, &after);
  CHECK(memcmp(&net, &after, sizeof net) == 0);

  CHECK(bnc_infer_create(&model, NULL, NULL, &infer) == BNC_OK);
  CHECK(bnc_infer_run(infer, b.inputs, BATCH, others) == BNC_NOT_READY);
  CHECK_CONTAINS(bnc_infer_error(infer), "bnc_fold");
  CHECK(bnc_fold(train, infer) == BNC_OK);
  CHECK(bnc_infer_run(infer, b.inputs, BATCH, others) == BNC_OK);
  CHECK(memcmp(logits, again, sizeof logits) == 0);
  /* A loaded file folds to the same bits. */
  size_t bytes = 0;
  CHECK(bnc_train_save_memory(train, NULL, &bytes) == BNC_OK);
  void *saved = malloc(bytes);
  CHECK(bnc_train_save_memory(train, saved, &bytes) == BNC_OK);
  CHECK(bnc_train_init(train, 1, BNC_INIT_KAIMING_NORMAL) == BNC_OK);
  CHECK(bnc_fold(train, infer) == BNC_OK);
  CHECK(bnc_infer_run(infer, b.inputs, BATCH, others) == BNC_OK);
  CHECK(memcmp(logits, again, sizeof logits) != 0);
  CHECK(bnc_infer_load_memory(infer, saved, bytes) == BNC_OK);
  CHECK(bnc_infer_run(infer, b.inputs, BATCH, others) == BNC_OK);
  CHECK(memcmp(logits, again, sizeof logits) == 0);
  /* A failed load leaves the folded weights alone. */
  CHECK(bnc_infer_load_memory(infer, saved, bytes - 1) == BNC_BAD_FILE);
  CHECK(bnc_infer_run(infer, b.inputs, BATCH, others) == BNC_OK);
  CHECK(memcmp(logits, again, sizeof logits) == 0);
  /* An image's logits do not depend on its neighbours. */
  CHECK(bnc_infer_run(infer, b.inputs, 2, others) == BNC_OK);
  CHECK(memcmp(logits, again, 2 * CLASSES * sizeof(float)) == 0);
  free(saved);
  bnc_infer_destroy(infer);
  bnc_train_destroy(train);
}

static void test_other_losses(void) {
  bnc_model_descriptor model = fake_model();
  batch b;
  make_batch(&b, 6);
  model.class_count = 0;
  model.labels.count = CLASSES;
  model.labels.element = 0;
  for (int loss = BNC_LOSS_MSE; loss <= BNC_LOSS_BCE_WITH_LOGITS; ++loss) {
    model.loss = loss;
    bnc_train *train = make_train(&model, NULL);
    float targets[BATCH * CLASSES], logits[BATCH * CLASSES], pooled[BATCH * CHANNELS];
    void *outputs[] = {logits, pooled};
    unsigned seed = 9;
    double expected = 0;
    bnc_metrics metrics;
    for (int i = 0; i < BATCH * CLASSES; ++i)
      targets[i] = (number(&seed) + 1) / 2;
    CHECK(bnc_train_predict(train, b.inputs, BATCH, outputs) == BNC_OK);
    for (int i = 0; i < BATCH * CLASSES; ++i) {
      double x = logits[i], t = targets[i], p = 1 / (1 + exp(-x));
      expected += (loss == BNC_LOSS_MSE ? (x - t) * (x - t) : -t * log(p) - (1 - t) * log(1 - p)) / (BATCH * CLASSES);
    }
    CHECK(bnc_train_eval_step(train, b.inputs, targets, BATCH, &metrics) == BNC_OK);
    CHECK_NEAR(metrics.loss, expected, 1e-9);
    CHECK(isnan(metrics.accuracy) && metrics.correct == 0);
    bnc_train_destroy(train);
  }
}

/* Pooled over calls of different sizes, the statistics are those of all values at once. */
static void test_calibration(void) {
  bnc_model_descriptor model = fake_model();
  bnc_train *train = make_train(&model, NULL);
  batch b;
  make_batch(&b, 77);
  network before = {0}, during = {0}, after = {0};
  CHECK(bnc_train_calibrate_end(train) == BNC_NOT_READY);
  CHECK(bnc_train_calibrate_add(train, b.inputs, 1) == BNC_NOT_READY);
  CHECK(bnc_train_calibrate_begin(train) == BNC_OK);
  CHECK(bnc_train_calibrate_end(train) == BNC_NOT_READY);
  read_network(train, &before);
  const int sizes[] = {1, 4, 2};
  for (int i = 0, first = 0; i < 3; first += sizes[i++]) {
    const void *inputs[] = {b.x + first * SAMPLE, b.prior + first * CLASSES};
    CHECK(bnc_train_calibrate_add(train, inputs, sizes[i]) == BNC_OK);
  }
  float bad[SAMPLE] = {NAN};
  const void *bad_inputs[] = {bad, b.prior};
  CHECK(bnc_train_calibrate_add(train, bad_inputs, 1) == BNC_NOT_FINITE);
  CHECK_CONTAINS(bnc_train_error(train), "input 'x' of sample 0 holds nan at element 0");
  read_network(train, &during);
  CHECK(memcmp(&before, &during, sizeof before) == 0);
  CHECK(bnc_train_calibrate_end(train) == BNC_OK);
  read_network(train, &after);
  double mean[CHANNELS], variance[CHANNELS], m = BATCH * PIXELS;
  batch_statistics(&b, BATCH, mean, variance);
  for (int c = 0; c < CHANNELS; ++c) {
    CHECK_NEAR(after.mean[c], mean[c], 1e-6);
    CHECK_NEAR(after.variance[c], variance[c] * m / (m - 1), 1e-6);
  }
  CHECK(bnc_train_calibrate_end(train) == BNC_NOT_READY);
  CHECK(bnc_train_steps(train) == 0);
  bnc_train_destroy(train);
}

/* A BatchNorm applied twice: two entries, one pair of variables, all values count. */
static void test_shared_calibration(void) {
  bnc_model_descriptor model = fake_model();
  bnc_running twice[2] = {model.running[0], model.running[0]};
  model.running = twice;
  model.running_count = 2;
  bnc_train *train = make_train(&model, NULL);
  batch b;
  make_batch(&b, 78);
  CHECK(bnc_train_calibrate_begin(train) == BNC_OK);
  CHECK(bnc_train_calibrate_add(train, b.inputs, BATCH) == BNC_OK);
  CHECK(bnc_train_calibrate_end(train) == BNC_OK);
  network after = {0};
  read_network(train, &after);
  double mean[CHANNELS], variance[CHANNELS], m = 2 * BATCH * PIXELS;
  batch_statistics(&b, BATCH, mean, variance);
  for (int c = 0; c < CHANNELS; ++c) {
    CHECK_NEAR(after.mean[c], mean[c], 1e-6);
    CHECK_NEAR(after.variance[c], variance[c] * m / (m - 1), 1e-6);
  }
  bnc_train_destroy(train);
}

/* ---- What it refuses -------------------------------------------------------------------------------------- */

static void test_arguments(void) {
  bnc_model_descriptor model = fake_model();
  bnc_options options;
  bnc_options_init(&options);
  options.max_batch = 5;
  bnc_train *train = NULL;
  batch b;
  make_batch(&b, 8);
  CHECK(bnc_train_create(&model, NULL, &options, &train) == BNC_OK);
  CHECK(bnc_train_step(train, b.inputs, b.labels, 2, 0.1, NULL) == BNC_NOT_READY);
  CHECK_CONTAINS(bnc_train_error(train), "variable 'fc.weight' of model 'fake' has no value yet");
  CHECK(bnc_train_init(train, 3, BNC_INIT_XAVIER_UNIFORM) == BNC_OK);
  CHECK(bnc_train_step(train, b.inputs, b.labels, 6, 0.1, NULL) == BNC_INVALID_ARGUMENT);
  CHECK_TEXT(bnc_train_error(train), "batch is 6, expected 1 to 5: bnc_options.max_batch sets the limit");
  CHECK(bnc_train_step(train, b.inputs, b.labels, 0, 0.1, NULL) == BNC_INVALID_ARGUMENT);
  CHECK(bnc_train_step(train, NULL, b.labels, 2, 0.1, NULL) == BNC_INVALID_ARGUMENT);
  const void *one[] = {b.x, NULL};
  CHECK(bnc_train_step(train, one, b.labels, 2, 0.1, NULL) == BNC_INVALID_ARGUMENT);
  CHECK_TEXT(bnc_train_error(train), "input 'prior' is NULL");
  CHECK(bnc_train_step(train, b.inputs, NULL, 2, 0.1, NULL) == BNC_INVALID_ARGUMENT);
  CHECK(bnc_train_step(train, b.inputs, b.labels, 2, NAN, NULL) == BNC_INVALID_ARGUMENT);
  b.labels[3] = 12;
  CHECK(bnc_train_step(train, b.inputs, b.labels, 5, 0.1, NULL) == BNC_INVALID_ARGUMENT);
  CHECK_TEXT(bnc_train_error(train),
             "label 12 of sample 3 is out of range: the model has 2 classes, labels must be in [0, 2)");
  CHECK_TEXT(bnc_error_text(), bnc_train_error(train));
  b.labels[3] = -1;
  CHECK(bnc_train_eval_step(train, b.inputs, b.labels, 5, NULL) == BNC_INVALID_ARGUMENT);
  CHECK(bnc_train_predict(train, b.inputs, 2, NULL) == BNC_INVALID_ARGUMENT);
  CHECK(bnc_train_set_hyper(train, "beta1", 0.9) == BNC_INVALID_ARGUMENT);
  CHECK_TEXT(bnc_train_error(train), "optimizer sgd has no number 'beta1', it has lr, momentum, clip-norm");
  CHECK(bnc_train_set_hyper(train, "momentum", INFINITY) == BNC_INVALID_ARGUMENT);
  CHECK(bnc_train_set_variable(train, "fc.weight", b.x, 5) == BNC_INVALID_ARGUMENT);
  CHECK_TEXT(bnc_train_error(train), "variable 'fc.weight' has 6 elements, not 5");
  CHECK(bnc_train_set_variable(train, "nothing", b.x, 5) == BNC_INVALID_ARGUMENT);
  CHECK(bnc_train_step(NULL, b.inputs, b.labels, 2, 0.1, NULL) == BNC_INVALID_ARGUMENT);
  CHECK(bnc_fold(train, NULL) == BNC_INVALID_ARGUMENT);
  CHECK(bnc_train_steps(train) == 0);
  bnc_train_destroy(train);
  bnc_train_destroy(NULL);
  bnc_infer_destroy(NULL);

  model.minimum_train_batch = 2;
  model.minimum_train_batch_node = "layers.3";
  train = make_train(&model, NULL);
  CHECK(bnc_train_step(train, b.inputs, b.labels, 1, 0.1, NULL) == BNC_INVALID_ARGUMENT);
  CHECK_TEXT(bnc_train_error(train), "batch is 1, but BatchNorm 'layers.3' sees one value per channel in each sample "
                                     "and needs a batch of at least 2 in training");
  CHECK(bnc_train_eval_step(train, b.inputs, b.labels, 1, NULL) == BNC_OK);
  bnc_train_destroy(train);

  model.fixed_batch = 4;
  options.max_batch = 0;
  train = make_train(&model, &options);
  CHECK(bnc_train_eval_step(train, b.inputs, b.labels, 3, NULL) == BNC_INVALID_ARGUMENT);
  CHECK_CONTAINS(bnc_train_error(train), "batch is 3, but model 'fake' was compiled for batches of 4");
  bnc_train_destroy(train);
  options.max_batch = 3;
  CHECK(bnc_train_create(&model, NULL, &options, &train) == BNC_INVALID_ARGUMENT && !train);
}

static void test_variables(void) {
  bnc_model_descriptor model = fake_model();
  bnc_variable variables[5];
  bnc_variable_info variable;
  memcpy(variables, model.variables, sizeof variables);
  variables[2].trainable = 0; /* bn.bias */
  model.variables = variables;
  CHECK(bnc_variables(&model, BNC_VARIABLES, 4, &variable) == 5);
  CHECK_TEXT(variable.name, "bn.running_var");
  CHECK_TEXT(variable.collection, "batch_stats");
  CHECK(!variable.trainable && variable.rank == 1 && variable.shape[0] == 3 && variable.count == 3);
  CHECK(bnc_variables(&model, BNC_VARIABLES, 5, &variable) == 5 && variable.name == NULL);
  CHECK(bnc_variables(&model, BNC_VARIABLES, -1, NULL) == 5);
  CHECK(bnc_variables(&model, BNC_TRAINABLE_VARIABLES, 1, &variable) == 2);
  CHECK_TEXT(variable.name, "bn.weight");
  CHECK(variable.trainable);
  CHECK(bnc_variables(&model, BNC_NON_TRAINABLE_VARIABLES, 0, &variable) == 3);
  CHECK_TEXT(variable.name, "bn.bias");
  CHECK_TEXT(variable.collection, "params");
  CHECK(bnc_variables(&model, BNC_PARAMS, 2, &variable) == 3);
  CHECK_TEXT(variable.name, "bn.bias");
  CHECK(bnc_variables(&model, BNC_BATCH_STATS, 0, &variable) == 2);
  CHECK_TEXT(variable.name, "bn.running_mean");
  CHECK(bnc_variables(&model, (bnc_variable_set)9, 0, &variable) == 0 && bnc_variables(NULL, BNC_VARIABLES, 0, &variable) == 0);
}

static void test_models(void) {
  bnc_model_descriptor model = fake_model();
  bnc_train *train;
  bnc_infer *infer;
  model.magic = 1;
  CHECK(bnc_train_create(&model, NULL, NULL, &train) == BNC_INCOMPATIBLE && !train);
  model = fake_model();
  model.abi_version = 99;
  CHECK(bnc_infer_create(&model, NULL, NULL, &infer) == BNC_INCOMPATIBLE && !infer);
  CHECK_CONTAINS(bnc_error_text(), "interface version 99");
#ifdef __x86_64__
  const char *const features[] = {"sse2", "no_such_feature", NULL}, *const present[] = {"sse2", "fxsr", NULL};
  model = fake_model();
  model.required_features = features;
  CHECK(bnc_train_create(&model, NULL, NULL, &train) == BNC_INCOMPATIBLE);
  CHECK_CONTAINS(bnc_error_text(), "needs the processor feature no_such_feature");
  model.required_features = present;
  CHECK(bnc_train_create(&model, NULL, NULL, &train) == BNC_OK);
  bnc_train_destroy(train);
#endif
  model = fake_model();
  model.train_forward = NULL;
  CHECK(bnc_train_create(&model, NULL, NULL, &train) == BNC_UNSUPPORTED);
  model = fake_model();
  model.infer_run = NULL;
  CHECK(bnc_infer_create(&model, NULL, NULL, &infer) == BNC_UNSUPPORTED);
  train = make_train(&model, NULL);
  CHECK(bnc_train_predict(train, NULL, 1, NULL) == BNC_UNSUPPORTED);
  bnc_train_destroy(train);
  /* Sizes that do not fit memory or 64 bits. */
  model = fake_model();
  model.train.scaled_bytes = INT64_MAX / 2;
  CHECK(bnc_train_create(&model, NULL, NULL, &train) == BNC_OUT_OF_MEMORY && !train);
  model = fake_model();
  model.train.scratch_bytes = INT64_MAX - 8;
  CHECK(bnc_train_create(&model, NULL, NULL, &train) == BNC_OUT_OF_MEMORY);
  /* Another model's variables. */
  model = fake_model();
  train = make_train(&model, NULL);
  bnc_model_descriptor other = fake_model();
  other.variable_count = 4;
  CHECK(bnc_infer_create(&other, NULL, NULL, &infer) == BNC_OK);
  CHECK(bnc_fold(train, infer) == BNC_INVALID_ARGUMENT);
  bnc_infer_destroy(infer);
  bnc_train_destroy(train);
}

static int failing_kernel(void **args) {
  (void)args;
  return -17;
}

static void failing_forward(bnc_exec *exec) {
  static const bnc_launch launch = {BNC_GRID_IMAGES, 1, 1, 0, 0, 1, 0};
  struct {
    bnc_launch launch;
    bnc_argument argument;
    int64_t rows[2];
  } one = {.launch = launch, .argument = {.space = BNC_SPACE_FIXED, .row_dimension = -1, .image_dimension = -1}};
  one.launch.arguments = 1;
  bnc_rt_launch(exec, failing_kernel, &one.launch);
}

static void check_unchanged(bnc_train *train, const void *before, size_t bytes) {
  void *after = malloc(bytes);
  size_t size = bytes;
  CHECK(bnc_train_save_memory(train, after, &size) == BNC_OK && size == bytes);
  CHECK(memcmp(before, after, bytes) == 0);
  free(after);
}

/* A step that fails changes neither variables nor optimizer state nor the counter. */
static void test_not_finite(void) {
  bnc_model_descriptor model = fake_model();
  bnc_train *train = make_train(&model, NULL);
  batch b;
  make_batch(&b, 11);
  CHECK(bnc_train_step(train, b.inputs, b.labels, BATCH, 0.1, NULL) == BNC_OK);
  size_t bytes = 0;
  CHECK(bnc_train_save_memory(train, NULL, &bytes) == BNC_OK);
  void *before = malloc(bytes);
  CHECK(bnc_train_save_memory(train, before, &bytes) == BNC_OK);

  b.x[5 * SAMPLE + 2] = INFINITY;
  CHECK(bnc_train_step(train, b.inputs, b.labels, BATCH, 0.1, NULL) == BNC_NOT_FINITE);
  CHECK_TEXT(bnc_train_error(train), "step 2: the loss of sample 0 is not finite, because input 'x' of sample 5 holds "
                                     "inf at element 2; nothing was updated");
  check_unchanged(train, before, bytes);
  b.x[5 * SAMPLE + 2] = 1;
  b.prior[4 * CLASSES + 1] = NAN;
  CHECK(bnc_train_step(train, b.inputs, b.labels, BATCH, 0.1, NULL) == BNC_NOT_FINITE);
  CHECK_TEXT(bnc_train_error(train), "step 2: the loss of sample 4 is not finite, because input 'prior' of sample 4 "
                                     "holds nan at element 1; nothing was updated");
  check_unchanged(train, before, bytes);
  make_batch(&b, 11);
  float w[6] = {0, 0, NAN}, saved[6];
  CHECK(bnc_train_get_variable(train, "fc.weight", saved, 6) == BNC_OK);
  CHECK(bnc_train_set_variable(train, "fc.weight", w, 6) == BNC_OK);
  CHECK(bnc_train_step(train, b.inputs, b.labels, BATCH, 0.1, NULL) == BNC_NOT_FINITE);
  CHECK_CONTAINS(bnc_train_error(train), "variable 'fc.weight' is not finite already");
  CHECK(bnc_train_set_variable(train, "fc.weight", saved, 6) == BNC_OK);
  check_unchanged(train, before, bytes);
  /* Finite values whose squares overflow in the kernel: only the statistics notice. */
  for (int i = 0; i < BATCH * SAMPLE; ++i)
    b.x[i] = i % 2 ? 1e30f : -1e30f;
  CHECK(bnc_train_step(train, b.inputs, b.labels, BATCH, 0.1, NULL) == BNC_NOT_FINITE);
  CHECK_CONTAINS(bnc_train_error(train), "though inputs and variables are finite");
  check_unchanged(train, before, bytes);
  free(before);
  bnc_train_destroy(train);

  model.train_forward = failing_forward;
  train = make_train(&model, NULL);
  make_batch(&b, 11);
  CHECK(bnc_train_step(train, b.inputs, b.labels, BATCH, 0.1, NULL) == BNC_INCOMPATIBLE);
  CHECK_CONTAINS(bnc_train_error(train), "failed with code -17");
  bnc_train_destroy(train);
}

/* The caller's rounding mode neither changes results nor is changed. */
static void test_rounding_mode(void) {
  bnc_model_descriptor model = fake_model();
  batch b;
  make_batch(&b, 12);
  network nets[2];
  for (int up = 0; up < 2; ++up) {
    fesetround(up ? FE_UPWARD : FE_TONEAREST);
    bnc_train *train = make_train(&model, NULL);
    CHECK(bnc_train_step(train, b.inputs, b.labels, BATCH, 0.1, NULL) == BNC_OK);
    CHECK(fegetround() == (up ? FE_UPWARD : FE_TONEAREST));
    fesetround(FE_TONEAREST);
    memset(&nets[up], 0, sizeof nets[up]);
    read_network(train, &nets[up]);
    bnc_train_destroy(train);
  }
  CHECK(memcmp(&nets[0], &nets[1], sizeof nets[0]) == 0);
}

int main(void) {
  CHECK_TEXT(bnc_error_text(), "");
  CHECK_TEXT(bnc_status_name(BNC_NOT_FINITE), "not finite");
  CHECK(strlen(bnc_version()) > 0);
  test_steps();
  test_inference();
  test_other_losses();
  test_calibration();
  test_shared_calibration();
  test_arguments();
  test_models();
  test_variables();
  test_not_finite();
  test_rounding_mode();
  return report();
}
