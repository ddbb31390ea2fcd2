#include "metrics.h"

#include <inttypes.h>
#include <float.h>
#include <math.h>
#include <stdbool.h>

bnc_status bnc_metrics_check(const bnc_object *object) {
  const bnc_model_descriptor *model = object->model;
  bool classes = model->loss == BNC_LOSS_SOFTMAX_CROSS_ENTROPY;
  int64_t expected = classes ? model->class_count : model->labels.count;
  if (model->output_count < 1 || model->outputs[0].count != expected || model->outputs[0].element != 0 ||
      (classes && model->labels.count != 1))
    return bnc_fail(object->error, BNC_INCOMPATIBLE,
                    "the first output of model '%s' does not fit its labels (%" PRId64
                    " values a sample expected): compile it again",
                    model->name, expected);
  return BNC_OK;
}

bnc_status bnc_labels_check(const bnc_object *object, const void *labels, int64_t batch) {
  const bnc_model_descriptor *model = object->model;
  if (!labels)
    return bnc_fail(object->error, BNC_INVALID_ARGUMENT, "labels is NULL, expected %" PRId64 " values for each sample",
                    model->labels.count);
  const int32_t *classes = labels;
  for (int64_t i = 0; model->class_count > 0 && i < batch * model->labels.count; ++i)
    if (classes[i] < 0 || classes[i] >= model->class_count)
      return bnc_fail(object->error, BNC_INVALID_ARGUMENT,
                      "label %" PRId32 " of sample %" PRId64 " is out of range: the model has %" PRId64
                      " classes, labels must be in [0, %" PRId64 ")",
                      classes[i], i / model->labels.count, model->class_count, model->class_count);
  return BNC_OK;
}

/* `values` are logits, or the softmax of logits. */
static double cross_entropy(const float *values, bool is_softmax, int64_t count, int32_t label, int64_t *correct) {
  int64_t largest = 0;
  double sum = 0;
  for (int64_t i = 1; i < count; ++i)
    if (values[i] > values[largest])
      largest = i;
  *correct += largest == label;
  if (is_softmax)
    return -log(values[label] > 0 ? values[label] : DBL_MIN);
  for (int64_t i = 0; i < count; ++i)
    sum += exp((double)values[i] - values[largest]);
  return log(sum) + values[largest] - values[label];
}

static double mean_squared_error(const float *output, const float *target, int64_t count) {
  double sum = 0;
  for (int64_t i = 0; i < count; ++i)
    sum += ((double)output[i] - target[i]) * ((double)output[i] - target[i]);
  return sum / (double)count;
}

static double binary_cross_entropy(const float *logits, const float *target, int64_t count) {
  double sum = 0;
  for (int64_t i = 0; i < count; ++i) {
    double x = logits[i];
    sum += (x > 0 ? x : 0) - x * target[i] + log1p(exp(-fabs(x)));
  }
  return sum / (double)count;
}

bnc_metrics bnc_metrics_of_output(const bnc_model_descriptor *model, const float *output, const void *labels,
                                  int64_t batch) {
  bnc_metrics metrics = {.gradient_norm = NAN};
  int64_t count = model->outputs[0].count;
  double loss = 0;
  for (int64_t i = 0; i < batch; ++i, output += count)
    switch (model->loss) {
    case BNC_LOSS_SOFTMAX_CROSS_ENTROPY:
      loss += cross_entropy(output, model->output_is_softmax, count, ((const int32_t *)labels)[i], &metrics.correct);
      break;
    case BNC_LOSS_MSE:
      loss += mean_squared_error(output, (const float *)labels + i * count, count);
      break;
    default:
      loss += binary_cross_entropy(output, (const float *)labels + i * count, count);
    }
  metrics.loss = loss / (double)batch;
  metrics.accuracy = model->class_count ? (double)metrics.correct / (double)batch : NAN;
  return metrics;
}
