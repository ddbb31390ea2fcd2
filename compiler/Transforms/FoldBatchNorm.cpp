//===- FoldBatchNorm.cpp - bnc-fold-batch-norm ------------------------------===//
//
// Writes each batch_norm as an affine with f64 coefficients, finds it a place (FoldPlacement.h), and rewrites the
// weights there. With y = a * x + c:
//   backward  a * (W x + b) + c   = (a W) x + (a b + c)
//   forward   W (a x + c) + b     = (W a) x + (b + W c)
// Where a convolution pads with zeros, W c is a sum over the taps on the input: a bias per place (bnc.add_border_bias).
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

  /// The coefficients that arrive at an absorber; `neutral` is what an element beside the channels has.
  Value arriving(Value vector, const Route &route, double neutral) {
    for (const RouteStep &step : route) {
      int64_t size = typeOf(vector).getDimSize(0);
      switch (step.kind) {
      case RouteStep::Take:
        if (step.count != size)
          vector = SliceOp::create(builder, loc, vector, step.first, step.count, step.step);
        break;
      case RouteStep::Repeat: // ones, each row scaled by its channel: in this order the elements are those of the dimension
        vector = reshape(scale(constant({step.outer, size, step.inner}, 1), vector, 1), step.outer * size * step.inner);
        break;
      case RouteStep::Extend: {
        SmallVector<Value> parts{vector};
        if (step.before)
          parts.insert(parts.begin(), constant(step.before, neutral));
        if (step.after)
          parts.push_back(constant(step.after, neutral));
        if (parts.size() > 1)
          vector = ConcatOp::create(builder, loc, parts, 0);
        break;
      }
      }
    }
    return vector;
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

  Value constant(ArrayRef<int64_t> shape, double value) {
    auto type = RankedTensorType::get(shape, builder.getF64Type());
    return ConstantOp::create(builder, loc, DenseElementsAttr::get(type, value));
  }

  /// What the shift of a convolution's input adds near its border of zeros, place by place.
  Value borderShift(ConvOp conv, Value shift) {
    ArrayRef<int64_t> image = typeOf(conv.getInput()).getShape().drop_front(2);
    return FoldBorderShiftOp::create(builder, loc, exact(conv.getWeight()), shift, image, conv.getStrides(), conv.getPads(),
                                     conv.getDilations(), conv.getGroups());
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

static bool pads(Operation *layer) {
  auto conv = dyn_cast<ConvOp>(layer);
  return conv && llvm::any_of(conv.getPads(), [](int64_t pad) { return pad != 0; });
}

/// Adds what the shift of a convolution's input adds to its result.
static void addBorderBias(FoldBuilder &fold, ConvOp conv, Value shift) {
  SmallVector<int64_t> low, high;
  ArrayRef<int64_t> input = typeOf(conv.getInput()).getShape(), output = conv.getType().getShape();
  ArrayRef<int64_t> weight = typeOf(conv.getWeight()).getShape();
  for (size_t i = 0; i + 2 < input.size(); ++i) {
    BorderPlaces places = BorderPlaces::of(input[2 + i], output[2 + i], weight[2 + i], conv.getStrides()[i],
                                           conv.getPads()[i], conv.getDilations()[i]);
    low.push_back(places.low);
    high.push_back(places.high);
  }
  OpBuilder builder(conv->getContext());
  builder.setInsertionPointAfter(conv);
  Value bias = fold.round(fold.borderShift(conv, shift), conv.getWeight());
  auto add = AddBorderBiasOp::create(builder, conv.getLoc(), conv.getResult(), bias, low, high);
  conv.getResult().replaceAllUsesExcept(add, add);
}

/// Rewrites a layer with weights along `axis` of the weight.
template <typename Layer>
static void foldInto(FoldBuilder &fold, Layer layer, const Absorber &absorber, Value slope, Value intercept,
                     int64_t axis, int64_t groups) {
  Value weight = layer.getWeight(), bias = layer.getBias(), like = layer.getWeight();
  Value newBias = bias;
  if (absorber.forward && pads(layer)) {
    addBorderBias(fold, cast<ConvOp>(layer.getOperation()), intercept);
  } else if (absorber.forward) {
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
  OpOperand *operand = findBias(add, absorber.dim);
  RankedTensorType type = typeOf(operand->get());
  Value bias = fold.scale(fold.reshape(operand->get(), type.getNumElements()), slope, 0);
  if (absorber.intercept)
    bias = fold.add(intercept, bias);
  operand->set(fold.round(fold.reshape(bias, type.getShape()), operand->get()));
}

static void foldInto(FoldBuilder &fold, AddBorderBiasOp add, Value slope) {
  add.getBiasMutable().assign(fold.round(fold.scale(add.getBias(), slope, 0), add.getBias()));
}

static void apply(const Absorber &absorber, FoldBuilder &fold, AffineOp affine) {
  Value slope = fold.arriving(affine.getSlope(), absorber.route, 1);
  Value intercept = fold.arriving(affine.getIntercept(), absorber.route, 0);
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
      .Case<AddBorderBiasOp>([&](AddBorderBiasOp op) { foldInto(fold, op, slope); })
      .Case<AffineOp>([&](AffineOp op) { foldInto(fold, op, absorber, slope, intercept); });
  absorber.op->setLoc(FusedLoc::get(affine.getContext(), {absorber.op->getLoc(), affine.getLoc()}));
}

/// "conv 'a', conv 'b' (backward)".
static std::string describePlacement(const Placement &placement) {
  std::string text;
  for (const Absorber &absorber : placement.absorbers) {
    if (isa<AddBorderBiasOp>(absorber.op)) // a part of its convolution
      continue;
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
      place(affine);
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

  void place(AffineOp affine) {
    if (mode == FoldMode::Off)
      return carry(affine, "folding is off");
    int64_t dim = affine.getFeatureIndex();
    Placement placement = placeBackward(affine.getInput(), dim);
    std::string backwardRule = placement.rule;
    if (!placement)
      placement = placeForward(affine.getResult(), dim);
    if (!placement)
      return carry(affine, backwardRule + " (backward), " + placement.rule + " (forward)");
    emitRemark(affine.getLoc()) << "folded into " << describePlacement(placement);
    FoldBuilder fold(*affine->getBlock(), affine.getLoc());
    for (const Absorber &absorber : placement.absorbers)
      apply(absorber, fold, affine);
    affine.getResult().replaceAllUsesWith(affine.getInput());
    affine.erase();
    ++numFolded;
  }

  /// bnc-report-carried finds out by what.
  void carry(AffineOp affine, const Twine &rule) {
    affine->setAttr(kRuleAttr, StringAttr::get(affine.getContext(), rule));
    ++numCarried;
  }

  static void round(AffineOp affine) {
    FoldBuilder fold(*affine->getBlock(), affine.getLoc());
    affine.getSlopeMutable().assign(fold.round(affine.getSlope(), affine.getInput()));
    affine.getInterceptMutable().assign(fold.round(affine.getIntercept(), affine.getInput()));
  }
};
} // namespace
