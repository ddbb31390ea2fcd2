/* metrics.h: loss and accuracy from a model's output. */
#ifndef BNC_METRICS_H
#define BNC_METRICS_H

#include "object.h"

/* Whether output 0 fits the model's loss and labels. */
bnc_status bnc_metrics_check(const bnc_object *object);

/* Whether every label names a class. */
bnc_status bnc_labels_check(const bnc_object *object, const void *labels, int64_t batch);

/* The means over the batch, in double; the gradient norm is NaN. */
bnc_metrics bnc_metrics_of_output(const bnc_model_descriptor *model, const float *output, const void *labels,
                                  int64_t batch);

#endif
