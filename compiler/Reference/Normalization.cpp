//===- Normalization.cpp - batch normalization and its parts ------------------===//

#include "compiler/Reference/OpTable.h"

#include <cmath>

using namespace mlir;
using namespace bnc;

/// Calls visit(channel, linear) for every element of a tensor whose dimension `feature` holds the channels.
template <typename Visit> static void forEachElement(ArrayRef<int64_t> shape, int64_t feature, Visit visit) {
  forEachIndex(shape, [&](ArrayRef<int64_t> index, int64_t linear) { visit(index[feature], linear); });
}

static Tensor vectorLike(const Tensor &input, int64_t feature) {
  return Tensor(input.elementType, input.shape[feature]);
}

/// scale and offset may be absent: then 1 and 0.
static double at(const Tensor *vector, int64_t channel, double absent) {
  return vector ? vector->reals[channel] : absent;
}

static Tensor evaluateAffine(AffineOp op, Frame &frame) {
  const Tensor &slope = frame[op.getSlope()], &intercept = frame[op.getIntercept()];
  Tensor result = frame[op.getInput()];
  forEachElement(result.shape, op.getFeatureIndex(), [&](int64_t channel, int64_t i) {
    result.reals[i] = result.reals[i] * slope.reals[channel] + intercept.reals[channel];
  });
  return result;
}

/// Mean and biased variance of each channel.
static std::pair<Tensor, Tensor> momentsOf(const Tensor &input, int64_t feature) {
  Tensor mean = vectorLike(input, feature), variance = mean;
  double values = double(input.size()) / input.shape[feature];
  forEachElement(input.shape, feature, [&](int64_t channel, int64_t i) { mean.reals[channel] += input.reals[i]; });
  for (double &m : mean.reals)
    m /= values;
  forEachElement(input.shape, feature, [&](int64_t channel, int64_t i) {
    double deviation = input.reals[i] - mean.reals[channel];
    variance.reals[channel] += deviation * deviation;
  });
  for (double &v : variance.reals)
    v /= values;
  return {std::move(mean), std::move(variance)};
}

/// bnc.normalize, and bnc.batch_norm with its running statistics; without any, with those of the batch.
template <typename OpT> static Tensor evaluateNormalize(OpT op, Frame &frame) {
  const Tensor *scale = frame.find(op.getScale()), *offset = frame.find(op.getOffset());
  std::pair<Tensor, Tensor> ofBatch;
  if (!op.getMean())
    ofBatch = momentsOf(frame[op.getInput()], op.getFeatureIndex());
  const Tensor &mean = op.getMean() ? frame[op.getMean()] : ofBatch.first;
  const Tensor &variance = op.getVariance() ? frame[op.getVariance()] : ofBatch.second;
  double epsilon = op.getEpsilon().convertToDouble();
  Tensor result = frame[op.getInput()];
  forEachElement(result.shape, op.getFeatureIndex(), [&](int64_t channel, int64_t i) {
    double normalized = (result.reals[i] - mean.reals[channel]) / std::sqrt(variance.reals[channel] + epsilon);
    result.reals[i] = at(scale, channel, 1) * normalized + at(offset, channel, 0);
  });
  return result;
}

static LogicalResult evaluateBatchStats(BatchStatsOp op, Frame &frame) {
  const Tensor &input = frame[op.getInput()];
  int64_t feature = op.getFeatureIndex();
  Tensor count(op.getCount().getType().getElementType(), ArrayRef<int64_t>());
  int64_t values = input.size() / input.shape[feature];
  if (values < 2)
    return op.emitOpError("has one value per channel; statistics of a batch need at least two");
  count.integers[0] = values;
  auto [mean, variance] = momentsOf(input, feature);
  frame.set(op.getMean(), std::move(mean));
  frame.set(op.getVariance(), std::move(variance));
  frame.set(op.getCount(), std::move(count));
  return success();
}

static LogicalResult evaluateDropout(DropoutOp op, Frame &frame) {
  if (op->getParentOfType<GraphOp>().getKind() == GraphKind::Training && !op.getRatio().isZero())
    return op.emitOpError("is random in a training graph; the evaluator is not");
  frame.set(op.getResult(), frame[op.getInput()]);
  return success();
}

static LogicalResult evaluateGradientSums(GradientSumsOp op, Frame &frame) {
  const Tensor &gradient = frame[op.getGradient()], &input = frame[op.getInput()], &mean = frame[op.getMean()];
  int64_t feature = op.getFeatureIndex();
  Tensor sum = vectorLike(input, feature), centred = sum;
  forEachElement(input.shape, feature, [&](int64_t channel, int64_t i) {
    sum.reals[channel] += gradient.reals[i];
    centred.reals[channel] += gradient.reals[i] * (input.reals[i] - mean.reals[channel]);
  });
  frame.set(op.getSum(), std::move(sum));
  frame.set(op.getCentred(), std::move(centred));
  return success();
}

static Tensor evaluateNormalizeGradient(NormalizeGradientOp op, Frame &frame) {
  const Tensor &gradient = frame[op.getGradient()], &input = frame[op.getInput()];
  const Tensor &mean = frame[op.getMean()], &variance = frame[op.getVariance()];
  const Tensor *scale = frame.find(op.getScale());
  const Tensor *sum = frame.find(op.getSum()), *centred = frame.find(op.getCentred());
  const Tensor *count = frame.find(op.getCount());
  double epsilon = op.getEpsilon().convertToDouble();
  Tensor result = gradient;
  forEachElement(input.shape, op.getFeatureIndex(), [&](int64_t channel, int64_t i) {
    double inverse = 1 / std::sqrt(variance.reals[channel] + epsilon);
    double own = gradient.reals[i];
    if (count) {
      double deviation = input.reals[i] - mean.reals[channel], values = count->integers[0];
      own -= sum->reals[channel] / values;
      own -= deviation * inverse * inverse * centred->reals[channel] / values;
    }
    result.reals[i] = at(scale, channel, 1) * inverse * own;
  });
  return result;
}

static Tensor evaluateScaleGradient(ScaleGradientOp op, Frame &frame) {
  const Tensor &variance = frame[op.getVariance()];
  double epsilon = op.getEpsilon().convertToDouble();
  Tensor result = frame[op.getCentred()];
  for (auto [value, v] : llvm::zip_equal(result.reals, variance.reals))
    value /= std::sqrt(v + epsilon);
  return result;
}

static LogicalResult evaluateUpdateRunning(UpdateRunningOp op, Frame &frame) {
  Tensor mean = frame[op.getMean()], variance = frame[op.getVariance()];
  const Tensor &batchMean = frame[op.getBatchMean()], &batchVariance = frame[op.getBatchVariance()];
  double count = frame[op.getCount()].integers[0];
  double correction = op.getRunningVariance() == RunningVariance::Sample ? count / (count - 1) : 1;
  double decay = op.getDecay().convertToDouble();
  Tensor steps;
  if (op.getSteps()) {
    steps = frame[op.getSteps()];
    decay = steps.reals[0] / (steps.reals[0] + 1);
    steps.reals[0] += 1;
  }
  for (auto [running, batch] : llvm::zip_equal(mean.reals, batchMean.reals))
    running = decay * running + (1 - decay) * batch;
  for (auto [running, batch] : llvm::zip_equal(variance.reals, batchVariance.reals))
    running = decay * running + (1 - decay) * correction * batch;
  frame.set(op.getNewMean(), std::move(mean));
  frame.set(op.getNewVariance(), std::move(variance));
  if (op.getSteps())
    frame.set(op.getNewSteps(), std::move(steps));
  return success();
}

/// The operand of a running average in inference.
static Tensor evaluateRunningAverage(RunningAverageOp op, Frame &frame) { return frame[op.getAverage()]; }

static Tensor evaluateUpdateAverage(UpdateAverageOp op, Frame &frame) {
  const Tensor &input = frame[op.getInput()];
  Tensor result = frame[op.getAverage()];
  double decay = op.getDecay().convertToDouble(), share = (1 - decay) / input.shape[0];
  for (double &value : result.reals)
    value *= decay;
  for (int64_t i = 0; i < input.size(); ++i)
    result.reals[i % result.size()] += share * input.reals[i];
  return result;
}

static Tensor evaluateUpdateAverageGradient(UpdateAverageGradientOp op, Frame &frame) {
  const Tensor &gradient = frame[op.getGradient()];
  Tensor result = frame[op.getInput()];
  double share = (1 - op.getDecay().convertToDouble()) / result.shape[0];
  for (int64_t i = 0; i < result.size(); ++i)
    result.reals[i] = share * gradient.reals[i % gradient.size()];
  return result;
}

void bnc::addNormalization(OpTable &table) {
  table.add<AffineOp>(evaluateAffine);
  table.add<BatchNormOp>(evaluateNormalize<BatchNormOp>);
  table.add<BatchStatsOp>(evaluateBatchStats);
  table.add<DropoutOp>(evaluateDropout);
  table.add<GradientSumsOp>(evaluateGradientSums);
  table.add<UpdateAverageGradientOp>(evaluateUpdateAverageGradient);
  table.add<UpdateAverageOp>(evaluateUpdateAverage);
  table.add<NormalizeGradientOp>(evaluateNormalizeGradient);
  table.add<NormalizeOp>(evaluateNormalize<NormalizeOp>);
  table.add<RunningAverageOp>(evaluateRunningAverage);
  table.add<ScaleGradientOp>(evaluateScaleGradient);
  table.add<UpdateRunningOp>(evaluateUpdateRunning);
}
