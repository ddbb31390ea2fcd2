#include "metrics.h"

#include <inttypes.h>
#include <float.h>
#include <math.h>
#include <stdbool.h>

bnc_status bnc_metrics_check(const bnc_object *object) {
  const bnc_model_descriptor *model = object->model;
  bool classes = model->labels.element == 1;
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
  for (int64_t i = 0; model->labels.element == 1 && i < batch * model->labels.count; ++i)
    if (classes[i] < 0 || classes[i] >= model->class_count)
      return bnc_fail(object->error, BNC_INVALID_ARGUMENT,
                      "label %" PRId32 " of sample %" PRId64 " is out of range: the model has %" PRId64
                      " classes, labels must be in [0, %" PRId64 ")",
                      classes[i], i / model->labels.count, model->class_count, model->class_count);
  return BNC_OK;
}

static int64_t first_largest(const float *values, int64_t count) {
  int64_t largest = 0;
  for (int64_t i = 1; i < count; ++i)
    if (values[i] > values[largest])
      largest = i;
  return largest;
}

/* `labels` are class ids or probabilities. */
static double cross_entropy(const bnc_model_descriptor *model, const float *values, const void *labels, int64_t sample,
                            int64_t *correct) {
  int64_t count = model->class_count, largest = first_largest(values, count);
  bool is_softmax = model->output_kind == BNC_OUTPUT_SOFTMAX;
  const float *probabilities = model->labels.element == 1 ? NULL : (const float *)labels + sample * count;
  int64_t label = probabilities ? first_largest(probabilities, count) : ((const int32_t *)labels)[sample];
  double sum = 0, loss = 0, smoothing = model->label_smoothing;
  *correct += largest == label;
  for (int64_t i = 0; i < count && !is_softmax; ++i)
    sum += exp((double)values[i] - values[largest]);
  double total = is_softmax ? 0 : log(sum) + values[largest];
  for (int64_t i = 0; i < count; ++i) {
    double target = (1 - smoothing) * (probabilities ? probabilities[i] : i == label) + smoothing / (double)count;
    double logarithm = is_softmax ? log(values[i] > 0 ? values[i] : DBL_MIN) : values[i];
    if (target != 0)
      loss += target * (total - logarithm);
  }
  return loss;
}

static double mean_squared_error(const float *output, const float *target, int64_t count) {
  double sum = 0;
  for (int64_t i = 0; i < count; ++i)
    sum += ((double)output[i] - target[i]) * ((double)output[i] - target[i]);
  return sum / (double)count;
}

/* `values` are logits, or the sigmoid of logits. */
static double binary_cross_entropy(const float *values, bool is_sigmoid, const float *target, int64_t count) {
  double sum = 0;
  for (int64_t i = 0; i < count; ++i) {
    double x = values[i];
    if (is_sigmoid)
      sum -= target[i] * log(x > 0 ? x : DBL_MIN) + (1 - target[i]) * log(x < 1 ? 1 - x : DBL_EPSILON);
    else
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
      loss += cross_entropy(model, output, labels, i, &metrics.correct);
      break;
    case BNC_LOSS_MSE:
      loss += mean_squared_error(output, (const float *)labels + i * count, count);
      break;
    default:
      loss += binary_cross_entropy(output, model->output_kind == BNC_OUTPUT_SIGMOID, (const float *)labels + i * count, count);
    }
  metrics.loss = loss / (double)batch;
  metrics.accuracy = model->class_count ? (double)metrics.correct / (double)batch : NAN;
  return metrics;
}
