//===- Folding.cpp - the arithmetic of folding ---------------------------------===//

#include "compiler/Reference/OpTable.h"

#include <cmath>

using namespace mlir;
using namespace bnc;

static LogicalResult evaluateFoldCoefficients(FoldCoefficientsOp op, Frame &frame) {
  const Tensor &mean = frame[op.getMean()], &variance = frame[op.getVariance()];
  const Tensor *scale = frame.find(op.getScale()), *offset = frame.find(op.getOffset());
  double epsilon = op.getEpsilon().convertToDouble();
  Tensor slope(op.getSlope().getType().getElementType(), mean.shape), intercept = slope;
  for (int64_t c = 0, e = mean.size(); c < e; ++c) {
    slope.reals[c] = (scale ? scale->reals[c] : 1) / std::sqrt(variance.reals[c] + epsilon);
    intercept.reals[c] = (offset ? offset->reals[c] : 0) - mean.reals[c] * slope.reals[c];
  }
  frame.set(op.getSlope(), std::move(slope));
  frame.set(op.getIntercept(), std::move(intercept));
  return success();
}

static Tensor evaluateFoldScale(FoldScaleOp op, Frame &frame) {
  const Tensor &value = frame[op.getValue()], &factor = frame[op.getFactor()];
  int64_t axis = op.getAxis(), part = value.shape[0] / op.getGroups();
  Tensor result = value;
  result.elementType = op.getType().getElementType();
  forEachIndex(value.shape, [&](ArrayRef<int64_t> index, int64_t linear) {
    int64_t group = op.getGroups() == 1 ? 0 : index[0] / part;
    result.reals[linear] *= factor.reals[group * value.shape[axis] + index[axis]];
  });
  return result;
}

static Tensor evaluateFoldAdd(FoldAddOp op, Frame &frame) {
  const Tensor *value = frame.find(op.getValue());
  Tensor result = frame[op.getAddend()];
  result.elementType = op.getType().getElementType();
  for (int64_t i = 0, e = result.size(); value && i < e; ++i)
    result.reals[i] += value->reals[i];
  return result;
}

static Tensor evaluateFoldShift(FoldShiftOp op, Frame &frame) {
  const Tensor &weight = frame[op.getWeight()], &shift = frame[op.getShift()];
  bool transposed = op.getTransposed();
  int64_t inputs = weight.shape[transposed ? 0 : 1];
  Tensor result(op.getType().getElementType(), weight.shape[transposed ? 1 : 0]);
  int64_t outputsPerGroup = result.size() / op.getGroups();
  forEachIndex(weight.shape, [&](ArrayRef<int64_t> index, int64_t linear) {
    int64_t output = index[transposed ? 1 : 0], input = index[transposed ? 0 : 1];
    result.reals[output] += weight.reals[linear] * shift.reals[output / outputsPerGroup * inputs + input];
  });
  return result;
}

void bnc::addFolding(OpTable &table) {
  table.add<FoldAddOp>(evaluateFoldAdd);
  table.add<FoldCoefficientsOp>(evaluateFoldCoefficients);
  table.add<FoldScaleOp>(evaluateFoldScale);
  table.add<FoldShiftOp>(evaluateFoldShift);
}
