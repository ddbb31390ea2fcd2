/* state.c: what of a training object an application can take out and put in. */
#include "file.h"
#include "train.h"
#include "weights.h"

#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

/* ---- Hyperparameters ------------------------------------------------------------------------------------ */

static bnc_status find_hyper(const bnc_train *train, const char *name, int64_t *index) {
  const bnc_model_descriptor *model = train->object.model;
  char known[256];
  size_t length = (size_t)snprintf(known, sizeof known, "lr");
  *index = 0;
  if (!name)
    return bnc_fail(train->object.error, BNC_INVALID_ARGUMENT, "the name of the optimizer's number is NULL");
  if (strcmp(name, "lr") == 0)
    return BNC_OK;
  for (int64_t i = 0; i < model->hyper_count; ++i) {
    if (strcmp(name, model->hyper_names[i]) == 0) {
      *index = 1 + i;
      return BNC_OK;
    }
    if (length < sizeof known)
      length += (size_t)snprintf(known + length, sizeof known - length, ", %s", model->hyper_names[i]);
  }
  return bnc_fail(train->object.error, BNC_INVALID_ARGUMENT, "optimizer %s has no number '%.64s', it has %s",
                  model->optimizer ? model->optimizer : "(none)", name, known);
}

bnc_status bnc_train_set_hyper(bnc_train *train, const char *name, double value) {
  int64_t index;
  if (!train)
    return bnc_null_train("bnc_train_set_hyper");
  bnc_status status = find_hyper(train, name, &index);
  if (status == BNC_OK && (!isfinite(value) || (index == 0 && value < 0)))
    status = bnc_fail(train->object.error, BNC_INVALID_ARGUMENT, "%s cannot be %f: expected a finite number%s", name,
                      value, index == 0 ? " that is not negative" : "");
  if (status == BNC_OK)
    train->hyper[index] = value;
  return status;
}

bnc_status bnc_train_get_hyper(const bnc_train *train, const char *name, double *value) {
  int64_t index;
  if (!train)
    return bnc_null_train("bnc_train_get_hyper");
  if (!value)
    return bnc_fail(train->object.error, BNC_INVALID_ARGUMENT, "bnc_train_get_hyper: the place for the value is NULL");
  bnc_status status = find_hyper(train, name, &index);
  if (status == BNC_OK)
    *value = train->hyper[index];
  return status;
}

int64_t bnc_train_steps(const bnc_train *train) { return train ? train->steps : 0; }

/* ---- Variables -------------------------------------------------------------------------------------------- */

static bnc_status find_variable(const bnc_train *train, const char *name, const float *value, size_t count,
                                int64_t *index) {
  const bnc_model_descriptor *model = train->object.model;
  *index = 0;
  if (!name || !value)
    return bnc_fail(train->object.error, BNC_INVALID_ARGUMENT, "the %s of a variable is NULL", name ? "value" : "name");
  for (; *index < model->variable_count; ++*index) {
    const bnc_variable *variable = &model->variables[*index];
    if (strcmp(variable->name, name) != 0)
      continue;
    if (count == (size_t)variable->count)
      return BNC_OK;
    return bnc_fail(train->object.error, BNC_INVALID_ARGUMENT, "variable '%s' has %" PRId64 " elements, not %zu", name,
                    variable->count, count);
  }
  return bnc_fail(train->object.error, BNC_INVALID_ARGUMENT,
                  "model '%s' has no variable '%.128s': bnc_variables lists them", model->name, name);
}

bnc_status bnc_train_get_variable(const bnc_train *train, const char *name, float *value, size_t count) {
  int64_t index;
  if (!train)
    return bnc_null_train("bnc_train_get_variable");
  bnc_status status = find_variable(train, name, value, count, &index);
  if (status == BNC_OK && !train->has_value[index])
    status = bnc_fail(train->object.error, BNC_NOT_READY, "variable '%s' has no value yet", name);
  if (status == BNC_OK)
    memcpy(value, train->variables + train->object.model->variables[index].offset, count * sizeof *value);
  return status;
}

bnc_status bnc_train_set_variable(bnc_train *train, const char *name, const float *value, size_t count) {
  int64_t index;
  if (!train)
    return bnc_null_train("bnc_train_set_variable");
  bnc_status status = find_variable(train, name, value, count, &index);
  if (status != BNC_OK)
    return status;
  memcpy(train->variables + train->object.model->variables[index].offset, value, count * sizeof *value);
  train->has_value[index] = 1;
  bnc_train_touch(train);
  return BNC_OK;
}

static bool is_member(const bnc_variable *variable, bnc_variable_set set) {
  switch (set) {
  case BNC_TRAINABLE_VARIABLES:
    return variable->trainable;
  case BNC_NON_TRAINABLE_VARIABLES:
    return !variable->trainable;
  case BNC_PARAMS:
    return variable->collection == BNC_COLLECTION_PARAMS;
  case BNC_BATCH_STATS:
    return variable->collection == BNC_COLLECTION_BATCH_STATS;
  default:
    return set == BNC_VARIABLES;
  }
}

int64_t bnc_variables(const bnc_model_descriptor *model, bnc_variable_set set, int64_t index, bnc_variable_info *info) {
  int64_t count = 0;
  if (info)
    *info = (bnc_variable_info){0};
  for (int64_t i = 0; model && i < model->variable_count; ++i) {
    const bnc_variable *variable = &model->variables[i];
    if (!is_member(variable, set))
      continue;
    if (info && count == index)
      *info = (bnc_variable_info){.name = variable->name,
                                  .collection = variable->collection == BNC_COLLECTION_PARAMS ? "params" : "batch_stats",
                                  .trainable = variable->trainable != 0,
                                  .rank = variable->rank,
                                  .shape = variable->shape,
                                  .count = variable->count};
    count++;
  }
  return count;
}

/* ---- Files --------------------------------------------------------------------------------------------------- */

/* Everything that can fail comes before the first write to the object. With `resume` the optimizer's state too, which
 * else starts anew. */
static bnc_status take_over(bnc_train *train, const bnc_weights *weights, const char *origin, bool resume) {
  bnc_object *object = &train->object;
  const bnc_model_descriptor *model = object->model;
  bnc_progress progress = {0};
  bnc_archive extras;
  bnc_status status = bnc_weights_check(weights, model, origin, object->error);
  if (status == BNC_OK && resume)
    status = bnc_weights_check_optimizer(weights, model, origin, object->error, &progress);
  if (status == BNC_OK)
    status = bnc_weights_extras(weights, model, &object->memory.allocator, object->error, &extras);
  if (status != BNC_OK)
    return status;
  bnc_weights_read(weights, model, train->variables);
  bnc_weights_read_optimizer(weights, model, progress.known, train->slots);
  memset(train->has_value, 1, (size_t)model->variable_count);
  train->steps = progress.steps;
  train->passes = progress.passes;
  bnc_archive_release(&object->memory.allocator, &train->extras);
  train->extras = extras;
  bnc_train_discard(train);
  bnc_train_touch(train);
  return BNC_OK;
}

static bnc_status load(bnc_train *train, const char *function, const char *path, bool resume) {
  bnc_weights weights;
  if (!train)
    return bnc_null_train(function);
  bnc_object *object = &train->object;
  if (!path)
    return bnc_fail(object->error, BNC_INVALID_ARGUMENT, "%s: the path is NULL", function);
  bnc_status status = bnc_weights_open(path, &object->memory.allocator, object->error, &weights);
  if (status != BNC_OK)
    return status;
  status = take_over(train, &weights, path, resume);
  bnc_weights_close(&object->memory.allocator, &weights);
  return status;
}

bnc_status bnc_train_load(bnc_train *train, const char *path) { return load(train, "bnc_train_load", path, true); }

bnc_status bnc_train_load_variables(bnc_train *train, const char *path) {
  return load(train, "bnc_train_load_variables", path, false);
}

bnc_status bnc_train_load_memory(bnc_train *train, const void *data, size_t bytes) {
  bnc_weights weights;
  if (!train)
    return bnc_null_train("bnc_train_load_memory");
  bnc_object *object = &train->object;
  if (!data)
    return bnc_fail(object->error, BNC_INVALID_ARGUMENT, "bnc_train_load_memory: the data is NULL");
  bnc_status status = bnc_weights_open_memory(data, bytes, &object->memory.allocator, object->error, &weights);
  if (status != BNC_OK)
    return status;
  status = take_over(train, &weights, "weights in memory", true);
  bnc_weights_close(&object->memory.allocator, &weights);
  return status;
}

static bnc_snapshot snapshot_of(const bnc_train *train) {
  return (bnc_snapshot){.model = train->object.model,
                        .variables = train->variables,
                        .slots = train->slots,
                        .progress = {.known = train->steps > 0 || train->passes > 0, .steps = train->steps, .passes = train->passes},
                        .extras = &train->extras};
}

bnc_status bnc_train_save(const bnc_train *train, const char *path) {
  if (!train)
    return bnc_null_train("bnc_train_save");
  if (!path)
    return bnc_fail(train->object.error, BNC_INVALID_ARGUMENT, "bnc_train_save: the path is NULL");
  bnc_status status = bnc_train_check_ready(train);
  if (status != BNC_OK)
    return status;
  bnc_snapshot snapshot = snapshot_of(train);
  bnc_source source = bnc_snapshot_source(&snapshot);
  return bnc_file_replace(path, &source, train->object.error);
}

typedef struct memory_sink {
  uint8_t *data; /* NULL: only count */
  size_t bytes;
} memory_sink;

static int write_memory(void *context, const void *data, size_t bytes) {
  memory_sink *sink = context;
  if (__builtin_add_overflow(sink->bytes, bytes, &sink->bytes))
    return EOVERFLOW;
  if (sink->data)
    memcpy(sink->data + sink->bytes - bytes, data, bytes);
  return 0;
}

bnc_status bnc_train_save_memory(const bnc_train *train, void *buffer, size_t *bytes) {
  if (!train)
    return bnc_null_train("bnc_train_save_memory");
  if (!bytes)
    return bnc_fail(train->object.error, BNC_INVALID_ARGUMENT, "bnc_train_save_memory: the place for the size is NULL");
  bnc_status status = bnc_train_check_ready(train);
  if (status != BNC_OK)
    return status;
  bnc_snapshot snapshot = snapshot_of(train);
  bnc_source source = bnc_snapshot_source(&snapshot);
  memory_sink count = {NULL, 0}, sink = {buffer, 0};
  if (bnc_safetensors_write(&source, (bnc_sink){&count, write_memory}) != 0)
    return bnc_fail(train->object.error, BNC_OUT_OF_MEMORY, "the variables do not fit the address space");
  size_t capacity = *bytes;
  *bytes = count.bytes;
  if (!buffer)
    return BNC_OK;
  if (capacity < count.bytes)
    return bnc_fail(train->object.error, BNC_INVALID_ARGUMENT,
                    "the buffer has %zu bytes, saving needs %zu: pass NULL to ask for the size", capacity, count.bytes);
  bnc_safetensors_write(&source, (bnc_sink){&sink, write_memory});
  return BNC_OK;
}
