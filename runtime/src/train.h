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

struct bnc_train {
  bnc_object object;
  bnc_exec exec;
  bnc_inference inference; /* for eval_step and predict; folded again after variables changed */
  float *variables, *slots, *gradients, *scalars;
  double *hyper;      /* the learning rate, then model->hyper_names */
  uint8_t *has_value; /* per variable: it was loaded, initialized or set */
  int64_t steps;
  bnc_archive extras;  /* tensors of the weights file that the model does not use */
  const void **inputs; /* of the training graph: the model's and the labels */
  void *no_labels;     /* zeros, for calibration */
  void **outputs;      /* of eval_step */
  bnc_calibration calibration;
};

bnc_status bnc_train_check_ready(const bnc_train *train);

/* What a forward pass in training needs besides labels: pointers, batch, values, no lonely sample. */
bnc_status bnc_train_check_forward(const bnc_train *train, const void *const *inputs, int64_t batch);
/* Runs it. */
bnc_status bnc_train_forward(bnc_train *train, const void *const *inputs, const void *labels, int64_t batch);

/* After variables changed. */
void bnc_train_touch(bnc_train *train);

/* Sentences for a loss, gradient or statistic that is not finite. */
bnc_status bnc_train_not_finite(const bnc_train *train, const char *what, const void *const *inputs, const void *labels,
                                int64_t batch);

bnc_status bnc_null_train(const char *function);

#endif
