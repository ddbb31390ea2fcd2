//===- Folding.cpp - the arithmetic of folding, and what it adds to a graph ----===//

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

/// At one position of each place, the sum over the taps that lie on the input.
static Tensor evaluateFoldBorderShift(FoldBorderShiftOp op, Frame &frame) {
  const Tensor &weight = frame[op.getWeight()], &shift = frame[op.getShift()];
  ArrayRef<int64_t> image = op.getImage(), strides = op.getStrides(), pads = op.getPads(), dilations = op.getDilations();
  ArrayRef<int64_t> kernel = ArrayRef<int64_t>(weight.shape).drop_front(2);
  SmallVector<BorderPlaces> places;
  for (size_t i = 0; i < image.size(); ++i) {
    int64_t padded = image[i] + pads[i] + pads[i + image.size()];
    int64_t size = (padded - windowExtent(kernel[i], dilations[i])) / strides[i] + 1;
    places.push_back(BorderPlaces::of(image[i], size, kernel[i], strides[i], pads[i], dilations[i]));
  }
  Tensor result(op.getType().getElementType(), op.getType().getShape());
  int64_t outputsPerGroup = weight.shape[0] / op.getGroups();
  forEachIndex(result.shape, [&](ArrayRef<int64_t> place, int64_t linear) {
    SmallVector<int64_t> partShape(weight.shape);
    partShape[0] = 1;
    forEachIndex(partShape, [&](ArrayRef<int64_t> part, int64_t) {
      bool onInput = true;
      for (size_t i = 0; i < image.size(); ++i) {
        int64_t at = places[i].position(place[1 + i]) * strides[i] - pads[i] + part[2 + i] * dilations[i];
        onInput &= at >= 0 && at < image[i];
      }
      SmallVector<int64_t> index(part);
      index[0] = place[0];
      if (onInput)
        result.reals[linear] += weight.reals[linearize(weight.shape, index)] *
                                shift.reals[place[0] / outputsPerGroup * weight.shape[1] + part[1]];
    });
  });
  return result;
}

static Tensor evaluateAddBorderBias(AddBorderBiasOp op, Frame &frame) {
  const Tensor &bias = frame[op.getBias()];
  Tensor result = frame[op.getInput()];
  forEachIndex(result.shape, [&](ArrayRef<int64_t> index, int64_t linear) {
    SmallVector<int64_t> place{index[1]};
    for (size_t i = 2; i < index.size(); ++i) {
      int64_t low = op.getLow()[i - 2], high = op.getHigh()[i - 2], size = result.shape[i];
      place.push_back(std::min(index[i], low) + std::max<int64_t>(index[i] - (size - high) + 1, 0));
    }
    result.reals[linear] += bias.reals[linearize(bias.shape, place)];
  });
  return result;
}

void bnc::addFolding(OpTable &table) {
  table.add<AddBorderBiasOp>(evaluateAddBorderBias);
  table.add<FoldAddOp>(evaluateFoldAdd);
  table.add<FoldBorderShiftOp>(evaluateFoldBorderShift);
  table.add<FoldCoefficientsOp>(evaluateFoldCoefficients);
  table.add<FoldScaleOp>(evaluateFoldScale);
  table.add<FoldShiftOp>(evaluateFoldShift);
}
