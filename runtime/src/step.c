/* step.c: a training step, whole or in parts: forward, backward, update. */
#include "fpmode.h"
#include "metrics.h"
#include "train.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

static const bnc_model_descriptor *model_of(const bnc_train *train) { return train->object.model; }

/* ---- Forward ------------------------------------------------------------------------------------------ */

bnc_status bnc_train_run_forward(bnc_train *train, const void *const *inputs, const void *labels, int64_t batch,
                                 void *const *outputs) {
  int64_t count = model_of(train)->input_count;
  for (int64_t i = 0; i < count; ++i)
    train->inputs[i] = inputs[i];
  train->inputs[count] = labels;
  for (int64_t i = 0; i < model_of(train)->output_count && !bnc_train_has_loss(train); ++i)
    train->inputs[count + i] = NULL; /* gradients come later */
  bnc_train_leave_arena(train); /* it has room for one */
  train->exec.batch = batch;
  train->exec.outputs = outputs;
  train->exec.passes = (uint64_t)train->passes;
  train->exec.loss = 0;
  train->exec.correct = 0;
  train->exec.bad_sample = -1;
  train->exec.gradient_sum_of_squares = 0;
  train->scalars[BNC_SCALAR_INVERSE_BATCH] = (float)(1.0 / (double)batch);
  return bnc_object_run(&train->object, &train->exec, model_of(train)->train_forward, BNC_FP_FAST);
}

/* What the forward pass found; BNC_OK: backward may begin. */
static bnc_status check_forward_results(const bnc_train *train, const void *const *inputs, const void *labels,
                                        int64_t batch) {
  const bnc_model_descriptor *model = model_of(train);
  char what[200];
  bnc_location bad = train->object.context.bad_statistics;
  if (train->exec.bad_sample >= 0 || !isfinite(train->exec.loss)) {
    snprintf(what, sizeof what, "the loss of sample %" PRId64 " is not finite",
             train->exec.bad_sample >= 0 ? train->exec.bad_sample : 0);
    return bnc_train_not_finite(train, what, inputs, labels, batch);
  }
  if (bad.space < 0)
    return BNC_OK;
  snprintf(what, sizeof what, "a running statistic would not be finite");
  for (int64_t i = 0; i < model->variable_count; ++i)
    if (bad.space == BNC_SPACE_VARIABLES && model->variables[i].offset * (int64_t)sizeof(float) == bad.offset)
      snprintf(what, sizeof what, "'%s' or the variance beside it would not be finite", model->variables[i].name);
  return bnc_train_not_finite(train, what, inputs, labels, batch);
}

/* ---- Backward: gradients of micro-batches add up ------------------------------------------------------- */

enum { SUM_BLOCKS = 256 }; /* fixed, so that the order of summation is */

typedef struct sum_state {
  float *sums;
  const float *gradients; /* NULL: only the norm */
  float weight;
  bool first;
  int64_t count;
  double norms[SUM_BLOCKS];
} sum_state;

static void sum_block(void *data, int64_t block, int64_t worker) {
  sum_state *state = data;
  double norm = 0;
  (void)worker;
  for (int64_t i = state->count * block / SUM_BLOCKS, end = state->count * (block + 1) / SUM_BLOCKS; i < end; ++i) {
    if (state->gradients)
      state->sums[i] = (state->first ? 0 : state->sums[i]) + state->weight * state->gradients[i];
    norm += (double)state->sums[i] * state->sums[i];
  }
  state->norms[block] = norm;
}

/* Adds gradients to the sums, or (first) puts them there. Returns the sum of the sums' squares. */
static double add_to_sums(bnc_train *train, const float *gradients, double weight, bool first) {
  sum_state state = {.sums = train->sums,
                     .gradients = gradients,
                     .weight = (float)weight,
                     .first = first,
                     .count = model_of(train)->trainable_floats};
  uint64_t found = bnc_fp_enter(BNC_FP_FAST);
  bnc_parallel(&train->exec, SUM_BLOCKS, sum_block, &state);
  bnc_fp_set(found);
  double norm = 0;
  for (int64_t i = 0; i < SUM_BLOCKS; ++i)
    norm += state.norms[i];
  return norm;
}

void bnc_train_leave_arena(bnc_train *train) {
  bnc_pending *pending = &train->pending;
  pending->forward = false;
  if (pending->batches == 1 && !pending->summed) {
    add_to_sums(train, train->gradients, 1, true); /* as they are: they alone are left if the next one fails */
    pending->summed = true;
  }
}

/* After a forward pass: gradients, then the running statistics, then one micro-batch more that waits. */
static bnc_status run_backward(bnc_train *train, const void *const *inputs, const void *labels, double weight) {
  bnc_object *object = &train->object;
  bnc_pending *pending = &train->pending;
  pending->forward = false; /* its values are overwritten from here on */
  train->exec.gradient_sum_of_squares = 0;
  bnc_status status = bnc_object_run(object, &train->exec, model_of(train)->train_backward, BNC_FP_FAST);
  if (status == BNC_OK && !isfinite(train->exec.gradient_sum_of_squares))
    status = bnc_train_not_finite(train, "the gradient is not finite", inputs, labels, train->exec.batch);
  if (status == BNC_OK)
    status = bnc_object_run(object, &train->exec, model_of(train)->train_commit, BNC_FP_FAST);
  if (status != BNC_OK)
    return status;
  bnc_train_touch(train);
  train->passes++;
  if (pending->batches)
    add_to_sums(train, train->gradients, weight / pending->first_weight, false);
  else
    pending->first_weight = weight;
  pending->sum_of_squares = train->exec.gradient_sum_of_squares;
  pending->batches++;
  pending->weight += weight;
  pending->samples += train->exec.batch;
  pending->loss += train->exec.loss;
  pending->correct += train->exec.correct;
  return BNC_OK;
}

/* ---- Update --------------------------------------------------------------------------------------------- */

static double clip_norm(const bnc_train *train) {
  const bnc_model_descriptor *model = model_of(train);
  for (int64_t i = 0; i < model->hyper_count; ++i)
    if (strcmp(model->hyper_names[i], "clip-norm") == 0)
      return train->hyper[1 + i];
  return 0;
}

static void set_update_scalars(bnc_train *train, double learning_rate, double scale) {
  double step = (double)(train->steps + 1);
  train->scalars[BNC_SCALAR_STEP] = (float)step;
  train->scalars[BNC_SCALAR_GRADIENT_SCALE] = (float)scale;
  train->scalars[BNC_SCALAR_LEARNING_RATE] = (float)learning_rate;
  for (int64_t i = 0; i < model_of(train)->hyper_count; ++i) {
    float *scalars = train->scalars + BNC_SCALAR_HYPER + BNC_SCALARS_PER_HYPER * i;
    double number = train->hyper[1 + i];
    scalars[0] = (float)number;
    scalars[1] = (float)(1 - number);
    scalars[2] = (float)(1 - pow(number, step));
  }
}

static bnc_metrics metrics_of(const bnc_train *train, double loss, int64_t correct, int64_t samples, double norm) {
  bool has_loss = bnc_train_has_loss(train), has_classes = has_loss && model_of(train)->class_count;
  return (bnc_metrics){.loss = has_loss ? loss / (double)samples : NAN,
                       .accuracy = has_classes ? (double)correct / (double)samples : NAN,
                       .gradient_norm = norm,
                       .correct = correct};
}

static bnc_status run_update(bnc_train *train, double learning_rate, bnc_metrics *metrics) {
  bnc_pending *pending = &train->pending;
  double norm = sqrt(pending->sum_of_squares), scale = 1, clip = clip_norm(train);
  if (pending->batches > 1) {
    scale = bnc_train_has_loss(train) ? pending->first_weight / pending->weight : 1;
    norm = sqrt(add_to_sums(train, NULL, 0, false)) * scale;
    if (!isfinite(norm))
      return bnc_fail(train->object.error, BNC_NOT_FINITE,
                      "step %" PRId64 ": the sum of the gradients of %" PRId64 " micro-batches is not finite; nothing was "
                      "updated: call bnc_train_discard and scale the loss",
                      train->steps + 1, pending->batches);
  }
  if (clip > 0 && clip < norm + model_of(train)->clip_epsilon)
    scale *= clip / (norm + model_of(train)->clip_epsilon);
  set_update_scalars(train, learning_rate < 0 ? train->hyper[0] : learning_rate, scale);
  bnc_train_touch(train);
  train->exec.base[BNC_SPACE_GRADIENTS] = (uint8_t *)(pending->summed ? train->sums : train->gradients);
  bnc_status status = bnc_object_run(&train->object, &train->exec, model_of(train)->train_update, BNC_FP_FAST);
  train->exec.base[BNC_SPACE_GRADIENTS] = (uint8_t *)train->gradients;
  if (status != BNC_OK)
    return status;
  train->steps++;
  if (metrics)
    *metrics = metrics_of(train, pending->loss, pending->correct, pending->samples, norm);
  *pending = (bnc_pending){0};
  return BNC_OK;
}

/* ---- Calls ------------------------------------------------------------------------------------------------ */

static bnc_status check_learning_rate(const bnc_train *train, double learning_rate) {
  if (isfinite(learning_rate))
    return BNC_OK;
  return bnc_fail(train->object.error, BNC_INVALID_ARGUMENT, "the learning rate is %f, expected a finite number",
                  learning_rate);
}

static bnc_status check_has_loss(const bnc_train *train, bool expected) {
  if (bnc_train_has_loss(train) == expected)
    return BNC_OK;
  return bnc_fail(train->object.error, BNC_UNSUPPORTED,
                  expected ? "model '%s' was compiled without a loss (--loss=custom): call bnc_train_forward, "
                             "bnc_train_backward and bnc_train_update"
                           : "model '%s' was compiled with its loss: call bnc_train_step, or compile with --loss=custom",
                  model_of(train)->name);
}

/* Forward and backward with the model's own loss. */
static bnc_status run_micro_batch(bnc_train *train, const void *const *inputs, const void *labels, int64_t batch) {
  bnc_status status = check_has_loss(train, true);
  if (status == BNC_OK)
    status = bnc_train_check_forward(train, inputs, batch);
  if (status == BNC_OK)
    status = bnc_labels_check(&train->object, labels, batch);
  if (status == BNC_OK)
    status = bnc_train_run_forward(train, inputs, labels, batch, train->outputs);
  if (status == BNC_OK)
    status = check_forward_results(train, inputs, labels, batch);
  return status == BNC_OK ? run_backward(train, inputs, labels, (double)batch) : status;
}

bnc_status bnc_train_step(bnc_train *train, const void *const *inputs, const void *labels, int64_t batch,
                          double learning_rate, bnc_metrics *metrics) {
  if (!train)
    return bnc_null_train("bnc_train_step");
  bnc_status status = check_learning_rate(train, learning_rate);
  if (status == BNC_OK && train->pending.batches)
    status = bnc_fail(train->object.error, BNC_INVALID_ARGUMENT,
                      "gradients of %" PRId64 " micro-batches wait: call bnc_train_update or bnc_train_discard before "
                      "bnc_train_step",
                      train->pending.batches);
  if (status == BNC_OK)
    status = run_micro_batch(train, inputs, labels, batch);
  return status == BNC_OK ? run_update(train, learning_rate, metrics) : status;
}

bnc_status bnc_train_accumulate(bnc_train *train, const void *const *inputs, const void *labels, int64_t batch,
                                bnc_metrics *metrics) {
  if (!train)
    return bnc_null_train("bnc_train_accumulate");
  bnc_status status = run_micro_batch(train, inputs, labels, batch);
  if (status == BNC_OK && metrics)
    *metrics = metrics_of(train, train->exec.loss, train->exec.correct, batch, sqrt(train->exec.gradient_sum_of_squares));
  return status;
}

bnc_status bnc_train_forward(bnc_train *train, const void *const *inputs, int64_t batch, void *const *outputs) {
  if (!train)
    return bnc_null_train("bnc_train_forward");
  bnc_status status = check_has_loss(train, false);
  if (status == BNC_OK)
    status = bnc_train_check_forward(train, inputs, batch);
  if (status == BNC_OK)
    status = bnc_object_check_outputs(&train->object, outputs);
  if (status == BNC_OK)
    status = bnc_train_run_forward(train, inputs, NULL, batch, outputs);
  if (status == BNC_OK)
    status = check_forward_results(train, inputs, NULL, batch);
  train->pending.forward = status == BNC_OK;
  return status;
}

bnc_status bnc_train_backward(bnc_train *train, const void *const *gradients) {
  if (!train)
    return bnc_null_train("bnc_train_backward");
  const bnc_model_descriptor *model = model_of(train);
  bnc_status status = check_has_loss(train, false);
  if (status != BNC_OK)
    return status;
  if (!train->pending.forward)
    return bnc_fail(train->object.error, BNC_NOT_READY,
                    "bnc_train_backward needs a forward pass: call bnc_train_forward first, and nothing in between that "
                    "changes variables or runs the model");
  for (int64_t i = 0; i < model->output_count; ++i) {
    if (!gradients || !gradients[i])
      return bnc_fail(train->object.error, BNC_INVALID_ARGUMENT, "the gradient of output '%s' is NULL",
                      model->outputs[i].name);
    train->inputs[model->input_count + i] = gradients[i];
  }
  return run_backward(train, train->inputs, NULL, 1);
}

bnc_status bnc_train_update(bnc_train *train, double learning_rate, bnc_metrics *metrics) {
  if (!train)
    return bnc_null_train("bnc_train_update");
  bnc_status status = check_learning_rate(train, learning_rate);
  if (status != BNC_OK)
    return status;
  if (train->pending.forward)
    return bnc_fail(train->object.error, BNC_NOT_READY,
                    "a forward pass waits for its gradients: call bnc_train_backward or bnc_train_discard before "
                    "bnc_train_update");
  if (!train->pending.batches)
    return bnc_fail(train->object.error, BNC_NOT_READY, "no gradients wait for bnc_train_update: call %s first",
                    bnc_train_has_loss(train) ? "bnc_train_accumulate" : "bnc_train_backward");
  return run_update(train, learning_rate, metrics);
}

void bnc_train_discard(bnc_train *train) {
  if (train)
    train->pending = (bnc_pending){0};
}
