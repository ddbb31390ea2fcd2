/* object.h: what bnc_train and bnc_infer have in common. */
#ifndef BNC_OBJECT_H
#define BNC_OBJECT_H

#include "error.h"
#include "parallel.h"

typedef struct bnc_object {
  const bnc_model_descriptor *model;
  bnc_memory memory;
  bnc_error *error; /* a block of its own: functions that change nothing else report failures too */
  int64_t max_batch;
  uint64_t seed;
  bnc_context context;
  uint8_t *scaled, *fixed; /* the arena; its contents do not outlive a call, but for gradients (train.h) */
  int64_t scaled_size;
} bnc_object;

/* Allocates `bytes` for a structure that begins with a bnc_object, and fills that in. */
bnc_status bnc_object_create(const bnc_model_descriptor *model, const bnc_options *options, size_t bytes,
                             void **object);
void bnc_object_destroy(bnc_object *object);

/* An arena and scratch large enough for each of two graphs, which never run at the same time. */
bnc_status bnc_object_reserve(bnc_object *object, const bnc_graph *one, const bnc_graph *other);

bnc_status bnc_object_out_of_memory(bnc_object *object, const char *what, int64_t count, int64_t size);

/* An execution state on the object's arena and threads. */
bnc_exec bnc_object_exec(bnc_object *object);

/* Runs a program in a floating-point mode of fpmode.h. */
bnc_status bnc_object_run(bnc_object *object, bnc_exec *exec, bnc_program program, uint64_t mode);

bnc_status bnc_object_check_call(const bnc_object *object, const void *const *inputs, int64_t batch);
bnc_status bnc_object_check_outputs(const bnc_object *object, void *const *outputs);

int64_t bnc_element_bytes(const bnc_tensor *tensor);

/* ---- The inference graph of an object --------------------------------------------------------------- */

typedef struct bnc_inference {
  bnc_exec exec;
  uint8_t *folded; /* memory of its own for FOLDED; embedded weights are read where they lie */
  bool ready;      /* FOLDED holds what the variables say */
} bnc_inference;

bnc_status bnc_inference_create(bnc_object *object, bnc_inference *inference);
/* Takes the folded weights of the model's library; without any it stays as it is. */
void bnc_inference_embed(bnc_object *object, bnc_inference *inference);
bnc_status bnc_inference_fold(bnc_object *object, bnc_inference *inference, const float *variables);
bnc_status bnc_inference_run(bnc_object *object, bnc_inference *inference, const void *const *inputs, int64_t batch,
                             void *const *outputs);

#endif
