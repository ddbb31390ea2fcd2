//===- BncGradients.cpp - one rule of differentiation per op ----------------===//
//
// DifferentiableOpInterface::buildGradients of activations, arithmetic, convolution, dense and normalization. Pools,
// reductions and shapes are in BncGradientsShape.cpp.
//
// In the comments dy is the gradient with respect to the result, dx the one with respect to an operand x.
//
//===----------------------------------------------------------------------===//

#include "ir/BncGradientUtils.h"

using namespace mlir;
using namespace bnc;

//===----------------------------------------------------------------------===//
// Activations: dx = dy * f'(x), f' being a row of the tables of evaluator and kernels
//===----------------------------------------------------------------------===//

static LogicalResult differentiateActivation(Operation *op, OpBuilder &builder, ValueRange resultGradients,
                                             const llvm::BitVector &wanted, MutableArrayRef<Value> operandGradients) {
  if (!wanted[0])
    return success();
  auto parameters = dyn_cast_or_null<DictionaryAttr>(op->getPropertiesAsAttribute());
  operandGradients[0] = ActivationGradientOp::create(builder, op->getLoc(), resultGradients[0], op->getOperand(0),
                                                     op->getName().stripDialect(),
                                                     parameters ? parameters : builder.getDictionaryAttr({}));
  return success();
}

#define ACTIVATION(OP)                                                                                                 \
  LogicalResult OP::buildGradients(OpBuilder &builder, ValueRange resultGradients, const llvm::BitVector &wanted,      \
                                   MutableArrayRef<Value> operandGradients) {                                          \
    return differentiateActivation(*this, builder, resultGradients, wanted, operandGradients);                         \
  }
ACTIVATION(AbsOp)
ACTIVATION(ClipOp)
ACTIVATION(EluOp)
ACTIVATION(ErfOp)
ACTIVATION(ExpOp)
ACTIVATION(HardSigmoidOp)
ACTIVATION(HardSwishOp)
ACTIVATION(LeakyReluOp)
ACTIVATION(LogOp)
ACTIVATION(NegOp)
ACTIVATION(ReluOp)
ACTIVATION(SigmoidOp)
ACTIVATION(SoftplusOp)
ACTIVATION(SqrtOp)
ACTIVATION(TanhOp)
#undef ACTIVATION

//===----------------------------------------------------------------------===//
// Arithmetic
//===----------------------------------------------------------------------===//

/// Sums `gradient`, which has the broadcast shape, to the shape of `operand`.
static Value reduceToOperand(OpBuilder &builder, Location loc, Value gradient, Value operand) {
  ArrayRef<int64_t> from = shapeOf(gradient), to = shapeOf(operand);
  int64_t added = from.size() - to.size();
  SmallVector<int64_t> axes;
  for (int64_t i = 0, e = from.size(); i < e; ++i)
    if (i < added || (to[i - added] == 1 && from[i] != 1))
      axes.push_back(i);
  if (!axes.empty())
    gradient = ReduceSumOp::create(builder, loc, gradient, axes);
  return reshapeLike(builder, loc, gradient, operand);
}

LogicalResult AddOp::buildGradients(OpBuilder &builder, ValueRange resultGradients, const llvm::BitVector &wanted,
                                    MutableArrayRef<Value> operandGradients) {
  for (unsigned i : wanted.set_bits())
    operandGradients[i] = reduceToOperand(builder, getLoc(), resultGradients[0], getOperand(i));
  return success();
}

LogicalResult SubOp::buildGradients(OpBuilder &builder, ValueRange resultGradients, const llvm::BitVector &wanted,
                                    MutableArrayRef<Value> operandGradients) {
  if (wanted[0])
    operandGradients[0] = reduceToOperand(builder, getLoc(), resultGradients[0], getLhs());
  if (wanted[1]) { // negated before it is summed: kernels compute samples, not variables
    Value negative = NegOp::create(builder, getLoc(), resultGradients[0]);
    operandGradients[1] = reduceToOperand(builder, getLoc(), negative, getRhs());
  }
  return success();
}

LogicalResult MulOp::buildGradients(OpBuilder &builder, ValueRange resultGradients, const llvm::BitVector &wanted,
                                    MutableArrayRef<Value> operandGradients) {
  for (unsigned i : wanted.set_bits()) {
    Value product = MulOp::create(builder, getLoc(), resultGradients[0], getOperand(1 - i));
    operandGradients[i] = reduceToOperand(builder, getLoc(), product, getOperand(i));
  }
  return success();
}

// d(l / r) = dl / r - (l / r) * dr / r
LogicalResult DivOp::buildGradients(OpBuilder &builder, ValueRange resultGradients, const llvm::BitVector &wanted,
                                    MutableArrayRef<Value> operandGradients) {
  Value quotient = DivOp::create(builder, getLoc(), resultGradients[0], getRhs());
  if (wanted[0])
    operandGradients[0] = reduceToOperand(builder, getLoc(), quotient, getLhs());
  if (wanted[1]) {
    Value product = MulOp::create(builder, getLoc(), quotient, getResult());
    Value sum = reduceToOperand(builder, getLoc(), product, getRhs());
    operandGradients[1] = NegOp::create(builder, getLoc(), sum);
  }
  return success();
}

/// Gradients of max and min: dy goes to rhs where `excess` > 0, to lhs elsewhere, ties included.
static void selectByExcess(OpBuilder &builder, Location loc, Value gradient, Value excess, Value lhs, Value rhs,
                           const llvm::BitVector &wanted, MutableArrayRef<Value> operandGradients) {
  Value toRhs = ActivationGradientOp::create(
      builder, loc, gradient, excess, ReluOp::getOperationName().split('.').second, builder.getDictionaryAttr({}));
  if (wanted[0]) {
    Value toLhs = SubOp::create(builder, loc, gradient, toRhs);
    operandGradients[0] = reduceToOperand(builder, loc, toLhs, lhs);
  }
  if (wanted[1])
    operandGradients[1] = reduceToOperand(builder, loc, toRhs, rhs);
}

LogicalResult MaxOp::buildGradients(OpBuilder &builder, ValueRange resultGradients, const llvm::BitVector &wanted,
                                    MutableArrayRef<Value> operandGradients) {
  Value excess = SubOp::create(builder, getLoc(), getRhs(), getLhs());
  selectByExcess(builder, getLoc(), resultGradients[0], excess, getLhs(), getRhs(), wanted, operandGradients);
  return success();
}

LogicalResult MinOp::buildGradients(OpBuilder &builder, ValueRange resultGradients, const llvm::BitVector &wanted,
                                    MutableArrayRef<Value> operandGradients) {
  Value excess = SubOp::create(builder, getLoc(), getLhs(), getRhs());
  selectByExcess(builder, getLoc(), resultGradients[0], excess, getLhs(), getRhs(), wanted, operandGradients);
  return success();
}

//===----------------------------------------------------------------------===//
// Convolution and dense
//===----------------------------------------------------------------------===//

LogicalResult ConvOp::buildGradients(OpBuilder &builder, ValueRange resultGradients, const llvm::BitVector &wanted,
                                     MutableArrayRef<Value> operandGradients) {
  Value dy = resultGradients[0];
  if (wanted[0])
    operandGradients[0] =
        ConvInputGradientOp::create(builder, getLoc(), dy, getWeight(), shapeOf(getInput()).drop_front(2), getStrides(),
                                    getPads(), getDilations(), getGroups());
  if (wanted[1])
    operandGradients[1] =
        ConvWeightGradientOp::create(builder, getLoc(), dy, getInput(), shapeOf(getWeight()).drop_front(2),
                                     getStrides(), getPads(), getDilations(), getGroups());
  if (getBias() && wanted[2])
    operandGradients[2] = sumPerChannel(builder, getLoc(), dy, 1);
  return success();
}

// conv_transpose is conv's gradient with respect to its input; so its own input gradient is conv, and in its weight
// gradient input and result change places.
LogicalResult ConvTransposeOp::buildGradients(OpBuilder &builder, ValueRange resultGradients,
                                              const llvm::BitVector &wanted, MutableArrayRef<Value> operandGradients) {
  Value dy = resultGradients[0];
  if (wanted[0]) {
    Value dx = ConvOp::create(builder, getLoc(), dy, getWeight(), /*bias=*/nullptr, getStrides(), getPads(),
                              getDilations(), getGroups());
    // An output_padding of a stride or more lets the window fit more often than the input has elements.
    operandGradients[0] =
        sliceFrom(builder, getLoc(), dx, SmallVector<int64_t>(shapeOf(dx).size(), 0), shapeOf(getInput()));
  }
  if (wanted[1])
    operandGradients[1] =
        ConvWeightGradientOp::create(builder, getLoc(), getInput(), dy, shapeOf(getWeight()).drop_front(2),
                                     getStrides(), getPads(), getDilations(), getGroups());
  if (getBias() && wanted[2])
    operandGradients[2] = sumPerChannel(builder, getLoc(), dy, 1);
  return success();
}

LogicalResult DenseOp::buildGradients(OpBuilder &builder, ValueRange resultGradients, const llvm::BitVector &wanted,
                                      MutableArrayRef<Value> operandGradients) {
  Value dy = resultGradients[0];
  if (wanted[0])
    operandGradients[0] = DenseOp::create(builder, getLoc(), dy, getWeight(), /*bias=*/nullptr, !getTransposed());
  if (wanted[1])
    operandGradients[1] = DenseWeightGradientOp::create(builder, getLoc(), dy, getInput(), getTransposed());
  if (getBias() && wanted[2])
    operandGradients[2] = sumPerChannel(builder, getLoc(), dy, shapeOf(dy).size() - 1);
  return success();
}

//===----------------------------------------------------------------------===//
// Normalization
//===----------------------------------------------------------------------===//

LogicalResult AffineOp::buildGradients(OpBuilder &builder, ValueRange resultGradients, const llvm::BitVector &wanted,
                                       MutableArrayRef<Value> operandGradients) {
  Value dy = resultGradients[0];
  if (wanted[0]) {
    Value zero = splat(builder, getLoc(), 0, cast<RankedTensorType>(getIntercept().getType()));
    operandGradients[0] = AffineOp::create(builder, getLoc(), dy, getSlope(), zero, getFeatureIndex());
  }
  if (wanted[1]) {
    Value product = MulOp::create(builder, getLoc(), dy, getInput());
    operandGradients[1] = sumPerChannel(builder, getLoc(), product, getFeatureIndex());
  }
  if (wanted[2])
    operandGradients[2] = sumPerChannel(builder, getLoc(), dy, getFeatureIndex());
  return success();
}

LogicalResult BatchNormOp::buildGradients(OpBuilder &, ValueRange, const llvm::BitVector &, MutableArrayRef<Value>) {
  return emitOpError("has no gradient of its own; expand it to bnc.batch_stats and bnc.normalize first");
}

LogicalResult ApplyDropoutOp::buildGradients(OpBuilder &builder, ValueRange resultGradients, const llvm::BitVector &wanted,
                                             MutableArrayRef<Value> operandGradients) {
  if (wanted[0])
    operandGradients[0] = ApplyDropoutOp::create(builder, getLoc(), resultGradients[0], getKeys(), getRatio());
  return success();
}

LogicalResult DropoutOp::buildGradients(OpBuilder &, ValueRange resultGradients, const llvm::BitVector &,
                                        MutableArrayRef<Value> operandGradients) {
  double ratio = getRatio().convertToDouble();
  if (ratio != 0)
    return emitOpError("has ratio = ") << ratio << "; dropout must be expanded before differentiation";
  operandGradients[0] = resultGradients[0];
  return success();
}

// Mean and variance of the batch are functions of the input: their part of the gradient is in normalize_gradient.
// Running statistics are no function of anything the step moves. Either way their own gradients are zero.
LogicalResult RunningAverageOp::buildGradients(OpBuilder &, ValueRange, const llvm::BitVector &, MutableArrayRef<Value>) {
  return emitOpError("is neither training nor inference yet; bnc-expand-running-average makes it bnc.update_average");
}

LogicalResult UpdateAverageOp::buildGradients(OpBuilder &builder, ValueRange resultGradients, const llvm::BitVector &wanted,
                                            MutableArrayRef<Value> operandGradients) {
  if (wanted[0])
    operandGradients[0] = UpdateAverageGradientOp::create(builder, getLoc(), resultGradients[0], getInput(), getDecay());
  return success();
}

LogicalResult NormalizeOp::buildGradients(OpBuilder &builder, ValueRange resultGradients, const llvm::BitVector &wanted,
                                          MutableArrayRef<Value> operandGradients) {
  Value dy = resultGradients[0];
  BatchStatsOp stats = getBatchStats();
  bool ofBatch = getMean().getDefiningOp<BatchStatsOp>() || getVariance().getDefiningOp<BatchStatsOp>();
  if (ofBatch && (!stats || stats.getFeatureIndex() != getFeatureIndex()))
    return emitOpError("has statistics of something else than its input; expected one bnc.batch_stats of the same "
                       "input and feature_index");

  unsigned scale = 1, offset = scale + (getScale() ? 1 : 0);
  bool wantsScale = getScale() && wanted[scale], wantsOffset = getOffset() && wanted[offset];
  Value sum, centred;
  if ((wanted[0] && stats) || wantsScale || wantsOffset) {
    auto sums = GradientSumsOp::create(builder, getLoc(), dy, getInput(), getMean(), getFeatureIndex());
    sum = sums.getSum();
    centred = sums.getCentred();
  }
  if (wanted[0])
    operandGradients[0] = NormalizeGradientOp::create(
        builder, getLoc(), dy, getInput(), getScale(), getMean(), getVariance(), stats ? sum : Value(),
        stats ? centred : Value(), stats ? stats.getCount() : Value(), getFeatureIndex(), getEpsilon());
  if (wantsScale)
    operandGradients[scale] = ScaleGradientOp::create(builder, getLoc(), centred, getVariance(), getEpsilon());
  if (wantsOffset)
    operandGradients[offset] = sum;
  return success();
}
