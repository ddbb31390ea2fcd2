//===- Training.cpp - losses and optimizers ------------------------------------===//

#include "compiler/Reference/OpTable.h"

#include <cmath>

using namespace mlir;
using namespace bnc;

//===----------------------------------------------------------------------===//
// Losses: the loss of every sample, and its gradient divided by the batch
//===----------------------------------------------------------------------===//

namespace {
/// One sample: its outputs, its labels (class id, or one number per output).
struct Sample {
  ArrayRef<double> outputs;
  int64_t label;
  ArrayRef<double> targets;
};
} // namespace

static double logSumExp(ArrayRef<double> values) {
  double largest = *llvm::max_element(values), sum = 0;
  for (double value : values)
    sum += std::exp(value - largest);
  return largest + std::log(sum);
}

static double lossOf(LossKind kind, const Sample &sample) {
  if (kind == LossKind::SoftmaxCrossEntropy)
    return logSumExp(sample.outputs) - sample.outputs[sample.label];
  double sum = 0;
  for (auto [x, target] : llvm::zip_equal(sample.outputs, sample.targets))
    sum += kind == LossKind::Mse ? (x - target) * (x - target)
                                 : std::fmax(x, 0) - x * target + std::log1p(std::exp(-std::fabs(x)));
  return sum / sample.outputs.size();
}

static void writeGradient(LossKind kind, const Sample &sample, MutableArrayRef<double> gradients) {
  if (kind == LossKind::SoftmaxCrossEntropy) {
    double total = logSumExp(sample.outputs);
    for (auto [x, gradient] : llvm::zip_equal(sample.outputs, gradients))
      gradient = std::exp(x - total);
    gradients[sample.label] -= 1;
    return;
  }
  for (auto [x, target, gradient] : llvm::zip_equal(sample.outputs, sample.targets, gradients)) {
    double sigmoid = x >= 0 ? 1 / (1 + std::exp(-x)) : std::exp(x) / (1 + std::exp(x));
    gradient = (kind == LossKind::Mse ? 2 * (x - target) : sigmoid - target) / sample.outputs.size();
  }
}

/// The samples of a batch; an error at the op if a class id is out of range.
template <typename OpT> static FailureOr<SmallVector<Sample>> samplesOf(OpT op, Frame &frame) {
  const Tensor &output = frame[op.getOutput()], &labels = frame[op.getLabels()];
  int64_t batch = output.shape[0], outputs = output.size() / batch;
  SmallVector<Sample> samples;
  for (int64_t n = 0; n < batch; ++n) {
    Sample sample{ArrayRef(output.reals).slice(n * outputs, outputs), -1, {}};
    if (op.getKind() == LossKind::SoftmaxCrossEntropy) {
      sample.label = labels.integers[n];
      if (sample.label < 0 || sample.label >= outputs)
        return op.emitOpError("sample ") << n << " has class id " << sample.label << "; expected 0 to " << outputs - 1;
    } else {
      sample.targets = ArrayRef(labels.reals).slice(n * outputs, outputs);
    }
    samples.push_back(sample);
  }
  return samples;
}

static LogicalResult evaluateLoss(LossOp op, Frame &frame) {
  FailureOr<SmallVector<Sample>> samples = samplesOf(op, frame);
  if (failed(samples))
    return failure();
  Tensor losses(op.getLosses().getType().getElementType(), samples->size()), correct = losses;
  for (auto [n, sample] : llvm::enumerate(*samples)) {
    losses.reals[n] = lossOf(op.getKind(), sample);
    if (op.getKind() == LossKind::SoftmaxCrossEntropy)
      correct.reals[n] = llvm::max_element(sample.outputs) - sample.outputs.begin() == sample.label;
  }
  frame.set(op.getLosses(), std::move(losses));
  frame.set(op.getCorrect(), std::move(correct));
  return success();
}

static LogicalResult evaluateLossGradient(LossGradientOp op, Frame &frame) {
  FailureOr<SmallVector<Sample>> samples = samplesOf(op, frame);
  if (failed(samples))
    return failure();
  Tensor result = frame[op.getOutput()];
  size_t outputs = result.size() / samples->size();
  for (auto [n, sample] : llvm::enumerate(*samples))
    writeGradient(op.getKind(), sample, MutableArrayRef(result.reals).slice(n * outputs, outputs));
  for (double &gradient : result.reals)
    gradient /= samples->size();
  frame.set(op.getResult(), std::move(result));
  return success();
}

//===----------------------------------------------------------------------===//
// Optimizers
//===----------------------------------------------------------------------===//

static LogicalResult evaluateSgdUpdate(SgdUpdateOp op, Frame &frame) {
  const OptimizerNumbers &numbers = frame.evaluator.numbers;
  const Tensor &gradients = frame[op.getGradient()];
  Tensor value = frame[op.getValue()], momentum;
  if (op.getMomentum())
    momentum = frame[op.getMomentum()];
  for (int64_t i = 0, e = value.size(); i < e; ++i) {
    double g = gradients.reals[i] + numbers.weightDecay * value.reals[i];
    if (op.getMomentum()) {
      double &m = momentum.reals[i];
      m = numbers.step == 1 ? g : numbers.momentum * m + (1 - numbers.dampening) * g;
      g = op.getNesterov() ? g + numbers.momentum * m : m;
    }
    value.reals[i] -= numbers.learningRate * g;
  }
  frame.set(op.getNewValue(), std::move(value));
  if (op.getMomentum())
    frame.set(op.getNewMomentum(), std::move(momentum));
  return success();
}

static LogicalResult evaluateAdamUpdate(AdamUpdateOp op, Frame &frame) {
  const OptimizerNumbers &numbers = frame.evaluator.numbers;
  const Tensor &gradients = frame[op.getGradient()];
  Tensor value = frame[op.getValue()];
  Tensor first = frame[op.getFirstMoment()], second = frame[op.getSecondMoment()];
  double bias1 = 1 - std::pow(numbers.beta1, numbers.step), bias2 = 1 - std::pow(numbers.beta2, numbers.step);
  for (int64_t i = 0, e = value.size(); i < e; ++i) {
    double &x = value.reals[i], &m = first.reals[i], &v = second.reals[i], g = gradients.reals[i];
    if (op.getDecoupled())
      x *= 1 - numbers.learningRate * numbers.weightDecay;
    else
      g += numbers.weightDecay * x;
    m = numbers.beta1 * m + (1 - numbers.beta1) * g;
    v = numbers.beta2 * v + (1 - numbers.beta2) * g * g;
    x -= numbers.learningRate / bias1 * m / (std::sqrt(v) / std::sqrt(bias2) + numbers.epsilon);
  }
  frame.set(op.getNewValue(), std::move(value));
  frame.set(op.getNewFirstMoment(), std::move(first));
  frame.set(op.getNewSecondMoment(), std::move(second));
  return success();
}

void bnc::addTraining(OpTable &table) {
  table.add<AdamUpdateOp>(evaluateAdamUpdate);
  table.add<LossOp>(evaluateLoss);
  table.add<LossGradientOp>(evaluateLossGradient);
  table.add<SgdUpdateOp>(evaluateSgdUpdate);
}
