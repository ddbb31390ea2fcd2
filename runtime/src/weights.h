/* weights.h: between a model's variables and a weights file. */
#ifndef BNC_WEIGHTS_H
#define BNC_WEIGHTS_H

#include "bnc/model_abi.h"
#include "safetensors.h"

/* A file or memory, parsed. */
typedef struct bnc_weights {
  bnc_block contents; /* empty when the bytes are borrowed */
  bnc_archive archive;
} bnc_weights;

bnc_status bnc_weights_open(const char *path, const bnc_allocator *allocator, bnc_error *error, bnc_weights *weights);
bnc_status bnc_weights_open_memory(const void *data, size_t bytes, const bnc_allocator *allocator, bnc_error *error,
                                   bnc_weights *weights);
void bnc_weights_close(const bnc_allocator *allocator, bnc_weights *weights);

/* Whether every variable is there with its shape and a floating-point type. */
bnc_status bnc_weights_check(const bnc_weights *weights, const bnc_model_descriptor *model, const char *origin,
                             bnc_error *error);
/* After a check that succeeded. */
void bnc_weights_read(const bnc_weights *weights, const bnc_model_descriptor *model, float *variables);

/* Optimizer state, where the file has that of the same optimizer; else *steps is 0 and the slots become 0. A
 * parameter without state begins with zeros: it was not trainable when the file was written. */
bnc_status bnc_weights_check_optimizer(const bnc_weights *weights, const bnc_model_descriptor *model,
                                       const char *origin, bnc_error *error, int64_t *steps);
void bnc_weights_read_optimizer(const bnc_weights *weights, const bnc_model_descriptor *model, float *slots);

/* What the model does not use and must write back. */
bnc_status bnc_weights_extras(const bnc_weights *weights, const bnc_model_descriptor *model,
                              const bnc_allocator *allocator, bnc_error *error, bnc_archive *extras);

typedef struct bnc_snapshot {
  const bnc_model_descriptor *model;
  const float *variables, *slots;
  int64_t steps;
  const bnc_archive *extras;
  char steps_text[24];
} bnc_snapshot;

/* Describes what is to be saved; `snapshot` must outlive the result. */
bnc_source bnc_snapshot_source(bnc_snapshot *snapshot);

#endif
