#include "object.h"
#include "train.h"
#include "weights.h"

#include <string.h>

struct bnc_infer {
  bnc_object object;
  bnc_inference inference;
};

static bnc_status null_object(const char *function) {
  return bnc_fail(NULL, BNC_INVALID_ARGUMENT, "%s was called without an object (NULL)", function);
}

/* Folds values that are needed only once: the inference graph keeps no variables, and the file is gone before it fills
 * memory of its own. Closes the weights. */
static bnc_status load(bnc_infer *infer, bnc_weights *weights, const char *origin) {
  bnc_object *object = &infer->object;
  const bnc_model_descriptor *model = object->model;
  const bnc_allocator *allocator = &object->memory.allocator;
  bnc_block block = {0};
  bnc_status status = bnc_weights_check(weights, model, origin, object->error);
  if (status == BNC_OK) {
    block = bnc_block_take(allocator, model->variables_floats, sizeof(float));
    if (block.data)
      bnc_weights_read(weights, model, block.data);
    else
      status = bnc_object_out_of_memory(object, "the variables", model->variables_floats, sizeof(float));
  }
  bnc_weights_close(allocator, weights);
  if (status == BNC_OK)
    status = bnc_inference_fold(object, &infer->inference, block.data);
  bnc_block_release(allocator, block);
  return status;
}

bnc_status bnc_infer_load(bnc_infer *infer, const char *path) {
  bnc_weights weights;
  if (!infer)
    return null_object("bnc_infer_load");
  if (!path)
    return bnc_fail(infer->object.error, BNC_INVALID_ARGUMENT, "bnc_infer_load: the path is NULL");
  bnc_status status = bnc_weights_open(path, &infer->object.memory.allocator, infer->object.error, &weights);
  return status == BNC_OK ? load(infer, &weights, path) : status;
}

bnc_status bnc_infer_load_memory(bnc_infer *infer, const void *data, size_t bytes) {
  bnc_weights weights;
  if (!infer)
    return null_object("bnc_infer_load_memory");
  if (!data)
    return bnc_fail(infer->object.error, BNC_INVALID_ARGUMENT, "bnc_infer_load_memory: the data is NULL");
  bnc_status status =
      bnc_weights_open_memory(data, bytes, &infer->object.memory.allocator, infer->object.error, &weights);
  return status == BNC_OK ? load(infer, &weights, "weights in memory") : status;
}

static bnc_status fill(bnc_infer *infer, const char *weights) {
  bnc_status status = bnc_object_reserve(&infer->object, &infer->object.model->infer, &infer->object.model->infer);
  if (status == BNC_OK)
    status = bnc_inference_create(&infer->object, &infer->inference);
  if (status != BNC_OK)
    return status;
  if (weights)
    return bnc_infer_load(infer, weights);
  bnc_inference_embed(&infer->object, &infer->inference);
  return BNC_OK;
}

bnc_status bnc_infer_create(const bnc_model_descriptor *model, const char *weights, const bnc_options *options,
                            bnc_infer **infer) {
  void *object;
  if (!infer)
    return bnc_fail(NULL, BNC_INVALID_ARGUMENT, "bnc_infer_create: the place for the result is NULL");
  *infer = NULL;
  bnc_status status = bnc_object_create(model, options, sizeof(bnc_infer), &object);
  if (status != BNC_OK)
    return status;
  bnc_infer *made = object;
  if (!model->infer_run)
    status =
        bnc_fail(NULL, BNC_UNSUPPORTED,
                 "model '%s' was compiled for training only: compile with --phase=both or --phase=infer", model->name);
  else
    status = fill(made, weights);
  if (status == BNC_OK)
    *infer = made;
  else
    bnc_infer_destroy(made);
  return status;
}

void bnc_infer_destroy(bnc_infer *infer) {
  if (infer)
    bnc_object_destroy(&infer->object);
}

const char *bnc_infer_error(const bnc_infer *infer) { return infer ? infer->object.error->text : bnc_error_text(); }

bnc_status bnc_infer_run(bnc_infer *infer, const void *const *inputs, int64_t batch, void *const *outputs) {
  if (!infer)
    return null_object("bnc_infer_run");
  bnc_object *object = &infer->object;
  bnc_status status = bnc_object_check_call(object, inputs, batch);
  if (status == BNC_OK)
    status = bnc_object_check_outputs(object, outputs);
  if (status == BNC_OK && !infer->inference.ready)
    status = bnc_fail(object->error, BNC_NOT_READY,
                      "the inference graph of model '%s' has no weights yet: call bnc_infer_load or bnc_fold",
                      object->model->name);
  return status == BNC_OK ? bnc_inference_run(object, &infer->inference, inputs, batch, outputs) : status;
}

/* Training and inference may come from two compilations of one model file; they must agree on the variables. */
static bool same_variables(const bnc_model_descriptor *a, const bnc_model_descriptor *b) {
  if (a == b)
    return true;
  if (a->variable_count != b->variable_count || a->variables_floats != b->variables_floats)
    return false;
  for (int64_t i = 0; i < a->variable_count; ++i) {
    const bnc_variable *x = &a->variables[i], *y = &b->variables[i];
    if (x->offset != y->offset || x->count != y->count || strcmp(x->name, y->name) != 0)
      return false;
  }
  return true;
}

bnc_status bnc_fold(const bnc_train *train, bnc_infer *infer) {
  if (!train || !infer)
    return null_object("bnc_fold");
  if (!same_variables(train->object.model, infer->object.model))
    return bnc_fail(infer->object.error, BNC_INVALID_ARGUMENT,
                    "the training graph of '%s' and the inference graph of '%s' have different variables: compile both "
                    "from one model file",
                    train->object.model->name, infer->object.model->name);
  bnc_status status = bnc_train_check_ready(train);
  if (status != BNC_OK) {
    *infer->object.error = *train->object.error;
    return status;
  }
  return bnc_inference_fold(&infer->object, &infer->inference, train->variables);
}
