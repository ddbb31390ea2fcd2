#include "weights.h"
#include "file.h"
#include "fpmode.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define OPTIMIZER_PREFIX "bnc.optimizer/"
#define STEP_KEY "bnc.optimizer.step"
#define NAME_KEY "bnc.optimizer.name"
#define PASSES_KEY "bnc.forward_passes"

bnc_status bnc_weights_open(const char *path, const bnc_allocator *allocator, bnc_error *error, bnc_weights *weights) {
  size_t size;
  memset(weights, 0, sizeof *weights);
  bnc_status status = bnc_file_read(path, allocator, error, &weights->contents, &size);
  if (status != BNC_OK)
    return status;
  status = bnc_archive_parse(weights->contents.data, size, path, allocator, error, &weights->archive);
  if (status != BNC_OK)
    bnc_block_release(allocator, weights->contents);
  return status;
}

bnc_status bnc_weights_open_memory(const void *data, size_t bytes, const bnc_allocator *allocator, bnc_error *error,
                                   bnc_weights *weights) {
  memset(weights, 0, sizeof *weights);
  return bnc_archive_parse(data, bytes, "weights in memory", allocator, error, &weights->archive);
}

void bnc_weights_close(const bnc_allocator *allocator, bnc_weights *weights) {
  bnc_archive_release(allocator, &weights->archive);
  bnc_block_release(allocator, weights->contents);
}

/* ---- Numbers --------------------------------------------------------------------------------------- */

static float from_bits(uint32_t bits) {
  float value;
  memcpy(&value, &bits, sizeof value);
  return value;
}

static float from_half(uint16_t half) {
  uint32_t sign = (uint32_t)(half & 0x8000) << 16, exponent = half >> 10 & 31, fraction = half & 1023;
  if (exponent == 31)
    return from_bits(sign | 0x7f800000 | fraction << 13);
  if (exponent)
    return from_bits(sign | (exponent + 112) << 23 | fraction << 13);
  float small = (float)fraction * 0x1p-24f; /* exact */
  return sign ? -small : small;
}

typedef enum float_type { NO_FLOAT, FLOAT32, FLOAT64, FLOAT16, BFLOAT16 } float_type;

static float_type float_type_of(bnc_text dtype) {
  static const char *const names[] = {"F32", "F64", "F16", "BF16"};
  for (int i = 0; i < 4; ++i)
    if (bnc_text_compare(dtype, bnc_text_of(names[i])) == 0)
      return (float_type)(FLOAT32 + i);
  return NO_FLOAT;
}

/* PyTorch counts batches (num_batches_tracked) in an integer; here such a count is a float. */
static bool is_count(const bnc_stored *tensor) {
  return tensor->rank == 0 && bnc_text_compare(tensor->dtype, bnc_text_of("I64")) == 0;
}

/* The data of a file need not be aligned. */
static void read_floats(const bnc_stored *tensor, float *values, int64_t count) {
  if (is_count(tensor)) {
    int64_t batches;
    memcpy(&batches, tensor->data, sizeof batches);
    *values = (float)batches;
    return;
  }
  uint64_t found = bnc_fp_enter(BNC_FP_IEEE);
  double wide;
  uint16_t half;
  switch (float_type_of(tensor->dtype)) {
  case FLOAT64:
    for (int64_t i = 0; i < count; ++i) {
      memcpy(&wide, tensor->data + 8 * i, sizeof wide);
      values[i] = (float)wide;
    }
    break;
  case FLOAT16:
    for (int64_t i = 0; i < count; ++i) {
      memcpy(&half, tensor->data + 2 * i, sizeof half);
      values[i] = from_half(half);
    }
    break;
  case BFLOAT16:
    for (int64_t i = 0; i < count; ++i) {
      memcpy(&half, tensor->data + 2 * i, sizeof half);
      values[i] = from_bits((uint32_t)half << 16);
    }
    break;
  default:
    if (count)
      memcpy(values, tensor->data, (size_t)count * sizeof *values);
  }
  bnc_fp_set(found);
}

/* ---- Reading --------------------------------------------------------------------------------------- */

static void print_shape(char *text, size_t capacity, int64_t rank, const int64_t *shape) {
  size_t length = (size_t)snprintf(text, capacity, "[");
  for (int64_t d = 0; d < rank && length < capacity; ++d)
    length += (size_t)snprintf(text + length, capacity - length, d ? ", %" PRId64 : "%" PRId64, shape[d]);
  if (length < capacity)
    snprintf(text + length, capacity - length, "]");
}

static bnc_status check_one(const bnc_stored *tensor, const bnc_variable *variable, const char *origin,
                            bnc_error *error) {
  if (float_type_of(tensor->dtype) == NO_FLOAT && !is_count(tensor))
    return bnc_fail(error, BNC_BAD_FILE, "%s: '%s' has type %s, expected F32 (F64, F16 and BF16 are converted)", origin,
                    tensor->name.data, tensor->dtype.data);
  if (tensor->rank == variable->rank &&
      (tensor->rank == 0 || memcmp(tensor->shape, variable->shape, (size_t)tensor->rank * sizeof(int64_t)) == 0))
    return BNC_OK;
  char found[96], expected[96];
  print_shape(found, sizeof found, tensor->rank, tensor->shape);
  print_shape(expected, sizeof expected, variable->rank, variable->shape);
  return bnc_fail(error, BNC_BAD_FILE, "%s: '%s' has shape %s, the model expects %s: the file belongs to another model",
                  origin, tensor->name.data, found, expected);
}

bnc_status bnc_weights_check(const bnc_weights *weights, const bnc_model_descriptor *model, const char *origin,
                             bnc_error *error) {
  const char *missing = NULL;
  int64_t count = 0;
  for (int64_t i = 0; i < model->variable_count; ++i) {
    const bnc_variable *variable = &model->variables[i];
    const bnc_stored *tensor = bnc_archive_find(&weights->archive, "", variable->name);
    if (!tensor) {
      missing = missing ? missing : variable->name;
      count++;
      continue;
    }
    bnc_status status = check_one(tensor, variable, origin, error);
    if (status != BNC_OK)
      return status;
  }
  if (count)
    return bnc_fail(error, BNC_BAD_FILE,
                    "%s: %" PRId64 " of the %" PRId64 " variables of model '%s' are missing, '%s' first: give a file that was "
                    "saved from this model",
                    origin, count, model->variable_count, model->name, missing);
  return BNC_OK;
}

void bnc_weights_read(const bnc_weights *weights, const bnc_model_descriptor *model, float *variables) {
  for (int64_t i = 0; i < model->variable_count; ++i) {
    const bnc_variable *variable = &model->variables[i];
    read_floats(bnc_archive_find(&weights->archive, "", variable->name), variables + variable->offset, variable->count);
  }
}

static const bnc_stored *find_slot(const bnc_weights *weights, const bnc_model_descriptor *model, int64_t slot,
                                   const bnc_variable *variable) {
  char prefix[256];
  int length = snprintf(prefix, sizeof prefix, OPTIMIZER_PREFIX "%s/", model->slot_names[slot]);
  if (!variable->trainable || length < 0 || (size_t)length >= sizeof prefix)
    return NULL;
  return bnc_archive_find(&weights->archive, prefix, variable->name);
}

/* A whole number of the metadata; 0 where it is missing. */
static bnc_status read_count(const bnc_weights *weights, const char *key, const char *origin, bnc_error *error,
                             int64_t *count) {
  const bnc_text *text = bnc_archive_metadata(&weights->archive, key);
  *count = 0;
  for (size_t i = 0; text && i < text->length; ++i) {
    int digit = text->data[i] - '0';
    if (digit < 0 || digit > 9 || __builtin_mul_overflow(*count, 10, count) ||
        __builtin_add_overflow(*count, digit, count) || *count == INT64_MAX)
      return bnc_fail(error, BNC_BAD_FILE, "%s: metadata '%s' is '%.40s', expected a number of steps", origin, key,
                      text->data);
  }
  return BNC_OK;
}

bnc_status bnc_weights_check_optimizer(const bnc_weights *weights, const bnc_model_descriptor *model,
                                       const char *origin, bnc_error *error, bnc_progress *progress) {
  const bnc_text *name = bnc_archive_metadata(&weights->archive, NAME_KEY);
  *progress = (bnc_progress){0};
  if (!name)
    return BNC_OK;
  const char *own = model->optimizer ? model->optimizer : "none";
  if (bnc_text_compare(*name, bnc_text_of(own)) != 0)
    return bnc_fail(error, BNC_INCOMPATIBLE,
                    "%s: holds the state of the optimizer '%.80s', but model '%s' was compiled with '%s': use the same "
                    "optimizer, or take the variables alone (bnc_train_load_variables, bnc train --fresh-optimizer)",
                    origin, name->data, model->name, own);
  bnc_status status = read_count(weights, STEP_KEY, origin, error, &progress->steps);
  if (status == BNC_OK)
    status = read_count(weights, PASSES_KEY, origin, error, &progress->passes);
  for (int64_t slot = 0; status == BNC_OK && slot < model->slot_count; ++slot)
    for (int64_t i = 0; status == BNC_OK && i < model->variable_count; ++i) {
      const bnc_variable *variable = &model->variables[i];
      if (!variable->trainable)
        continue;
      const bnc_stored *tensor = find_slot(weights, model, slot, variable);
      if (tensor)
        status = check_one(tensor, variable, origin, error);
      else
        status = bnc_fail(error, BNC_BAD_FILE,
                          "%s: holds no optimizer state '%s' of variable '%s': other parameters were trained; train the "
                          "same ones, or take the variables alone (bnc_train_load_variables, bnc train --fresh-optimizer)",
                          origin, model->slot_names[slot], variable->name);
    }
  progress->known = status == BNC_OK;
  return status;
}

void bnc_weights_read_optimizer(const bnc_weights *weights, const bnc_model_descriptor *model, bool resume, float *slots) {
  for (int64_t slot = 0; slot < model->slot_count; ++slot) {
    float *values = slots + slot * model->trainable_floats;
    memset(values, 0, (size_t)model->trainable_floats * sizeof *values);
    for (int64_t i = 0; resume && i < model->variable_count; ++i) {
      const bnc_variable *variable = &model->variables[i];
      const bnc_stored *tensor = find_slot(weights, model, slot, variable);
      if (tensor)
        read_floats(tensor, values + variable->offset, variable->count);
    }
  }
}

static bool is_extra(const void *context, const bnc_stored *tensor) {
  const bnc_model_descriptor *model = context;
  size_t length = strlen(OPTIMIZER_PREFIX);
  if (tensor->name.length >= length && memcmp(tensor->name.data, OPTIMIZER_PREFIX, length) == 0)
    return false;
  for (int64_t i = 0; i < model->variable_count; ++i)
    if (bnc_text_compare(tensor->name, bnc_text_of(model->variables[i].name)) == 0)
      return false;
  return true;
}

static bool is_extra_key(const void *context, const bnc_text *key) {
  (void)context;
  static const char *const own[] = {STEP_KEY, NAME_KEY, PASSES_KEY};
  for (size_t i = 0; i < sizeof own / sizeof *own; ++i)
    if (bnc_text_compare(*key, bnc_text_of(own[i])) == 0)
      return false;
  return true;
}

bnc_status bnc_weights_extras(const bnc_weights *weights, const bnc_model_descriptor *model,
                              const bnc_allocator *allocator, bnc_error *error, bnc_archive *extras) {
  return bnc_archive_keep(&weights->archive, is_extra, is_extra_key, model, allocator, error, extras);
}

/* ---- Writing --------------------------------------------------------------------------------------- */

/* The order of a file: the variables, every slot of them all (only trainable ones have any), the extras. */
static bool snapshot_tensor(const void *context, int64_t index, bnc_text *name, bnc_stored *tensor) {
  const bnc_snapshot *snapshot = context;
  const bnc_model_descriptor *model = snapshot->model;
  int64_t slot = index / model->variable_count - 1, slots = snapshot->progress.known ? model->slot_count : 0;
  if (index >= model->variable_count * (1 + slots)) {
    *tensor = snapshot->extras->tensors[index - model->variable_count * (1 + slots)];
    name[0] = tensor->name;
    return true;
  }
  const bnc_variable *variable = &model->variables[index % model->variable_count];
  const float *values = snapshot->variables;
  if (slot >= 0) {
    if (!variable->trainable)
      return false;
    values = snapshot->slots + slot * model->trainable_floats;
    name[0] = bnc_text_of(OPTIMIZER_PREFIX);
    name[1] = bnc_text_of(model->slot_names[slot]);
    name[2] = bnc_text_of("/");
  }
  name[3] = bnc_text_of(variable->name);
  *tensor = (bnc_stored){.dtype = bnc_text_of("F32"),
                         .rank = variable->rank,
                         .shape = variable->shape,
                         .data = (const uint8_t *)(values + variable->offset),
                         .bytes = variable->count * (int64_t)sizeof *values};
  return true;
}

static bnc_pair snapshot_metadata(const void *context, int64_t index) {
  const bnc_snapshot *snapshot = context;
  if (index < snapshot->extras->metadata_count)
    return snapshot->extras->metadata[index];
  switch (index - snapshot->extras->metadata_count) {
  case 0:
    return (bnc_pair){bnc_text_of(NAME_KEY), bnc_text_of(snapshot->model->optimizer)};
  case 1:
    return (bnc_pair){bnc_text_of(STEP_KEY), bnc_text_of(snapshot->steps_text)};
  default:
    return (bnc_pair){bnc_text_of(PASSES_KEY), bnc_text_of(snapshot->passes_text)};
  }
}

bnc_source bnc_snapshot_source(bnc_snapshot *snapshot) {
  const bnc_model_descriptor *model = snapshot->model;
  snprintf(snapshot->steps_text, sizeof snapshot->steps_text, "%" PRId64, snapshot->progress.steps);
  snprintf(snapshot->passes_text, sizeof snapshot->passes_text, "%" PRId64, snapshot->progress.passes);
  bool progress = snapshot->progress.known && model->optimizer; /* before the first step there is none to go on from */
  snapshot->progress.known = progress;
  return (bnc_source){.context = snapshot,
                      .tensor_count = model->variable_count * (1 + (progress ? model->slot_count : 0)) + snapshot->extras->tensor_count,
                      .metadata_count = snapshot->extras->metadata_count + (progress ? 3 : 0),
                      .tensor = snapshot_tensor,
                      .metadata = snapshot_metadata};
}
