//===- Training.cpp - losses, dropout, optimizers ----------------------------------===//

#include "compiler/Reference/OpTable.h"
#include "ir/OptimizerFormulas.h"

#include <cmath>

using namespace mlir;
using namespace bnc;

//===----------------------------------------------------------------------===//
// Losses: the loss of every sample, and its gradient divided by the batch
//===----------------------------------------------------------------------===//

namespace {
/// One sample: its outputs, and a number for each of them: targets, or the (smoothed) probabilities of the classes.
struct Sample {
  ArrayRef<double> outputs;
  SmallVector<double> targets;
  int64_t label; // class with the largest probability
};
} // namespace

static double logSumExp(ArrayRef<double> values) {
  double largest = *llvm::max_element(values), sum = 0;
  for (double value : values)
    sum += std::exp(value - largest);
  return largest + std::log(sum);
}

static double lossOf(LossKind kind, const Sample &sample) {
  double sum = 0;
  if (kind == LossKind::SoftmaxCrossEntropy) {
    double total = logSumExp(sample.outputs);
    for (auto [x, target] : llvm::zip_equal(sample.outputs, sample.targets))
      sum += target == 0 ? 0 : target * (total - x);
    return sum;
  }
  for (auto [x, target] : llvm::zip_equal(sample.outputs, sample.targets))
    sum += kind == LossKind::Mse ? (x - target) * (x - target)
                                 : std::fmax(x, 0) - x * target + std::log1p(std::exp(-std::fabs(x)));
  return sum / sample.outputs.size();
}

static void writeGradient(LossKind kind, const Sample &sample, MutableArrayRef<double> gradients) {
  if (kind == LossKind::SoftmaxCrossEntropy) {
    double total = logSumExp(sample.outputs), mass = 0;
    for (double target : sample.targets)
      mass += target;
    for (auto [x, target, gradient] : llvm::zip_equal(sample.outputs, sample.targets, gradients))
      gradient = std::exp(x - total) * mass - target;
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
  double smoothing = op.getLabelSmoothing().convertToDouble();
  SmallVector<Sample> samples;
  for (int64_t n = 0; n < batch; ++n) {
    Sample sample{ArrayRef(output.reals).slice(n * outputs, outputs), {}, -1};
    if (labels.isReal()) {
      llvm::append_range(sample.targets, ArrayRef(labels.reals).slice(n * outputs, outputs));
      sample.label = llvm::max_element(sample.targets) - sample.targets.begin();
    } else {
      sample.label = labels.integers[n];
      if (sample.label < 0 || sample.label >= outputs)
        return op.emitOpError("sample ") << n << " has class id " << sample.label << "; expected 0 to " << outputs - 1;
      sample.targets.assign(outputs, 0);
      sample.targets[sample.label] = 1;
    }
    if (op.getKind() == LossKind::SoftmaxCrossEntropy)
      for (double &target : sample.targets)
        target = (1 - smoothing) * target + smoothing / outputs;
    samples.push_back(std::move(sample));
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
// Dropout
//===----------------------------------------------------------------------===//

static uint64_t splitMix(uint64_t key, uint64_t counter) {
  uint64_t z = key + (counter + 1) * 0x9e3779b97f4a7c15ull;
  z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ull;
  z = (z ^ (z >> 27)) * 0x94d049bb133111ebull;
  return z ^ (z >> 31);
}

static LogicalResult evaluateDropoutKeys(DropoutKeysOp op, Frame &frame) {
  const TrainingNumbers &numbers = frame.evaluator.numbers;
  Tensor keys(op.getType().getElementType(), {op.getType().isDynamicDim(0) ? frame.batch : op.getType().getDimSize(0)});
  uint64_t layer = splitMix(splitMix(numbers.seed, numbers.passes), op.getLayer());
  for (auto [sample, key] : llvm::enumerate(keys.integers))
    key = static_cast<int32_t>(splitMix(layer, sample) >> 32);
  frame.set(op.getKeys(), std::move(keys));
  return success();
}

/// The first word of Philox2x32-10.
static uint32_t philox(uint32_t first, uint32_t second) {
  uint32_t key = 0;
  for (int round = 0; round < 10; ++round, key += 0x9e3779b9u) {
    uint64_t product = uint64_t(0xd256d193u) * first;
    first = static_cast<uint32_t>(product >> 32) ^ key ^ second;
    second = static_cast<uint32_t>(product);
  }
  return first;
}

static Tensor evaluateApplyDropout(ApplyDropoutOp op, Frame &frame) {
  Tensor result = frame[op.getInput()];
  const Tensor &keys = frame[op.getKeys()];
  double ratio = op.getRatio().convertToDouble();
  int64_t elements = result.size() / result.shape[0];
  for (int64_t i = 0, e = result.size(); i < e; ++i) {
    uint32_t word = philox(static_cast<uint32_t>(i % elements), static_cast<uint32_t>(keys.integers[i / elements]));
    result.reals[i] *= word < ratio * 0x1p32 ? 0 : 1 / (1 - ratio);
  }
  return result;
}

//===----------------------------------------------------------------------===//
// Optimizers
//===----------------------------------------------------------------------===//

static LogicalResult evaluateOptimizerUpdate(OptimizerUpdateOp op, Frame &frame) {
  const TrainingNumbers &numbers = frame.evaluator.numbers;
  OptimizerKind kind = *OptimizerKind::parse(op.getOptimizer());
  OptimizerScalars<double> scalars;
  scalars.learningRate = numbers.learningRate < 0 ? kind.defaultLearningRate() : numbers.learningRate;
  scalars.step = numbers.step;
  scalars.number = [&](StringRef name) {
    auto given = numbers.optimizer.find(name.str());
    if (given != numbers.optimizer.end())
      return given->second;
    return kind.defaultOf(**llvm::find_if(kind.numbers(), [&](const OptimizerNumber *number) { return number->name == name; }));
  };
  scalars.complement = [&](StringRef name) { return 1 - scalars.number(name); };
  scalars.accumulated = [&](StringRef name) { return 1 - std::pow(scalars.number(name), numbers.step); };

  const Tensor &gradients = frame[op.getGradient()];
  Tensor value = frame[op.getValue()];
  SmallVector<Tensor> slots;
  for (Value slot : op.getSlots())
    slots.push_back(frame[slot]);
  for (int64_t i = 0, e = value.size(); i < e; ++i) {
    OptimizerElement<double> element{value.reals[i], {}};
    for (Tensor &slot : slots)
      element.slots.push_back(slot.reals[i]);
    stepOptimizer(kind, element, gradients.reals[i], scalars, !op.getNoWeightDecay());
    value.reals[i] = element.value;
    for (auto [slot, moved] : llvm::zip_equal(slots, element.slots))
      slot.reals[i] = moved;
  }
  frame.set(op.getNewValue(), std::move(value));
  for (auto [result, slot] : llvm::zip_equal(op.getNewSlots(), slots))
    frame.set(result, std::move(slot));
  return success();
}

void bnc::addTraining(OpTable &table) {
  table.add<ApplyDropoutOp>(evaluateApplyDropout);
  table.add<DropoutKeysOp>(evaluateDropoutKeys);
  table.add<LossOp>(evaluateLoss);
  table.add<LossGradientOp>(evaluateLossGradient);
  table.add<OptimizerUpdateOp>(evaluateOptimizerUpdate);
}
