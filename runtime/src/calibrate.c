/* calibrate.c: running statistics re-estimated from batch statistics, pooled over any number of calls. */
#include "train.h"

#include <inttypes.h>
#include <math.h>
#include <string.h>

static const bnc_model_descriptor *model_of(const bnc_train *train) { return train->object.model; }

/* The moments of entry r: channels means, then channels sums of squared distances. */
static double *moments_of(const bnc_train *train, int64_t r) {
  double *moments = train->calibration.moments;
  for (int64_t i = 0; i < r; ++i)
    moments += 2 * model_of(train)->running[i].channels;
  return moments;
}

/* Chan, Golub and LeVeque 1983. The sums of squared distances that join are variance * scale. */
static void pool(double *count, double *moments, int64_t channels, double more, const double *mean,
                 const double *variance, double scale) {
  double before = *count, total = before + more;
  for (int64_t c = 0; c < channels; ++c) {
    double delta = mean[c] - moments[c];
    moments[c] += delta * more / total;
    moments[channels + c] += variance[c] * scale + delta * delta * before * more / total;
  }
  *count = total;
}

bnc_status bnc_train_calibrate_begin(bnc_train *train) {
  if (!train)
    return bnc_null_train("bnc_train_calibrate_begin");
  const bnc_model_descriptor *model = model_of(train);
  if (model->running_count == 0)
    return bnc_fail(train->object.error, BNC_UNSUPPORTED,
                    "model '%s' has no BatchNorm with running statistics to calibrate", model->name);
  int64_t channels = 0;
  for (int64_t r = 0; r < model->running_count; ++r)
    channels += model->running[r].channels;
  memset(train->calibration.counts, 0, (size_t)model->running_count * sizeof(double));
  memset(train->calibration.moments, 0, (size_t)(2 * channels) * sizeof(double));
  train->calibration.begun = true;
  return BNC_OK;
}

bnc_status bnc_train_calibrate_add(bnc_train *train, const void *const *inputs, int64_t batch) {
  if (!train)
    return bnc_null_train("bnc_train_calibrate_add");
  const bnc_model_descriptor *model = model_of(train);
  if (!train->calibration.begun)
    return bnc_fail(train->object.error, BNC_NOT_READY,
                    "bnc_train_calibrate_add came before bnc_train_calibrate_begin");
  bnc_status status = bnc_train_check_forward(train, inputs, batch);
  if (status == BNC_OK)
    status = bnc_train_run_forward(train, inputs, train->no_labels, batch, train->outputs);
  if (status != BNC_OK)
    return status;
  for (int64_t r = 0; r < model->running_count; ++r) {
    const bnc_running *running = &model->running[r];
    const double *mean = bnc_locate(&train->exec, running->batch_mean);
    const double *variance = bnc_locate(&train->exec, running->batch_variance);
    for (int64_t c = 0; c < running->channels; ++c)
      if (!isfinite(mean[c]) || !isfinite(variance[c]))
        return bnc_train_not_finite(train, "a batch statistic is not finite", inputs, NULL, batch);
  }
  for (int64_t r = 0; r < model->running_count; ++r) {
    const bnc_running *running = &model->running[r];
    const double *mean = bnc_locate(&train->exec, running->batch_mean);
    const double *variance = bnc_locate(&train->exec, running->batch_variance);
    double count = *(const double *)bnc_locate(&train->exec, running->count);
    pool(&train->calibration.counts[r], moments_of(train, r), running->channels, count, mean, variance, count);
  }
  return BNC_OK;
}

/* A module called twice has two entries for the same variables; all its values count. */
static void pool_shared(bnc_train *train, int64_t first) {
  const bnc_model_descriptor *model = model_of(train);
  int64_t channels = model->running[first].channels;
  double *counts = train->calibration.counts;
  for (int64_t r = first + 1; r < model->running_count; ++r)
    if (counts[r] > 0 && model->running[r].mean_variable == model->running[first].mean_variable) {
      const double *moments = moments_of(train, r);
      pool(&counts[first], moments_of(train, first), channels, counts[r], moments, moments + channels, 1);
      counts[r] = 0;
    }
}

bnc_status bnc_train_calibrate_end(bnc_train *train) {
  if (!train)
    return bnc_null_train("bnc_train_calibrate_end");
  const bnc_model_descriptor *model = model_of(train);
  double *counts = train->calibration.counts;
  if (!train->calibration.begun || counts[0] == 0)
    return bnc_fail(train->object.error, BNC_NOT_READY,
                    "bnc_train_calibrate_end came without data: call bnc_train_calibrate_begin and add a batch");
  for (int64_t r = 0; r < model->running_count; ++r)
    if (model->running[r].sample && counts[r] < 2)
      return bnc_fail(train->object.error, BNC_INVALID_ARGUMENT,
                      "calibration saw one value per channel of '%s', a sample variance needs two: add more data",
                      model->variables[model->running[r].mean_variable].name);
  for (int64_t r = 0; r < model->running_count; ++r) {
    const bnc_running *running = &model->running[r];
    if (counts[r] == 0)
      continue; /* pooled into an earlier entry */
    pool_shared(train, r);
    const double *moments = moments_of(train, r);
    double divisor = running->sample ? counts[r] - 1 : counts[r];
    float *mean = train->variables + model->variables[running->mean_variable].offset;
    float *variance = train->variables + model->variables[running->variance_variable].offset;
    for (int64_t c = 0; c < running->channels; ++c) {
      mean[c] = (float)moments[c];
      variance[c] = (float)(moments[running->channels + c] / divisor);
    }
  }
  train->calibration.begun = false;
  bnc_train_touch(train);
  return BNC_OK;
}
