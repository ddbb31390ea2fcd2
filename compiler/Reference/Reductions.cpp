//===- Reductions.cpp - reductions, softmax, and their inverse ----------------===//

#include "compiler/Reference/OpTable.h"

#include <cmath>
#include <limits>

using namespace mlir;
using namespace bnc;

/// The element of a reduction's result, without kept dimensions, that an element of the input belongs to. Kept
/// dimensions have size 1 and do not move it.
static int64_t reducedPosition(ArrayRef<int64_t> shape, ArrayRef<int64_t> index, ArrayRef<int64_t> axes) {
  int64_t position = 0;
  for (auto [dim, size] : llvm::enumerate(shape))
    if (!llvm::is_contained(axes, static_cast<int64_t>(dim)))
      position = position * size + index[dim];
  return position;
}

static SmallVector<int64_t> reducedShape(ArrayRef<int64_t> shape, ArrayRef<int64_t> axes, bool keepDims) {
  SmallVector<int64_t> result;
  for (auto [dim, size] : llvm::enumerate(shape)) {
    bool reduced = llvm::is_contained(axes, static_cast<int64_t>(dim));
    if (!reduced || keepDims)
      result.push_back(reduced ? 1 : size);
  }
  return result;
}

/// Combines the elements of `input` over `axes`, starting from `start`.
template <typename Combine>
static Tensor reduce(const Tensor &input, ArrayRef<int64_t> axes, bool keepDims, double start, Combine combine) {
  Tensor result(input.elementType, reducedShape(input.shape, axes, keepDims));
  result.reals.assign(result.reals.size(), start);
  forEachIndex(input.shape, [&](ArrayRef<int64_t> index, int64_t linear) {
    double &sum = result.reals[reducedPosition(input.shape, index, axes)];
    sum = combine(sum, input.reals[linear]);
  });
  return result;
}

static double sum(double a, double b) { return a + b; }
// A NaN on either side stays.
static double larger(double a, double b) { return a >= b || std::isnan(a) ? a : b; }

static Tensor evaluateReduceMax(ReduceMaxOp op, Frame &frame) {
  return reduce(frame[op.getInput()], op.getAxes(), op.getKeepDims(), -std::numeric_limits<double>::infinity(), larger);
}

static Tensor evaluateReduceMean(ReduceMeanOp op, Frame &frame) {
  const Tensor &input = frame[op.getInput()];
  Tensor result = reduce(input, op.getAxes(), op.getKeepDims(), 0, sum);
  for (double &value : result.reals)
    value /= input.size() / result.size();
  return result;
}

static Tensor evaluateReduceSum(ReduceSumOp op, Frame &frame) {
  return reduce(frame[op.getInput()], op.getAxes(), op.getKeepDims(), 0, sum);
}

static Tensor evaluateBroadcast(BroadcastOp op, Frame &frame) {
  const Tensor &like = frame[op.getLike()];
  ArrayRef<int64_t> shape = like.shape;
  return gather(frame[op.getInput()], shape,
                [&](ArrayRef<int64_t> index, int64_t) { return reducedPosition(shape, index, op.getAxes()); });
}

/// x - log(sum(exp(x))) along `axis`.
static Tensor logSoftmax(const Tensor &input, int64_t axis) {
  Tensor maxima = reduce(input, axis, true, -std::numeric_limits<double>::infinity(), larger);
  Tensor result = input, sums(input.elementType, maxima.shape);
  auto forEach = [&](auto visit) {
    forEachIndex(input.shape, [&](ArrayRef<int64_t> index, int64_t linear) {
      visit(linear, reducedPosition(input.shape, index, axis));
    });
  };
  forEach([&](int64_t i, int64_t row) { sums.reals[row] += std::exp(input.reals[i] - maxima.reals[row]); });
  forEach([&](int64_t i, int64_t row) {
    result.reals[i] = input.reals[i] - maxima.reals[row] - std::log(sums.reals[row]);
  });
  return result;
}

static Tensor evaluateLogSoftmax(LogSoftmaxOp op, Frame &frame) {
  return logSoftmax(frame[op.getInput()], op.getAxis());
}

static Tensor evaluateSoftmax(SoftmaxOp op, Frame &frame) {
  Tensor result = logSoftmax(frame[op.getInput()], op.getAxis());
  for (double &value : result.reals)
    value = std::exp(value);
  return result;
}

void bnc::addReductions(OpTable &table) {
  table.add<BroadcastOp>(evaluateBroadcast);
  table.add<LogSoftmaxOp>(evaluateLogSoftmax);
  table.add<ReduceMaxOp>(evaluateReduceMax);
  table.add<ReduceMeanOp>(evaluateReduceMean);
  table.add<ReduceSumOp>(evaluateReduceSum);
  table.add<SoftmaxOp>(evaluateSoftmax);
}
