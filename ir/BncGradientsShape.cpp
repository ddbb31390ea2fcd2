//===- BncGradientsShape.cpp - rules of differentiation that move elements ----===//
//
// Pools, reductions, softmax, and the ops that change shapes. See BncGradients.cpp.
//
//===----------------------------------------------------------------------===//

#include "ir/BncGradientUtils.h"

using namespace mlir;
using namespace bnc;

//===----------------------------------------------------------------------===//
// Pools
//===----------------------------------------------------------------------===//

LogicalResult AvgPoolOp::buildGradients(OpBuilder &builder, ValueRange resultGradients, const llvm::BitVector &wanted,
                                        MutableArrayRef<Value> operandGradients) {
  if (wanted[0])
    operandGradients[0] =
        AvgPoolGradientOp::create(builder, getLoc(), resultGradients[0], shapeOf(getInput()).drop_front(2), getKernel(),
                                  getStrides(), getPads(), getDilations(), getCountIncludePad());
  return success();
}

LogicalResult MaxPoolOp::buildGradients(OpBuilder &builder, ValueRange resultGradients, const llvm::BitVector &wanted,
                                        MutableArrayRef<Value> operandGradients) {
  if (wanted[0])
    operandGradients[0] = MaxPoolGradientOp::create(builder, getLoc(), resultGradients[0], getInput(), getKernel(),
                                                    getStrides(), getPads(), getDilations());
  return success();
}

//===----------------------------------------------------------------------===//
// Reductions and softmax
//===----------------------------------------------------------------------===//

/// A tensor of ones with the shape of `like`.
static Value onesLike(OpBuilder &builder, Location loc, Value like) {
  auto all = llvm::to_vector(llvm::seq<int64_t>(0, shapeOf(like).size()));
  return BroadcastOp::create(builder, loc, scalarLike(builder, loc, 1, like), like, all);
}

LogicalResult ReduceSumOp::buildGradients(OpBuilder &builder, ValueRange resultGradients, const llvm::BitVector &wanted,
                                          MutableArrayRef<Value> operandGradients) {
  if (wanted[0])
    operandGradients[0] = BroadcastOp::create(builder, getLoc(), resultGradients[0], getInput(), getAxes());
  return success();
}

LogicalResult ReduceMeanOp::buildGradients(OpBuilder &builder, ValueRange resultGradients,
                                           const llvm::BitVector &wanted, MutableArrayRef<Value> operandGradients) {
  if (!wanted[0])
    return success();
  Value dy = resultGradients[0];
  double count = 1;
  bool known = true;
  for (int64_t axis : getAxes()) {
    int64_t size = shapeOf(getInput())[axis];
    known &= !ShapedType::isDynamic(size);
    count *= size;
  }
  // A division: in f32 a count is exact, its reciprocal is not.
  Value divisor =
      known ? scalarLike(builder, getLoc(), count, dy)
            : ReduceSumOp::create(builder, getLoc(), onesLike(builder, getLoc(), getInput()), getAxes(), getKeepDims());
  dy = DivOp::create(builder, getLoc(), dy, divisor);
  operandGradients[0] = BroadcastOp::create(builder, getLoc(), dy, getInput(), getAxes());
  return success();
}

// Elements equal to the maximum share its gradient equally (torch.amax, jax.numpy.max).
LogicalResult ReduceMaxOp::buildGradients(OpBuilder &builder, ValueRange resultGradients, const llvm::BitVector &wanted,
                                          MutableArrayRef<Value> operandGradients) {
  if (!wanted[0])
    return success();
  Location loc = getLoc();
  Value maximum = BroadcastOp::create(builder, loc, getResult(), getInput(), getAxes());
  Value below = SubOp::create(builder, loc, maximum, getInput());
  Value ones = onesLike(builder, loc, getInput());
  Value isBelow = ActivationGradientOp::create(builder, loc, ones, below, ReluOp::getOperationName().split('.').second,
                                               builder.getDictionaryAttr({}));
  Value isMaximum = SubOp::create(builder, loc, ones, isBelow);
  Value ties = ReduceSumOp::create(builder, loc, isMaximum, getAxes(), getKeepDims());
  Value share = DivOp::create(builder, loc, resultGradients[0], ties);
  Value shares = BroadcastOp::create(builder, loc, share, getInput(), getAxes());
  operandGradients[0] = MulOp::create(builder, loc, shares, isMaximum);
  return success();
}

// dx = y * (dy - sum(dy * y))
LogicalResult SoftmaxOp::buildGradients(OpBuilder &builder, ValueRange resultGradients, const llvm::BitVector &wanted,
                                        MutableArrayRef<Value> operandGradients) {
  if (!wanted[0])
    return success();
  int64_t axis = getAxis();
  Value product = MulOp::create(builder, getLoc(), resultGradients[0], getResult());
  Value sum = ReduceSumOp::create(builder, getLoc(), product, axis, /*keep_dims=*/true);
  Value difference = SubOp::create(builder, getLoc(), resultGradients[0], sum);
  operandGradients[0] = MulOp::create(builder, getLoc(), getResult(), difference);
  return success();
}

// dx = dy - exp(y) * sum(dy)
LogicalResult LogSoftmaxOp::buildGradients(OpBuilder &builder, ValueRange resultGradients,
                                           const llvm::BitVector &wanted, MutableArrayRef<Value> operandGradients) {
  if (!wanted[0])
    return success();
  int64_t axis = getAxis();
  Value sum = ReduceSumOp::create(builder, getLoc(), resultGradients[0], axis, /*keep_dims=*/true);
  Value softmax = ExpOp::create(builder, getLoc(), getResult());
  Value product = MulOp::create(builder, getLoc(), softmax, sum);
  operandGradients[0] = SubOp::create(builder, getLoc(), resultGradients[0], product);
  return success();
}

//===----------------------------------------------------------------------===//
// Shape
//===----------------------------------------------------------------------===//

/// Zeros before and after: `low` of them, and as many as `shape` has left. Unknown sizes stay as they are.
static Value padTo(OpBuilder &builder, Location loc, Value value, ArrayRef<int64_t> low, ArrayRef<int64_t> shape) {
  SmallVector<int64_t> before, after;
  for (auto [from, to, start] : llvm::zip(shapeOf(value), shape, low)) {
    bool fixed = !ShapedType::isDynamic(to);
    before.push_back(fixed ? start : 0);
    after.push_back(fixed ? to - from - start : 0);
  }
  if (shapeOf(value) == shape)
    return value;
  return PadOp::create(builder, loc, value, before, after, APFloat(0.0));
}

LogicalResult ConcatOp::buildGradients(OpBuilder &builder, ValueRange resultGradients, const llvm::BitVector &wanted,
                                       MutableArrayRef<Value> operandGradients) {
  int64_t axis = getAxis();
  SmallVector<int64_t> starts(shapeOf(getResult()).size(), 0);
  for (auto [index, input] : llvm::enumerate(getInputs())) {
    if (ShapedType::isDynamic(shapeOf(input)[axis]))
      return emitOpError("joins along the batch, which has no rule of differentiation");
    if (wanted[index])
      operandGradients[index] = sliceFrom(builder, getLoc(), resultGradients[0], starts, shapeOf(input));
    starts[axis] += shapeOf(input)[axis];
  }
  return success();
}

LogicalResult PadOp::buildGradients(OpBuilder &builder, ValueRange resultGradients, const llvm::BitVector &wanted,
                                    MutableArrayRef<Value> operandGradients) {
  if (wanted[0])
    operandGradients[0] = sliceFrom(builder, getLoc(), resultGradients[0], getLow(), shapeOf(getInput()));
  return success();
}

LogicalResult ReshapeOp::buildGradients(OpBuilder &builder, ValueRange resultGradients, const llvm::BitVector &wanted,
                                        MutableArrayRef<Value> operandGradients) {
  if (wanted[0])
    operandGradients[0] = reshapeLike(builder, getLoc(), resultGradients[0], getInput());
  return success();
}

/// `factors[i]` - 1 zeros between neighbours along dimension i: each element becomes the first of a row of its own,
/// the rest of the row is padding, and the last row's padding is cut off.
static Value spread(OpBuilder &builder, Location loc, Value value, ArrayRef<int64_t> factors) {
  if (llvm::all_of(factors, [](int64_t factor) { return factor == 1; }))
    return value;
  ArrayRef<int64_t> shape = shapeOf(value);
  SmallVector<int64_t> rows, padded, merged, cut;
  for (auto [size, factor] : llvm::zip(shape, factors)) {
    bool whole = factor == 1; // the batch among them
    rows.push_back(size);
    padded.push_back(size);
    if (!whole) {
      rows.push_back(1);
      padded.push_back(factor);
    }
    merged.push_back(whole ? size : size * factor);
    cut.push_back(whole ? size : (size - 1) * factor + 1);
  }
  value = ReshapeOp::create(builder, loc, value, reshapeSizes(rows));
  value = padTo(builder, loc, value, SmallVector<int64_t>(rows.size(), 0), padded);
  value = ReshapeOp::create(builder, loc, value, reshapeSizes(merged));
  return sliceFrom(builder, loc, value, SmallVector<int64_t>(merged.size(), 0), cut);
}

LogicalResult SliceOp::buildGradients(OpBuilder &builder, ValueRange resultGradients, const llvm::BitVector &wanted,
                                      MutableArrayRef<Value> operandGradients) {
  if (!wanted[0])
    return success();
  Value apart = spread(builder, getLoc(), resultGradients[0], getSteps());
  operandGradients[0] = padTo(builder, getLoc(), apart, getStarts(), shapeOf(getInput()));
  return success();
}

LogicalResult TransposeOp::buildGradients(OpBuilder &builder, ValueRange resultGradients, const llvm::BitVector &wanted,
                                          MutableArrayRef<Value> operandGradients) {
  if (!wanted[0])
    return success();
  SmallVector<int64_t> inverse(getPermutation().size());
  for (auto [index, dim] : llvm::enumerate(getPermutation()))
    inverse[dim] = index;
  operandGradients[0] = TransposeOp::create(builder, getLoc(), resultGradients[0], inverse);
  return success();
}
