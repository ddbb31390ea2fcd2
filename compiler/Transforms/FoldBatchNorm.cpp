//===- FoldBatchNorm.cpp - bnc-fold-batch-norm ------------------------------===//
//
// Writes each batch_norm as an affine with f64 coefficients, finds it a place (FoldPlacement.h), and rewrites the
// weights there. With y = a * x + c:
//   backward  a * (W x + b) + c   = (a W) x + (a b + c)
//   forward   W (a x + c) + b     = (W a) x + (b + W c)
// The coefficients stay in f64 through every fold that meets the same weight; the cast is the only rounding to f32.
//
//===----------------------------------------------------------------------===//

#include "compiler/Transforms/FoldPlacement.h"
#include "compiler/Transforms/Passes.h"
#include "compiler/Transforms/Utils.h"

#include "llvm/ADT/TypeSwitch.h"

namespace bnc {
#define GEN_PASS_DEF_FOLDBATCHNORMPASS
#include "compiler/Transforms/Passes.h.inc"
} // namespace bnc

using namespace mlir;
using namespace bnc;

namespace {
RankedTensorType typeOf(Value value) { return cast<RankedTensorType>(value.getType()); }

/// Moves what depends on variables only to the front of the graph, so that folded weights can be made there.
void moveVariablesFirst(Block &block) {
  llvm::SmallPtrSet<Operation *, 32> first;
  Operation *last = nullptr;
  for (Operation &op : llvm::make_early_inc_range(block.without_terminator())) {
    if (!isPure(&op) || !llvm::all_of(op.getOperands(), [&](Value v) { return first.contains(v.getDefiningOp()); }))
      continue;
    first.insert(&op);
    if (last)
      op.moveAfter(last);
    else
      op.moveBefore(&block, block.begin());
    last = &op;
  }
}

/// The folding arithmetic: everything it builds is f64 and depends on variables only.
class FoldBuilder {
public:
  FoldBuilder(Block &block, Location loc) : builder(block.getParentOp()->getContext()), loc(loc) {
    for (Operation &op : block)
      if (op.hasTrait<OpTrait::IsTerminator>() || !isPure(&op) ||
          !llvm::all_of(op.getResults(), dependsOnVariablesOnly)) {
        builder.setInsertionPoint(&op);
        break;
      }
  }

  /// Slope and intercept of a batch_norm.
  std::pair<Value, Value> coefficients(BatchNormOp op) {
    auto fold = FoldCoefficientsOp::create(builder, loc, op.getScale(), op.getOffset(), op.getMean(), op.getVariance(),
                                           op.getEpsilonAttr());
    return {fold.getSlope(), fold.getIntercept()};
  }

  /// The coefficients that arrive at an absorber: its range of them, repeated over its dimension.
  Value arriving(Value vector, const ChannelRange &range, const ChannelAxis &axis) {
    if (range.count != typeOf(vector).getDimSize(0))
      vector = SliceOp::create(builder, loc, vector, range.first, range.count, range.step);
    if (axis.isPlain())
      return vector;
    // A table of ones, each row scaled by its channel: in this order the elements are those of the dimension.
    auto table = RankedTensorType::get({axis.outer, axis.channels, axis.inner}, builder.getF64Type());
    Value ones = ConstantOp::create(builder, loc, DenseElementsAttr::get(table, 1.0));
    return reshape(scale(ones, vector, 1), axis.outer * axis.channels * axis.inner);
  }

  Value reshape(Value value, ArrayRef<int64_t> shape) {
    if (typeOf(value).getShape() == shape)
      return value;
    return ReshapeOp::create(builder, loc, exact(value), builder.getDenseI64ArrayAttr(shape));
  }

  Value scale(Value value, Value factor, int64_t axis, int64_t groups = 1) {
    return FoldScaleOp::create(builder, loc, exact(value), exact(factor), axis, groups);
  }

  /// value + addend; an absent value is zero.
  Value add(Value addend, Value value) {
    return value ? FoldAddOp::create(builder, loc, exact(addend), exact(value)).getResult() : exact(addend);
  }

  Value shift(Value weight, Value shift, bool transposed, int64_t groups) {
    return FoldShiftOp::create(builder, loc, exact(weight), shift, transposed, groups);
  }

  /// Rounds to the element type of `like`.
  Value round(Value value, Value like) {
    Type element = typeOf(like).getElementType();
    return typeOf(value).getElementType() == element
               ? value
               : CastOp::create(builder, loc, typeOf(value).clone(element), value).getResult();
  }

private:
  /// The f64 value behind a rounding that an earlier fold put there.
  Value exact(Value value) {
    auto cast = value.getDefiningOp<CastOp>();
    return cast && typeOf(cast.getInput()).getElementType().isF64() ? cast.getInput() : value;
  }

  OpBuilder builder;
  Location loc;
};

} // namespace

/// Rewrites a layer with weights along `axis` of the weight.
template <typename Layer>
static void foldInto(FoldBuilder &fold, Layer layer, const Absorber &absorber, Value slope, Value intercept,
                     int64_t axis, int64_t groups) {
  Value weight = layer.getWeight(), bias = layer.getBias(), like = layer.getWeight();
  Value newBias = bias;
  if (absorber.forward) {
    bool transposed = isa<DenseOp>(layer) && axis == 0;
    newBias = fold.add(fold.shift(weight, intercept, transposed, groups), bias);
  } else {
    if (bias)
      newBias = fold.scale(bias, slope, 0);
    if (absorber.intercept)
      newBias = fold.add(intercept, newBias);
  }
  layer.getWeightMutable().assign(fold.round(fold.scale(weight, slope, axis, groups), like));
  if (newBias)
    layer.getBiasMutable().assign(fold.round(newBias, like));
}

static void foldInto(FoldBuilder &fold, AffineOp affine, const Absorber &absorber, Value slope, Value intercept) {
  Value otherSlope = affine.getSlope(), otherIntercept = affine.getIntercept();
  affine.getSlopeMutable().assign(fold.scale(otherSlope, slope, 0));
  if (absorber.forward)
    otherIntercept = fold.add(otherIntercept, fold.scale(intercept, otherSlope, 0));
  else if (absorber.intercept)
    otherIntercept = fold.add(intercept, fold.scale(otherIntercept, slope, 0));
  else
    otherIntercept = fold.scale(otherIntercept, slope, 0);
  affine.getInterceptMutable().assign(otherIntercept);
}

static void foldInto(FoldBuilder &fold, AddOp add, const Absorber &absorber, Value slope, Value intercept) {
  OpOperand *operand = findBias(add, absorber.axis);
  RankedTensorType type = typeOf(operand->get());
  Value bias = fold.scale(fold.reshape(operand->get(), type.getNumElements()), slope, 0);
  if (absorber.intercept)
    bias = fold.add(intercept, bias);
  operand->set(fold.round(fold.reshape(bias, type.getShape()), operand->get()));
}

static void apply(const Absorber &absorber, FoldBuilder &fold, AffineOp affine) {
  Value slope = fold.arriving(affine.getSlope(), absorber.range, absorber.axis);
  Value intercept = fold.arriving(affine.getIntercept(), absorber.range, absorber.axis);
  llvm::TypeSwitch<Operation *>(absorber.op)
      .Case<ConvOp>([&](ConvOp op) {
        // Weight (K, C/groups, kernel...).
        foldInto(fold, op, absorber, slope, intercept, absorber.forward ? 1 : 0,
                 absorber.forward ? static_cast<int64_t>(op.getGroups()) : 1);
      })
      .Case<ConvTransposeOp>([&](ConvTransposeOp op) {
        // Weight (C, K/groups, kernel...): outputs are group by group along dimension 1.
        foldInto(fold, op, absorber, slope, intercept, 1, static_cast<int64_t>(op.getGroups()));
      })
      .Case<DenseOp>([&](DenseOp op) {
        foldInto(fold, op, absorber, slope, intercept, absorber.forward != op.getTransposed() ? 1 : 0, 1);
      })
      .Case<AddOp>([&](AddOp op) { foldInto(fold, op, absorber, slope, intercept); })
      .Case<AffineOp>([&](AffineOp op) { foldInto(fold, op, absorber, slope, intercept); });
  absorber.op->setLoc(FusedLoc::get(affine.getContext(), {absorber.op->getLoc(), affine.getLoc()}));
}

/// "conv 'a', conv 'b' (backward)".
static std::string describePlacement(const Placement &placement) {
  std::string text;
  for (const Absorber &absorber : placement.absorbers) {
    std::string name = describe(absorber.op);
    if (isa<AffineOp>(absorber.op)) // still the batch_norm of the user's graph
      name.replace(0, StringRef("affine").size(), "batch_norm");
    text += (text.empty() ? "" : ", ") + name;
  }
  return text + (placement.absorbers.front().forward ? " (forward)" : " (backward)");
}

namespace {
struct FoldBatchNormPass : bnc::impl::FoldBatchNormPassBase<FoldBatchNormPass> {
  using FoldBatchNormPassBase::FoldBatchNormPassBase;

  void runOnOperation() override {
    GraphOp graph = findGraph(getOperation(), GraphKind::Inference);
    if (!graph)
      return signalPassFailure();
    Block &block = graph.getBody().front();
    moveVariablesFirst(block);

    SmallVector<AffineOp> affines;
    bool failed = false;
    for (auto op : llvm::make_early_inc_range(block.getOps<BatchNormOp>())) {
      if (!op.getMean()) {
        failed |= mlir::failed(leave(op));
        continue;
      }
      AffineOp affine = toAffine(op);
      failed |= !affine;
      if (affine)
        affines.push_back(affine);
    }
    if (failed)
      return signalPassFailure();
    for (AffineOp affine : affines)
      failed |= mlir::failed(place(affine));
    if (failed)
      return signalPassFailure();
    // Only now: an affine that stays may still have absorbed a later batch_norm.
    for (AffineOp affine : block.getOps<AffineOp>())
      round(affine);
  }

private:
  /// An affine with the batch_norm's coefficients in f64; null, with an error, if they are no function of variables.
  AffineOp toAffine(BatchNormOp op) {
    for (auto [name, value] : {std::pair<StringRef, Value>("scale", op.getScale()),
                               {"offset", op.getOffset()},
                               {"mean", op.getMean()},
                               {"variance", op.getVariance()}})
      if (value && !dependsOnVariablesOnly(value)) {
        op.emitOpError() << "has a " << name << " that is computed from inputs of the graph; expected a variable";
        return nullptr;
      }
    auto [slope, intercept] = FoldBuilder(*op->getBlock(), op.getLoc()).coefficients(op);
    OpBuilder builder(op);
    auto affine =
        AffineOp::create(builder, op.getLoc(), op.getType(), op.getInput(), slope, intercept, op.getFeatureIndexAttr());
    op.getResult().replaceAllUsesWith(affine.getResult());
    op.erase();
    return affine;
  }

  /// Normalizes with what only the batch knows: bnc-expand-batch-norm spells it out.
  LogicalResult leave(BatchNormOp op) {
    StringRef why = "normalizes with the statistics of its batch in inference too: it has no running ones";
    if (mode == FoldMode::Strict)
      return op.emitError() << why << ", so it does not fold; use --fold=on to accept that";
    emitRemark(op.getLoc()) << why;
    return success();
  }

  LogicalResult place(AffineOp affine) {
    if (mode == FoldMode::Off) {
      emitRemark(affine.getLoc()) << "carried as affine: folding is off";
      ++numCarried;
      return success();
    }
    int64_t dim = affine.getFeatureIndex();
    Placement placement = placeBackward(affine.getInput(), dim);
    std::string backwardRule = placement.rule;
    if (!placement)
      placement = placeForward(affine.getResult(), dim);
    if (placement) {
      emitRemark(affine.getLoc()) << "folded into " << describePlacement(placement);
      FoldBuilder fold(*affine->getBlock(), affine.getLoc());
      for (const Absorber &absorber : placement.absorbers)
        apply(absorber, fold, affine);
      affine.getResult().replaceAllUsesWith(affine.getInput());
      affine.erase();
      ++numFolded;
      return success();
    }
    if (mode == FoldMode::Strict)
      return emitError(affine.getLoc()) << "does not fold: " << backwardRule << " (backward), " << placement.rule
                                        << " (forward); use --fold=on to carry it as an affine";
    emitRemark(affine.getLoc()) << "carried as affine: " << backwardRule << " (backward), " << placement.rule
                                << " (forward)";
    ++numCarried;
    return success();
  }

  static void round(AffineOp affine) {
    FoldBuilder fold(*affine->getBlock(), affine.getLoc());
    affine.getSlopeMutable().assign(fold.round(affine.getSlope(), affine.getInput()));
    affine.getInterceptMutable().assign(fold.round(affine.getIntercept(), affine.getInput()));
  }
};
} // namespace
