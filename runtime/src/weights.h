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

/* How far the training is that a file goes on from. */
typedef struct bnc_progress {
  bool known; /* the file has it */
  int64_t steps, passes;
} bnc_progress;

/* Whether optimizer state, where the file has any, is that of the model's optimizer, for all its parameters. */
bnc_status bnc_weights_check_optimizer(const bnc_weights *weights, const bnc_model_descriptor *model,
                                       const char *origin, bnc_error *error, bnc_progress *progress);
/* Reads the state with `resume`, after a check that succeeded; else it becomes 0. */
void bnc_weights_read_optimizer(const bnc_weights *weights, const bnc_model_descriptor *model, bool resume, float *slots);

/* What the model does not use and must write back. */
bnc_status bnc_weights_extras(const bnc_weights *weights, const bnc_model_descriptor *model,
                              const bnc_allocator *allocator, bnc_error *error, bnc_archive *extras);

typedef struct bnc_snapshot {
  const bnc_model_descriptor *model;
  const float *variables, *slots;
  bnc_progress progress;
  const bnc_archive *extras;
  char steps_text[24], passes_text[24];
} bnc_snapshot;

/* Describes what is to be saved; `snapshot` must outlive the result. */
bnc_source bnc_snapshot_source(bnc_snapshot *snapshot);

#endif
