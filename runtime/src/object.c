#include "object.h"
#include "fpmode.h"
#include "options.h"

#include <inttypes.h>
#include <string.h>

enum { DEFAULT_MAX_BATCH = 256 };

/* ---- Does the model fit this runtime and this processor? ------------------------------------------- */

static bool has_flag(const char *flags, const char *end, const char *feature) {
  size_t length = strlen(feature);
  for (const char *at = flags; at < end;) {
    while (at < end && (*at == ' ' || *at == '\t'))
      at++;
    const char *word = at;
    while (at < end && *at != ' ' && *at != '\t')
      at++;
    if ((size_t)(at - word) == length && memcmp(word, feature, length) == 0)
      return true;
  }
  return false;
}

/* The flags of the first processor; where they cannot be read (not Linux, no /proc) the model is trusted. */
static bnc_status check_processor(const bnc_model_descriptor *model) {
  char text[1 << 14];
  if (!model->required_features || bnc_read_text("/proc/cpuinfo", text, sizeof text) < 0)
    return BNC_OK;
  const char *flags = strstr(text, "\nflags");
  flags = flags ? flags : strstr(text, "\nFeatures");
  flags = flags ? strchr(flags, ':') : NULL;
  const char *end = flags ? strchr(flags, '\n') : NULL;
  if (!end)
    return BNC_OK;
  for (const char *const *feature = model->required_features; *feature; ++feature)
    if (!has_flag(flags + 1, end, *feature))
      return bnc_fail(NULL, BNC_INCOMPATIBLE,
                      "model '%s' was compiled for %s, which needs the processor feature %s, and this processor has "
                      "none: compile with another --target",
                      model->name, model->target, *feature);
  return BNC_OK;
}

static bnc_status check_model(const bnc_model_descriptor *model) {
  if (!model)
    return bnc_fail(NULL, BNC_INVALID_ARGUMENT, "the model descriptor is NULL");
  if (model->magic != BNC_ABI_MAGIC)
    return bnc_fail(NULL, BNC_INCOMPATIBLE, "this is not a model compiled by bnc: it begins with %08x, expected %08x",
                    model->magic, (unsigned)BNC_ABI_MAGIC);
  if (model->abi_version != BNC_ABI_VERSION)
    return bnc_fail(NULL, BNC_INCOMPATIBLE,
                    "the model has interface version %u and runtime %s has version %d: compile the model with the bnc "
                    "that this libbnc_runtime.a came with",
                    model->abi_version, bnc_version(), BNC_ABI_VERSION);
  return check_processor(model);
}

static bnc_status resolve_batch(const bnc_model_descriptor *model, int64_t wanted, int64_t *max_batch) {
  *max_batch = wanted ? wanted : DEFAULT_MAX_BATCH;
  if (!model->fixed_batch)
    return BNC_OK;
  if (wanted && wanted < model->fixed_batch)
    return bnc_fail(NULL, BNC_INVALID_ARGUMENT,
                    "bnc_options.max_batch is %" PRId64 ", but model '%s' was compiled for batches of %" PRId64, wanted,
                    model->name, model->fixed_batch);
  *max_batch = model->fixed_batch;
  return BNC_OK;
}

/* ---- Life ------------------------------------------------------------------------------------------- */

bnc_status bnc_object_out_of_memory(bnc_object *object, const char *what, int64_t count, int64_t size) {
  return bnc_fail(object->error, BNC_OUT_OF_MEMORY,
                  "no memory for %s of model '%s' (%" PRId64 " x %" PRId64
                  " bytes): a smaller bnc_options.max_batch needs less",
                  what, object->model->name, count, size);
}

static bnc_status start(bnc_object *object, const bnc_options *options) {
  object->error = bnc_memory_take(&object->memory, 1, sizeof *object->error, true);
  if (!object->error)
    return bnc_object_out_of_memory(object, "the object", 1, sizeof *object->error);
  bnc_context *context = &object->context;
  context->threads = options->threads;
  context->parallel_for = options->parallel_for;
  context->parallel_for_context = options->parallel_for_context;
  if (context->parallel_for)
    return BNC_OK;
  context->pool = bnc_pool_create(&object->memory, options->threads);
  return context->pool ? BNC_OK : bnc_object_out_of_memory(object, "the threads", options->threads, 1);
}

bnc_status bnc_object_create(const bnc_model_descriptor *model, const bnc_options *options, size_t bytes,
                             void **result) {
  bnc_options resolved;
  int64_t max_batch;
  bnc_status status = bnc_options_resolve(options, &resolved);
  if (status == BNC_OK)
    status = check_model(model);
  if (status == BNC_OK)
    status = resolve_batch(model, resolved.max_batch, &max_batch);
  if (status != BNC_OK)
    return status;
  bnc_memory memory = {.allocator = resolved.allocator};
  bnc_object *object = bnc_memory_take(&memory, 1, (int64_t)bytes, true);
  if (!object)
    return bnc_fail(NULL, BNC_OUT_OF_MEMORY, "no memory for an object of model '%s'", model->name);
  object->memory = memory;
  object->model = model;
  object->max_batch = max_batch;
  object->seed = resolved.seed;
  status = start(object, &resolved);
  if (status != BNC_OK) {
    bnc_object_destroy(object);
    return status;
  }
  *result = object;
  return BNC_OK;
}

void bnc_object_destroy(bnc_object *object) {
  bnc_pool_destroy(object->context.pool);
  bnc_memory_release(&object->memory);
}

static int64_t larger(int64_t a, int64_t b) { return a > b ? a : b; }

/* What a graph needs of SCALED; false where that is too much to count. */
static bool grow_scaled(bnc_object *object, const bnc_graph *graph) {
  for (int64_t i = -1; i < graph->room_count; ++i) {
    bnc_room room = i < 0 ? (bnc_room){graph->scaled_bytes, 0} : graph->rooms[i];
    int64_t bytes;
    if (__builtin_mul_overflow(room.scaled_bytes, object->max_batch, &bytes) ||
        __builtin_add_overflow(bytes, room.gradient_bytes, &bytes))
      return false;
    object->scaled_size = larger(object->scaled_size, bytes);
  }
  return true;
}

bnc_status bnc_object_reserve(bnc_object *object, const bnc_graph *one, const bnc_graph *other) {
  int64_t fixed = larger(one->fixed_bytes, other->fixed_bytes);
  int64_t scratch = larger(one->scratch_bytes, other->scratch_bytes);
  bnc_context *context = &object->context;
  if (grow_scaled(object, one) && grow_scaled(object, other))
    object->scaled = bnc_memory_take(&object->memory, 1, object->scaled_size, false);
  if (!object->scaled)
    return bnc_object_out_of_memory(object, "the activations", object->max_batch,
                                    larger(one->scaled_bytes, other->scaled_bytes));
  object->fixed = bnc_memory_take(&object->memory, 1, fixed, false);
  if (!object->fixed)
    return bnc_object_out_of_memory(object, "the working weights", 1, fixed);
  /* A line between slots, so that neighbours do not write to the same one. */
  if (__builtin_add_overflow(scratch, 2 * BNC_ALIGNMENT - 1, &context->scratch_stride))
    return bnc_object_out_of_memory(object, "the scratch memory", context->threads, scratch);
  context->scratch_stride -= context->scratch_stride % BNC_ALIGNMENT;
  context->scratch = bnc_memory_take(&object->memory, context->threads, context->scratch_stride, false);
  if (!context->scratch)
    return bnc_object_out_of_memory(object, "the scratch memory", context->threads, context->scratch_stride);
  return BNC_OK;
}

/* ---- Calls ------------------------------------------------------------------------------------------ */

bnc_exec bnc_object_exec(bnc_object *object) {
  bnc_exec exec = {.max_batch = object->max_batch, .bad_sample = -1, .runtime = &object->context};
  exec.base[BNC_SPACE_SCALED] = object->scaled;
  exec.base[BNC_SPACE_FIXED] = object->fixed;
  return exec;
}

bnc_status bnc_object_run(bnc_object *object, bnc_exec *exec, bnc_program program, uint64_t mode) {
  atomic_store(&object->context.kernel_error, 0);
  object->context.bad_statistics = (bnc_location){-1, 0};
  uint64_t found = bnc_fp_enter(mode);
  program(exec);
  bnc_fp_set(found);
  int error = atomic_load(&object->context.kernel_error);
  if (error)
    return bnc_fail(
        object->error, BNC_INCOMPATIBLE,
        "a kernel of model '%s' failed with code %d: the library does not fit its descriptor, compile it again",
        object->model->name, error);
  return BNC_OK;
}

bnc_status bnc_object_check_call(const bnc_object *object, const void *const *inputs, int64_t batch) {
  const bnc_model_descriptor *model = object->model;
  if (!inputs)
    return bnc_fail(object->error, BNC_INVALID_ARGUMENT, "inputs is NULL, expected %" PRId64 " pointers",
                    model->input_count);
  for (int64_t i = 0; i < model->input_count; ++i)
    if (!inputs[i])
      return bnc_fail(object->error, BNC_INVALID_ARGUMENT, "input '%s' is NULL", model->inputs[i].name);
  if (model->fixed_batch && batch != model->fixed_batch)
    return bnc_fail(object->error, BNC_INVALID_ARGUMENT,
                    "batch is %" PRId64 ", but model '%s' was compiled for batches of %" PRId64
                    ": pass that many samples or compile with --batch=dynamic",
                    batch, model->name, model->fixed_batch);
  if (batch < 1 || batch > object->max_batch)
    return bnc_fail(object->error, BNC_INVALID_ARGUMENT,
                    "batch is %" PRId64 ", expected 1 to %" PRId64 ": bnc_options.max_batch sets the limit", batch,
                    object->max_batch);
  return BNC_OK;
}

bnc_status bnc_object_check_outputs(const bnc_object *object, void *const *outputs) {
  const bnc_model_descriptor *model = object->model;
  if (!outputs)
    return bnc_fail(object->error, BNC_INVALID_ARGUMENT, "outputs is NULL, expected %" PRId64 " pointers",
                    model->output_count);
  for (int64_t i = 0; i < model->output_count; ++i)
    if (!outputs[i])
      return bnc_fail(object->error, BNC_INVALID_ARGUMENT, "output '%s' is NULL", model->outputs[i].name);
  return BNC_OK;
}

int64_t bnc_element_bytes(const bnc_tensor *tensor) { return tensor->element == 2 ? 1 : 4; }

/* ---- Inference --------------------------------------------------------------------------------------- */

bnc_status bnc_inference_create(bnc_object *object, bnc_inference *inference) {
  int64_t bytes = object->model->folded_bytes;
  inference->exec = bnc_object_exec(object);
  inference->folded = bnc_memory_take(&object->memory, 1, bytes, false);
  if (!inference->folded)
    return bnc_object_out_of_memory(object, "the folded weights", 1, bytes);
  return BNC_OK;
}

void bnc_inference_embed(bnc_object *object, bnc_inference *inference) {
  inference->exec.base[BNC_SPACE_FOLDED] = (uint8_t *)(uintptr_t)object->model->folded; /* only fold writes there */
  inference->ready = object->model->folded != NULL;
}

bnc_status bnc_inference_fold(bnc_object *object, bnc_inference *inference, const float *variables) {
  inference->exec.base[BNC_SPACE_FOLDED] = inference->folded;
  bnc_exec exec = inference->exec;
  exec.base[BNC_SPACE_VARIABLES] = (uint8_t *)(uintptr_t)variables;
  bnc_status status = bnc_object_run(object, &exec, object->model->infer_fold, BNC_FP_IEEE);
  inference->ready = status == BNC_OK;
  return status;
}

bnc_status bnc_inference_run(bnc_object *object, bnc_inference *inference, const void *const *inputs, int64_t batch,
                             void *const *outputs) {
  bnc_exec exec = inference->exec;
  exec.batch = batch;
  exec.inputs = inputs;
  exec.outputs = outputs;
  return bnc_object_run(object, &exec, object->model->infer_run, BNC_FP_FAST);
}
