#include "train.h"
#include "fpmode.h"
#include "init.h"
#include "metrics.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

bnc_status bnc_null_train(const char *function) {
  return bnc_fail(NULL, BNC_INVALID_ARGUMENT, "%s was called without an object (NULL)", function);
}

/* ---- Life ------------------------------------------------------------------------------------------- */

typedef struct demand {
  void *pointer; /* address of the field to set */
  const char *what;
  int64_t count, size;
} demand;

/* Buffers for every output of the inference graph, one after the other. */
static bnc_status take_outputs(bnc_train *train) {
  bnc_object *object = &train->object;
  const bnc_model_descriptor *model = object->model;
  int64_t bytes = 0;
  for (int64_t i = 0; i < model->output_count; ++i) {
    int64_t one;
    if (__builtin_mul_overflow(model->outputs[i].count, bnc_element_bytes(&model->outputs[i]) * object->max_batch,
                               &one) ||
        __builtin_add_overflow(bytes, one, &bytes) || __builtin_add_overflow(bytes, BNC_ALIGNMENT, &bytes))
      return bnc_object_out_of_memory(object, "the outputs", object->max_batch, model->outputs[i].count);
  }
  uint8_t *at = bnc_memory_take(&object->memory, bytes, 1, false);
  train->outputs = bnc_memory_take(&object->memory, model->output_count, sizeof *train->outputs, true);
  if (!at || !train->outputs)
    return bnc_object_out_of_memory(object, "the outputs", bytes, 1);
  for (int64_t i = 0; i < model->output_count; ++i) {
    int64_t one = model->outputs[i].count * bnc_element_bytes(&model->outputs[i]) * object->max_batch;
    train->outputs[i] = at;
    at += (one + BNC_ALIGNMENT - 1) / BNC_ALIGNMENT * BNC_ALIGNMENT;
  }
  return BNC_OK;
}

static bnc_status take_memory(bnc_train *train) {
  bnc_object *object = &train->object;
  const bnc_model_descriptor *model = object->model;
  int64_t trainable = model->trainable_floats, slots, labels, channels = 0;
  for (int64_t i = 0; i < model->running_count; ++i)
    channels += model->running[i].channels;
  int64_t extra_inputs = model->output_count > 1 ? model->output_count : 1;
  if (__builtin_mul_overflow(model->slot_count, trainable, &slots) ||
      __builtin_mul_overflow(object->max_batch, model->labels.count, &labels))
    return bnc_object_out_of_memory(object, "the optimizer state", model->slot_count, trainable);
  const demand demands[] = {{&train->variables, "the variables", model->variables_floats, sizeof(float)},
                            {&train->slots, "the optimizer state", slots, sizeof(float)},
                            {&train->scalars, "the scalars", BNC_SCALAR_COUNT, sizeof(float)},
                            {&train->hyper, "the optimizer's numbers", 1 + model->hyper_count, sizeof(double)},
                            {&train->has_value, "the variables", model->variable_count, 1},
                            {&train->inputs, "the inputs", model->input_count + extra_inputs, sizeof(void *)},
                            {&train->no_labels, "the labels", labels, 4},
                            {&train->calibration.counts, "the statistics", model->running_count, sizeof(double)},
                            {&train->calibration.moments, "the statistics", 2 * channels, sizeof(double)}};
  for (size_t i = 0; i < sizeof demands / sizeof *demands; ++i) {
    void *memory = bnc_memory_take(&object->memory, demands[i].count, demands[i].size, true);
    if (!memory)
      return bnc_object_out_of_memory(object, demands[i].what, demands[i].count, demands[i].size);
    memcpy(demands[i].pointer, &memory, sizeof memory);
  }
  train->sums = bnc_memory_take(&object->memory, trainable, sizeof *train->sums, false);
  return train->sums ? BNC_OK : bnc_object_out_of_memory(object, "the sums of gradients", trainable, sizeof(float));
}

static bnc_status build(bnc_train *train) {
  bnc_object *object = &train->object;
  const bnc_model_descriptor *model = object->model;
  if (!model->train_forward)
    return bnc_fail(NULL, BNC_UNSUPPORTED,
                    "model '%s' was compiled for inference only: compile with --phase=both or --phase=train",
                    model->name);
  if (BNC_SCALAR_HYPER + BNC_SCALARS_PER_HYPER * model->hyper_count > BNC_SCALAR_COUNT)
    return bnc_fail(NULL, BNC_INCOMPATIBLE, "the optimizer of model '%s' has %" PRId64 " numbers, at most %d fit",
                    model->name, model->hyper_count, (BNC_SCALAR_COUNT - BNC_SCALAR_HYPER) / BNC_SCALARS_PER_HYPER);
  static const bnc_graph none;
  bnc_status status = bnc_object_reserve(object, &model->train, model->infer_run ? &model->infer : &none);
  if (status == BNC_OK)
    status = take_memory(train);
  if (status == BNC_OK && model->infer_run && bnc_train_has_loss(train))
    status = bnc_metrics_check(object);
  if (status == BNC_OK && model->output_count)
    status = take_outputs(train);
  if (status == BNC_OK && model->infer_run)
    status = bnc_inference_create(object, &train->inference);
  if (status != BNC_OK)
    return status;
  train->gradients = (float *)(void *)(object->scaled + object->scaled_size) - model->trainable_floats;
  train->exec = bnc_object_exec(object);
  train->exec.base[BNC_SPACE_VARIABLES] = (uint8_t *)train->variables;
  train->exec.base[BNC_SPACE_SLOTS] = (uint8_t *)train->slots;
  train->exec.base[BNC_SPACE_GRADIENTS] = (uint8_t *)train->gradients;
  train->exec.base[BNC_SPACE_SCALARS] = (uint8_t *)train->scalars;
  train->exec.inputs = train->inputs;
  train->exec.seed = object->seed;
  memcpy(train->hyper, model->hyper_defaults, (size_t)(1 + model->hyper_count) * sizeof *train->hyper);
  return BNC_OK;
}

bnc_status bnc_train_create(const bnc_model_descriptor *model, const char *weights, const bnc_options *options,
                            bnc_train **result) {
  void *object;
  if (!result)
    return bnc_fail(NULL, BNC_INVALID_ARGUMENT, "bnc_train_create: the place for the result is NULL");
  *result = NULL;
  bnc_status status = bnc_object_create(model, options, sizeof(bnc_train), &object);
  if (status != BNC_OK)
    return status;
  bnc_train *train = object;
  status = build(train);
  if (status == BNC_OK && weights)
    status = bnc_train_load(train, weights);
  if (status == BNC_OK && !weights && model->values) {
    memcpy(train->variables, model->values, (size_t)model->variables_floats * sizeof *train->variables);
    memset(train->has_value, 1, (size_t)model->variable_count);
  }
  if (status == BNC_OK)
    *result = train;
  else
    bnc_train_destroy(train);
  return status;
}

void bnc_train_destroy(bnc_train *train) {
  if (!train)
    return;
  bnc_archive_release(&train->object.memory.allocator, &train->extras);
  bnc_object_destroy(&train->object);
}

const char *bnc_train_error(const bnc_train *train) { return train ? train->object.error->text : bnc_error_text(); }

bnc_status bnc_train_init(bnc_train *train, uint64_t seed, bnc_init method) {
  if (!train)
    return bnc_null_train("bnc_train_init");
  const bnc_model_descriptor *model = train->object.model;
  if ((int)method < BNC_INIT_XAVIER_UNIFORM || method > BNC_INIT_KAIMING_NORMAL)
    return bnc_fail(train->object.error, BNC_INVALID_ARGUMENT, "initialization method %d is none of bnc_init",
                    (int)method);
  uint64_t found = bnc_fp_enter(BNC_FP_IEEE);
  bnc_init_variables(model, seed, method, train->variables);
  bnc_fp_set(found);
  memset(train->slots, 0, (size_t)(model->slot_count * model->trainable_floats) * sizeof *train->slots);
  memset(train->has_value, 1, (size_t)model->variable_count);
  train->steps = train->passes = 0;
  bnc_train_discard(train);
  bnc_train_touch(train);
  return BNC_OK;
}

void bnc_train_touch(bnc_train *train) {
  train->inference.ready = false;
  train->pending.forward = false;
}

bool bnc_train_has_loss(const bnc_train *train) { return train->object.model->loss != BNC_LOSS_CUSTOM; }

/* ---- What a step needs ------------------------------------------------------------------------------- */

bnc_status bnc_train_check_ready(const bnc_train *train) {
  const bnc_model_descriptor *model = train->object.model;
  for (int64_t i = 0; i < model->variable_count; ++i)
    if (!train->has_value[i])
      return bnc_fail(
          train->object.error, BNC_NOT_READY,
          "variable '%s' of model '%s' has no value yet: call bnc_train_init or bnc_train_load, or set them all",
          model->variables[i].name, model->name);
  return BNC_OK;
}

bnc_status bnc_train_check_forward(const bnc_train *train, const void *const *inputs, int64_t batch) {
  const bnc_model_descriptor *model = train->object.model;
  bnc_status status = bnc_object_check_call(&train->object, inputs, batch);
  if (status == BNC_OK && batch < model->minimum_train_batch)
    status = bnc_fail(train->object.error, BNC_INVALID_ARGUMENT,
                      "batch is %" PRId64 ", but BatchNorm '%s' sees one value per channel in each sample and needs a "
                      "batch of at least %" PRId64 " in training",
                      batch, model->minimum_train_batch_node, model->minimum_train_batch);
  return status == BNC_OK ? bnc_train_check_ready(train) : status;
}

static int64_t first_not_finite(const float *values, int64_t count) {
  for (int64_t i = 0; i < count; ++i)
    if (!isfinite(values[i]))
      return i;
  return -1;
}

bnc_status bnc_train_not_finite(const bnc_train *train, const char *what, const void *const *inputs, const void *labels,
                                int64_t batch) {
  const bnc_model_descriptor *model = train->object.model;
  bnc_error *error = train->object.error;
  /* One bad pixel makes every sample of its batch bad (BatchNorm mixes them), so the data is asked first. */
  for (int64_t i = 0; i < model->input_count + bnc_train_has_loss(train); ++i) {
    const bnc_tensor *tensor = i < model->input_count ? &model->inputs[i] : &model->labels;
    const float *values = i < model->input_count ? inputs[i] : labels;
    int64_t at = values && tensor->element == 0 ? first_not_finite(values, batch * tensor->count) : -1;
    if (at >= 0)
      return bnc_fail(error, BNC_NOT_FINITE,
                      "step %" PRId64 ": %s, because %s '%s' of sample %" PRId64 " holds %f at element %" PRId64
                      "; nothing was updated",
                      train->steps + 1, what, i < model->input_count ? "input" : "label", tensor->name,
                      at / tensor->count, (double)values[at], at % tensor->count);
  }
  for (int64_t i = 0; i < model->output_count && !bnc_train_has_loss(train); ++i) {
    const bnc_tensor *output = &model->outputs[i];
    const float *gradient = train->inputs[model->input_count + i];
    int64_t at = gradient ? first_not_finite(gradient, batch * output->count) : -1;
    if (at >= 0)
      return bnc_fail(error, BNC_NOT_FINITE,
                      "step %" PRId64 ": %s, because the gradient of output '%s' of sample %" PRId64
                      " holds %f at element %" PRId64 "; nothing was updated",
                      train->steps + 1, what, output->name, at / output->count, (double)gradient[at], at % output->count);
  }
  for (int64_t i = 0; i < model->variable_count; ++i) {
    const bnc_variable *variable = &model->variables[i];
    if (first_not_finite(train->variables + variable->offset, variable->count) >= 0)
      return bnc_fail(error, BNC_NOT_FINITE,
                      "step %" PRId64 ": %s, because variable '%s' is not finite already: load or initialize the "
                      "variables; nothing was updated",
                      train->steps + 1, what, variable->name);
  }
  return bnc_fail(error, BNC_NOT_FINITE,
                  "step %" PRId64 ": %s, though inputs and variables are finite: lower the learning rate or scale the "
                  "inputs; nothing was updated",
                  train->steps + 1, what);
}

/* ---- With running statistics -------------------------------------------------------------------------- */

static bnc_status check_inference(bnc_train *train, const void *const *inputs, int64_t batch) {
  bnc_object *object = &train->object;
  if (!object->model->infer_run)
    return bnc_fail(object->error, BNC_UNSUPPORTED,
                    "model '%s' was compiled without its inference graph: compile with --phase=both",
                    object->model->name);
  bnc_status status = bnc_object_check_call(object, inputs, batch);
  if (status == BNC_OK)
    status = bnc_train_check_ready(train);
  return status;
}

static bnc_status run_inference(bnc_train *train, const void *const *inputs, int64_t batch, void *const *outputs) {
  bnc_status status = BNC_OK;
  bnc_train_leave_arena(train); /* it is shared */
  if (!train->inference.ready)
    status = bnc_inference_fold(&train->object, &train->inference, train->variables);
  if (status == BNC_OK)
    status = bnc_inference_run(&train->object, &train->inference, inputs, batch, outputs);
  return status;
}

bnc_status bnc_train_eval_step(bnc_train *train, const void *const *inputs, const void *labels, int64_t batch,
                               bnc_metrics *metrics) {
  if (!train)
    return bnc_null_train("bnc_train_eval_step");
  bnc_status status = check_inference(train, inputs, batch);
  if (status == BNC_OK && !bnc_train_has_loss(train))
    status = bnc_fail(train->object.error, BNC_UNSUPPORTED,
                      "model '%s' was compiled without a loss (--loss=custom): use bnc_train_predict and a loss of your own",
                      train->object.model->name);
  if (status == BNC_OK)
    status = bnc_labels_check(&train->object, labels, batch);
  if (status == BNC_OK)
    status = run_inference(train, inputs, batch, train->outputs);
  if (status == BNC_OK && metrics)
    *metrics = bnc_metrics_of_output(train->object.model, train->outputs[0], labels, batch);
  return status;
}

bnc_status bnc_train_predict(bnc_train *train, const void *const *inputs, int64_t batch, void *const *outputs) {
  if (!train)
    return bnc_null_train("bnc_train_predict");
  bnc_status status = check_inference(train, inputs, batch);
  if (status == BNC_OK)
    status = bnc_object_check_outputs(&train->object, outputs);
  return status == BNC_OK ? run_inference(train, inputs, batch, outputs) : status;
}
