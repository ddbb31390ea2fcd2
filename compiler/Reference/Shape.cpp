//===- Shape.cpp - ops that move elements --------------------------------------===//

#include "compiler/Reference/OpTable.h"

#include <cmath>

using namespace mlir;
using namespace bnc;

/// Brings a float to an integer type: towards 0; to a boolean, whether it is not 0.
static FailureOr<int64_t> toInteger(double value, IntegerType type) {
  if (type.getWidth() == 1)
    return value != 0 ? 1 : 0;
  double limit = std::ldexp(1.0, std::min(type.getWidth(), 64u) - (type.isUnsigned() ? 0 : 1));
  double whole = std::trunc(value);
  if (!(whole < limit && whole >= (type.isUnsigned() ? 0 : -limit)))
    return failure();
  return whole >= 0x1p63 ? static_cast<int64_t>(static_cast<uint64_t>(whole)) : static_cast<int64_t>(whole);
}

static LogicalResult evaluateCast(CastOp op, Frame &frame) {
  const Tensor &input = frame[op.getInput()];
  Tensor result(op.getType().getElementType(), input.shape);
  auto from = dyn_cast<IntegerType>(input.elementType), to = dyn_cast<IntegerType>(result.elementType);
  for (int64_t i = 0, e = input.size(); i < e; ++i) {
    if (!from && !to) {
      result.reals[i] = input.reals[i];
    } else if (!to) {
      int64_t value = input.integers[i];
      result.reals[i] = from.isUnsigned() ? static_cast<double>(static_cast<uint64_t>(value)) : value;
    } else if (from) {
      result.integers[i] = to.getWidth() == 1 ? input.integers[i] != 0 : wrap(input.integers[i], to);
    } else {
      FailureOr<int64_t> value = toInteger(input.reals[i], to);
      if (failed(value))
        return op.emitOpError("converts ") << input.reals[i] << ", which " << to << " cannot hold";
      result.integers[i] = *value;
    }
  }
  frame.set(op.getResult(), std::move(result));
  return success();
}

static Tensor evaluateConcat(ConcatOp op, Frame &frame) {
  int64_t axis = op.getAxis(), start = 0;
  SmallVector<int64_t> shape(frame[op.getInputs()[0]].shape);
  shape[axis] = 0;
  for (Value input : op.getInputs())
    shape[axis] += frame[input].shape[axis];
  Tensor result(op.getType().getElementType(), shape);
  for (Value value : op.getInputs()) {
    const Tensor &input = frame[value];
    forEachIndex(input.shape, [&](ArrayRef<int64_t> index, int64_t from) {
      SmallVector<int64_t> target(index);
      target[axis] += start;
      int64_t to = linearize(shape, target);
      if (input.isReal())
        result.reals[to] = input.reals[from];
      else
        result.integers[to] = input.integers[from];
    });
    start += input.shape[axis];
  }
  return result;
}

static Tensor evaluatePad(PadOp op, Frame &frame) {
  const Tensor &input = frame[op.getInput()];
  SmallVector<int64_t> shape;
  for (auto [size, low, high] : llvm::zip_equal(input.shape, op.getLow(), op.getHigh()))
    shape.push_back(low + size + high);
  Tensor result(input.elementType, shape);
  result.reals.assign(result.reals.size(), op.getValue().convertToDouble());
  forEachIndex(input.shape, [&](ArrayRef<int64_t> index, int64_t from) {
    SmallVector<int64_t> target(index);
    for (auto [i, low] : llvm::zip_equal(target, op.getLow()))
      i += low;
    result.reals[linearize(shape, target)] = input.reals[from];
  });
  return result;
}

static Tensor evaluateReshape(ReshapeOp op, Frame &frame) {
  Tensor result = frame[op.getInput()];
  int64_t known = 1;
  for (int64_t size : op.getShape())
    known *= size == -1 ? 1 : size;
  int64_t batch = result.size() / known;
  result.shape = llvm::map_to_vector<6>(op.getShape(), [&](int64_t size) { return size == -1 ? batch : size; });
  return result;
}

static Tensor evaluateSlice(SliceOp op, Frame &frame) {
  const Tensor &input = frame[op.getInput()];
  SmallVector<int64_t> shape;
  for (auto [size, whole] : llvm::zip_equal(op.getSizes(), input.shape))
    shape.push_back(size == -1 ? whole : size);
  return gather(input, shape, [&](ArrayRef<int64_t> index, int64_t) {
    SmallVector<int64_t> source;
    for (auto [i, start, step] : llvm::zip_equal(index, op.getStarts(), op.getSteps()))
      source.push_back(start + i * step);
    return linearize(input.shape, source);
  });
}

static Tensor evaluateTranspose(TransposeOp op, Frame &frame) {
  const Tensor &input = frame[op.getInput()];
  ArrayRef<int64_t> permutation = op.getPermutation();
  auto shape = llvm::map_to_vector(permutation, [&](int64_t dim) { return input.shape[dim]; });
  return gather(input, shape, [&](ArrayRef<int64_t> index, int64_t) {
    SmallVector<int64_t> source(index.size());
    for (auto [i, dim] : llvm::zip_equal(index, permutation))
      source[dim] = i;
    return linearize(input.shape, source);
  });
}

void bnc::addShape(OpTable &table) {
  table.add<CastOp>(evaluateCast);
  table.add<ConcatOp>(evaluateConcat);
  table.add<PadOp>(evaluatePad);
  table.add<ReshapeOp>(evaluateReshape);
  table.add<SliceOp>(evaluateSlice);
  table.add<TransposeOp>(evaluateTranspose);
}
