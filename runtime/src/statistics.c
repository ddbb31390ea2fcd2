/* statistics.c: the steps around a BatchNorm, between the kernel that wrote its input and the next one. */
#include "launch.h"
#include "parallel.h"
#include "wide.h"

#include <math.h>
#include <string.h>

/* Channels are independent of each other, so blocks of them go to different threads. */
enum { CHANNEL_BLOCK = 16, LEAST_PARALLEL_WORK = 1 << 13 };

static double number(int64_t bits) {
  double value;
  memcpy(&value, &bits, sizeof value);
  return value;
}

static int64_t tasks_of(const bnc_exec *exec, const bnc_partials *partials) {
  return bnc_grid_tasks(partials->grid, partials->strips, partials->block, 0, exec->batch);
}

static const float *partial(const bnc_partials *partials, const uint8_t *base, int64_t task) {
  return (const float *)(base + task * partials->task_stride);
}

/* Elements of each channel that went into a task. */
static double elements_of(const bnc_exec *exec, const bnc_partials *partials, const int64_t *pixels, int64_t task) {
  if (partials->grid == BNC_GRID_ROWS)
    return (double)pixels[task % partials->strips];
  int64_t images = exec->batch - task * partials->block;
  return (double)((images < partials->block ? images : partials->block) * pixels[0]);
}

typedef struct merge_state {
  const bnc_exec *exec;
  const void *step;
} merge_state;

static void for_channel_blocks(bnc_exec *exec, const void *step, const bnc_partials *partials, bnc_task body) {
  merge_state state = {exec, step};
  int64_t blocks = (partials->channels + CHANNEL_BLOCK - 1) / CHANNEL_BLOCK;
  if (partials->channels * tasks_of(exec, partials) >= LEAST_PARALLEL_WORK) {
    bnc_parallel(exec, blocks, body, &state);
    return;
  }
  for (int64_t block = 0; block < blocks; ++block)
    body(&state, block, 0);
}

static int64_t block_end(const bnc_partials *partials, int64_t block) {
  int64_t end = (block + 1) * CHANNEL_BLOCK;
  return end < partials->channels ? end : partials->channels;
}

BNC_WIDE static void merge_moments_block(void *data, int64_t block, int64_t worker) {
  const merge_state *state = data;
  const bnc_exec *exec = state->exec;
  const bnc_merge_moments *step = state->step;
  const bnc_partials *partials = &step->partials;
  const int64_t *pixels = (const int64_t *)(step + 1);
  const uint8_t *base = bnc_locate(exec, partials->at);
  int64_t first = block * CHANNEL_BLOCK, channels = block_end(partials, block) - first;
  double mean[CHANNEL_BLOCK] = {0}, squares[CHANNEL_BLOCK] = {0}, total = 0;
  (void)worker;
  for (int64_t task = 0, tasks = tasks_of(exec, partials); task < tasks; ++task) {
    const float *shift = partial(partials, base, task) + first;
    const float *sum = shift + partials->stored, *sum_of_squares = sum + partials->stored;
    double count = elements_of(exec, partials, pixels, task);
    if (count == 0)
      continue;
    double before = total;
    total += count;
    double inverse = 1 / count, share = count / total, weight = before * share;
    for (int64_t c = 0; c < channels; ++c) {
      double from_shift = sum[c] * inverse;
      double delta = shift[c] + from_shift - mean[c];
      mean[c] += delta * share;
      squares[c] += sum_of_squares[c] - sum[c] * from_shift + delta * delta * weight;
    }
  }
  double *result_mean = bnc_locate(exec, step->mean), *result_variance = bnc_locate(exec, step->variance);
  for (int64_t c = 0; c < channels; ++c) {
    result_mean[first + c] = mean[c];
    result_variance[first + c] = squares[c] / total;
  }
}

void bnc_rt_merge_moments(bnc_exec *exec, const bnc_merge_moments *step) {
  const int64_t *pixels = (const int64_t *)(step + 1);
  double total = 0;
  for (int64_t task = 0, tasks = tasks_of(exec, &step->partials); task < tasks; ++task)
    total += elements_of(exec, &step->partials, pixels, task);
  *(double *)bnc_locate(exec, step->count) = total;
  for_channel_blocks(exec, step, &step->partials, merge_moments_block);
}

BNC_WIDE static void merge_sums_block(void *data, int64_t block, int64_t worker) {
  const merge_state *state = data;
  const bnc_merge_sums *step = state->step;
  const bnc_partials *partials = &step->partials;
  const uint8_t *base = bnc_locate(state->exec, partials->at);
  double *result = bnc_locate(state->exec, step->result);
  int64_t first = block * CHANNEL_BLOCK, channels = block_end(partials, block) - first;
  (void)worker;
  for (int64_t term = 0; term < step->terms; ++term) {
    double sums[CHANNEL_BLOCK] = {0};
    for (int64_t task = 0, tasks = tasks_of(state->exec, partials); task < tasks; ++task) {
      const float *values = partial(partials, base, task) + term * partials->stored + first;
      for (int64_t c = 0; c < channels; ++c)
        sums[c] += values[c];
    }
    memcpy(result + term * partials->channels + first, sums, (size_t)channels * sizeof *sums);
  }
}

void bnc_rt_merge_sums(bnc_exec *exec, const bnc_merge_sums *step) {
  for_channel_blocks(exec, step, &step->partials, merge_sums_block);
}

/* Statistics of a batch are double, those of variables float. */
static double statistic(const void *values, int64_t batch, int64_t channel) {
  return batch ? ((const double *)values)[channel] : ((const float *)values)[channel];
}

void bnc_rt_normalize_coefficients(bnc_exec *exec, const bnc_normalize_coefficients *step) {
  const float *scale = bnc_locate(exec, step->scale), *offset = bnc_locate(exec, step->offset);
  const void *mean = bnc_locate(exec, step->mean), *variance = bnc_locate(exec, step->variance);
  float *center = bnc_locate(exec, step->result), *slope = center + step->stored, *intercept = slope + step->stored;
  double epsilon = number(step->epsilon);
  for (int64_t c = 0; c < step->channels; ++c) {
    double exact_mean = statistic(mean, step->batch, c);
    double exact_slope = (scale ? scale[c] : 1.0) / sqrt(statistic(variance, step->batch, c) + epsilon);
    center[c] = (float)exact_mean;
    slope[c] = (float)exact_slope;
    intercept[c] = (float)((offset ? offset[c] : 0.0) + (center[c] - exact_mean) * exact_slope);
  }
  for (int64_t c = step->channels; c < step->stored; ++c)
    center[c] = slope[c] = intercept[c] = 0;
}

void bnc_rt_update_running(bnc_exec *exec, const bnc_update_running *step) {
  const float *mean = bnc_locate(exec, step->mean), *variance = bnc_locate(exec, step->variance);
  const double *batch_mean = bnc_locate(exec, step->batch_mean),
               *batch_variance = bnc_locate(exec, step->batch_variance);
  float *staged_mean = bnc_locate(exec, step->staged_mean), *staged_variance = bnc_locate(exec, step->staged_variance);
  double count = *(const double *)bnc_locate(exec, step->count);
  double decay = number(step->decay);
  if (step->cumulative) {
    double seen = *(const float *)bnc_locate(exec, step->counter);
    decay = seen / (seen + 1);
    *(float *)bnc_locate(exec, step->staged_counter) = (float)(seen + 1);
  }
  double correction = step->sample ? count / (count - 1) : 1;
  bool finite = true;
  for (int64_t c = 0; c < step->channels; ++c) {
    staged_mean[c] = (float)(decay * mean[c] + (1 - decay) * batch_mean[c]);
    finite = finite && isfinite(staged_mean[c]);
    if (!variance)
      continue;
    staged_variance[c] = (float)(decay * variance[c] + (1 - decay) * (batch_variance[c] * correction));
    finite = finite && isfinite(staged_variance[c]);
  }
  bnc_context *context = exec->runtime;
  if (!finite && context && context->bad_statistics.space < 0)
    context->bad_statistics = step->mean;
}

void bnc_rt_gradient_coefficients(bnc_exec *exec, const bnc_gradient_coefficients *step) {
  const float *scale = bnc_locate(exec, step->scale);
  const void *mean = bnc_locate(exec, step->mean), *variance = bnc_locate(exec, step->variance);
  float *result = bnc_locate(exec, step->result);
  int64_t stored = step->stored;
  double epsilon = number(step->epsilon);
  memset(result, 0, (size_t)(4 * stored) * sizeof *result);
  for (int64_t c = 0; c < step->channels; ++c) {
    double exact_mean = statistic(mean, step->batch, c);
    double inverse = 1 / sqrt(statistic(variance, step->batch, c) + epsilon);
    double a = (scale ? scale[c] : 1.0) * inverse;
    float center = (float)exact_mean;
    result[c] = center;
    result[stored + c] = (float)a;
    if (!step->batch)
      continue;
    const double *sums = bnc_locate(exec, step->sums);
    double count = *(const double *)bnc_locate(exec, step->count);
    /* The kernels subtract the rounded mean; both places where that shows are put right here. */
    double lost = center - exact_mean;
    double sum = sums[c], centred = sums[step->channels + c] + lost * sum;
    double b = -a * inverse * inverse * centred / count;
    result[2 * stored + c] = (float)b;
    result[3 * stored + c] = (float)(-a * sum / count + b * lost);
  }
}

void bnc_rt_channel_gradient(bnc_exec *exec, const bnc_channel_gradient *step) {
  const double *sums = (const double *)bnc_locate(exec, step->sums) + step->term * step->channels;
  const void *variance = bnc_locate(exec, step->variance);
  float *result = bnc_locate(exec, step->result);
  double epsilon = number(step->epsilon), norm = 0;
  for (int64_t c = 0; c < step->channels; ++c) {
    double gradient = sums[c];
    if (step->inverse_deviation)
      gradient /= sqrt(statistic(variance, step->batch, c) + epsilon);
    if (step->accumulate) {
      norm -= (double)result[c] * result[c]; /* counted when it was written */
      gradient += result[c];
    }
    result[c] = (float)gradient;
    norm += (double)result[c] * result[c];
  }
  exec->gradient_sum_of_squares += norm;
}

void bnc_rt_loss(bnc_exec *exec, const bnc_loss *step) {
  const float *losses = bnc_locate(exec, step->losses), *correct = bnc_locate(exec, step->correct);
  exec->loss = 0;
  exec->correct = 0;
  exec->bad_sample = -1;
  for (int64_t i = 0; i < exec->batch; ++i) {
    exec->loss += losses[i];
    exec->correct += correct && correct[i] > 0.5f;
    if (exec->bad_sample < 0 && !isfinite(losses[i]))
      exec->bad_sample = i;
  }
}

static uint64_t split_mix(uint64_t key, uint64_t counter) {
  uint64_t z = key + (counter + 1) * 0x9e3779b97f4a7c15u;
  z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
  z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
  return z ^ (z >> 31);
}

void bnc_rt_dropout_keys(bnc_exec *exec, const bnc_dropout_keys *step) {
  uint32_t *keys = bnc_locate(exec, step->result);
  uint64_t layer = split_mix(split_mix(exec->seed, exec->passes), (uint64_t)step->layer);
  for (int64_t i = 0; i < exec->batch; ++i)
    keys[i] = (uint32_t)(split_mix(layer, (uint64_t)i) >> 32);
}
