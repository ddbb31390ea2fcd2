/* train.h: the training object. */
#ifndef BNC_TRAIN_H
#define BNC_TRAIN_H

#include "object.h"
#include "safetensors.h"

/* Statistics pooled over calls: for every entry of model->running its count, then means and sums of squared
 * distances of its channels. */
typedef struct bnc_calibration {
  bool begun;
  double *counts, *moments;
} bnc_calibration;

/* What waits between the calls of a step. */
typedef struct bnc_pending {
  bool forward;     /* a forward pass, in the arena, waits for bnc_train_backward */
  int64_t batches;  /* micro-batches whose gradients wait for the update */
  bool summed;      /* they are in bnc_train.sums, each times weight / first_weight; else the only one's are in gradients */
  double first_weight, weight; /* of the first, and of all: samples, or with the application's own loss 1 each */
  double sum_of_squares; /* of the only one's gradients */
  double loss;      /* summed over the samples */
  int64_t samples, correct;
} bnc_pending;

struct bnc_train {
  bnc_object object;
  bnc_exec exec;
  bnc_inference inference; /* for eval_step and predict; folded again after variables changed */
  float *variables, *slots, *scalars;
  float *gradients; /* at the end of the arena */
  float *sums; /* of gradients; untouched where a step's only micro-batch is followed by its update */
  double *hyper;      /* the learning rate, then model->hyper_names */
  uint8_t *has_value; /* per variable: it was loaded, initialized or set */
  int64_t steps, passes; /* optimizer steps; forward passes in training, for dropout */
  bnc_pending pending;
  bnc_archive extras;  /* tensors of the weights file that the model does not use */
  const void **inputs; /* of the training graph: the model's, and the labels or the gradients of the outputs */
  void *no_labels;     /* zeros, for calibration */
  void **outputs;      /* of eval_step */
  bnc_calibration calibration;
};

bnc_status bnc_train_check_ready(const bnc_train *train);

/* What a forward pass in training needs besides labels: pointers, batch, values, no lonely sample. */
bnc_status bnc_train_check_forward(const bnc_train *train, const void *const *inputs, int64_t batch);
/* Runs it; labels NULL with the application's own loss. */
bnc_status bnc_train_run_forward(bnc_train *train, const void *const *inputs, const void *labels, int64_t batch,
                                 void *const *outputs);

/* Before something else takes the arena: gradients that wait are put into the sums, a forward pass is forgotten. */
void bnc_train_leave_arena(bnc_train *train);

/* After variables changed; a forward pass with the old ones is forgotten. */
void bnc_train_touch(bnc_train *train);

bool bnc_train_has_loss(const bnc_train *train);

/* Sentences for a loss, gradient or statistic that is not finite. */
bnc_status bnc_train_not_finite(const bnc_train *train, const char *what, const void *const *inputs, const void *labels,
                                int64_t batch);

bnc_status bnc_null_train(const char *function);

#endif
