//===- FoldPlacement.cpp - where a per-channel affine may go ----------------===//
//
// One function per direction walks from op to op. Rules and their sources: Jacob et al. 2018 (backward into a
// convolution), the table in Passes.td for the others; all follow from linearity in the channel. None lets |slope| cross
// a ReLU or a max pool: without a division by the slope that takes a linear neighbour for its sign on the same side, and
// such a neighbour absorbs the whole affine.
//
//===----------------------------------------------------------------------===//

#include "compiler/Transforms/FoldPlacement.h"

#include "compiler/Transforms/Utils.h"

#include "llvm/ADT/TypeSwitch.h"

using namespace mlir;
using namespace bnc;

namespace {
/// The affine on its way: where the channels are, how their coefficients got there, and whether the intercept comes along.
struct Carried {
  ChannelAxis axis;
  Route route;
  bool intercept;

  Carried at(const ChannelAxis &newAxis) const { return {newAxis, route, intercept}; }
  Carried slopeOnly() const { return {axis, route, false}; }

  /// With one coefficient per element of the dimension.
  Carried spread() const {
    Carried result = *this;
    if (!axis.isPlain()) {
      result.route.push_back(RouteStep::repeat(axis));
      result.axis = {axis.dim, 1, axis.outer * axis.channels * axis.inner, 1};
    }
    return result;
  }
  /// What arrives behind one more step that leaves `channels` of them; the axis is plain.
  Carried then(const RouteStep &step, int64_t channels) const {
    Carried result = *this;
    result.route.push_back(step);
    result.axis.channels = channels;
    return result;
  }
};

RankedTensorType typeOf(Value value) { return cast<RankedTensorType>(value.getType()); }

class Placer {
public:
  bool backward(Value value, const Carried &carried);
  bool forward(Value value, const Carried &carried);

  Placement placement;

private:
  bool refuse(const Twine &rule) {
    placement.rule = rule.str();
    return false;
  }
  bool absorb(Operation *op, bool forward, const Carried &carried) {
    placement.absorbers.push_back({op, forward, carried.intercept, carried.axis.dim, carried.spread().route});
    return true;
  }
  /// A convolution's channels are dimension 1, whole; a dense layer's are its last dimension.
  bool absorbWeights(Operation *op, Value weight, Value bias, bool forward, const Carried &carried);
  bool absorbAffine(AffineOp op, bool forward, const Carried &carried);
  bool absorbForward(OpOperand &use, const Carried &carried);
  std::optional<ChannelAxis> throughMean(ReduceMeanOp op, const ChannelAxis &axis, bool forward);

  bool backwardInto(Operation *op, const Carried &carried);
  bool backwardThrough(Operation *op, const Carried &carried);
  bool backwardSlice(SliceOp op, const Carried &carried);
  bool backwardConcat(ConcatOp op, const Carried &carried);
  bool backwardAdd(AddOp op, const Carried &carried);
  bool forwardThrough(OpOperand &use, const Carried &carried);
  bool forwardConcat(OpOperand &use, const Carried &carried);
  bool forwardSlice(SliceOp op, const Carried &carried);
};

/// Only a mean over windows without foreign elements keeps a constant.
bool keepsConstants(AvgPoolOp op) {
  return !op.getCountIncludePad() || llvm::all_of(op.getPads(), [](int64_t pad) { return pad == 0; });
}

/// Whether all that makes `value`, or either side of a sum, lets an intercept in; the rest is for the walk to judge.
bool takesIntercept(Value value) {
  if (!value.getDefiningOp() || !value.hasOneUse())
    return true;
  return llvm::TypeSwitch<Operation *, bool>(value.getDefiningOp())
      .Case<AvgPoolOp>([&](AvgPoolOp pool) { return keepsConstants(pool) && takesIntercept(pool.getInput()); })
      .Case<AddOp>([&](AddOp add) { return takesIntercept(add.getLhs()) || takesIntercept(add.getRhs()); })
      .Case<ConcatOp>([&](ConcatOp concat) {
        return llvm::all_of(concat.getInputs(), [&](Value input) { return takesIntercept(input); });
      })
      .Case<ReshapeOp, TransposeOp, ReduceMeanOp, SliceOp>([&](auto op) { return takesIntercept(op.getInput()); })
      .Default([](Operation *) { return true; });
}
} // namespace

OpOperand *bnc::findBias(AddOp op, int64_t sumDim) {
  RankedTensorType type = op.getType();
  for (OpOperand &operand : op->getOpOperands()) {
    RankedTensorType bias = typeOf(operand.get());
    // Dimensions are aligned at the last one; dimension `sumDim` of the sum is this one of the bias.
    int64_t dim = sumDim - (type.getRank() - bias.getRank());
    bool fits = dim >= 0 && bias.hasStaticShape() && bias.getDimSize(dim) == type.getDimSize(sumDim) &&
                bias.getNumElements() == bias.getDimSize(dim);
    if (fits && op->getOperand(1 - operand.getOperandNumber()).getType() == type &&
        dependsOnVariablesOnly(operand.get()))
      return &operand;
  }
  return nullptr;
}

bool Placer::absorbWeights(Operation *op, Value weight, Value bias, bool forward, const Carried &carried) {
  bool dense = isa<DenseOp>(op);
  int64_t dim = dense ? typeOf(op->getOperand(0)).getRank() - 1 : 1;
  if (carried.axis.dim != dim || (!dense && !carried.axis.isPlain()))
    return refuse(describe(op) + (forward ? " reads" : " makes") + " its channels in dimension " + Twine(dim) +
                  ", but those normalized are in dimension " + Twine(carried.axis.dim) +
                  (carried.axis.isPlain() ? "" : " among others"));
  if (!dependsOnVariablesOnly(weight) || (bias && !dependsOnVariablesOnly(bias)))
    return refuse("the weights of " + describe(op) + " are computed from inputs of the graph");
  return absorb(op, forward, carried);
}

bool Placer::absorbAffine(AffineOp op, bool forward, const Carried &carried) {
  if (static_cast<int64_t>(op.getFeatureIndex()) != carried.axis.dim)
    return refuse(describe(op) + " scales along dimension " + Twine(op.getFeatureIndex()) + ", not " +
                  Twine(carried.axis.dim));
  if (!dependsOnVariablesOnly(op.getSlope()) || !dependsOnVariablesOnly(op.getIntercept()))
    return refuse("the coefficients of " + describe(op) + " are computed from inputs of the graph");
  return absorb(op, forward, carried);
}

std::optional<ChannelAxis> Placer::throughMean(ReduceMeanOp op, const ChannelAxis &axis, bool forward) {
  ChannelAxis result = axis;
  if (op.getKeepDims())
    return llvm::is_contained(op.getAxes(), axis.dim) ? std::nullopt : std::optional(result);
  SmallVector<int64_t> kept; // dimension of the input, per dimension of the result
  for (int64_t dim = 0; dim < typeOf(op.getInput()).getRank(); ++dim)
    if (!llvm::is_contained(op.getAxes(), dim))
      kept.push_back(dim);
  if (!forward) {
    result.dim = kept[axis.dim];
    return result;
  }
  auto found = llvm::find(kept, axis.dim);
  if (found == kept.end())
    return std::nullopt;
  result.dim = found - kept.begin();
  return result;
}

//===----------------------------------------------------------------------===//
// Backward: into what makes the value
//===----------------------------------------------------------------------===//

bool Placer::backward(Value value, const Carried &carried) {
  Operation *op = value.getDefiningOp();
  if (!op)
    return refuse(describeSource(value) + " has no weights");
  if (!value.hasOneUse())
    return refuse("the result of " + describe(op) + " has another use");
  return backwardInto(op, carried);
}

bool Placer::backwardInto(Operation *op, const Carried &carried) {
  return llvm::TypeSwitch<Operation *, bool>(op)
      .Case<ConvOp, ConvTransposeOp, DenseOp>(
          [&](auto layer) { return absorbWeights(op, layer.getWeight(), layer.getBias(), false, carried); })
      .Case<AffineOp>([&](AffineOp affine) { return absorbAffine(affine, false, carried); })
      .Case<ConcatOp>([&](ConcatOp concat) { return backwardConcat(concat, carried); })
      .Case<AddOp>([&](AddOp add) { return backwardAdd(add, carried); })
      .Case<AddBorderBiasOp>([&](AddBorderBiasOp add) { // of a convolution, along its channels
        return absorb(op, false, carried.slopeOnly()) && backward(add.getInput(), carried);
      })
      .Case<SliceOp>([&](SliceOp slice) { return backwardSlice(slice, carried); })
      .Default([&](Operation *) { return backwardThrough(op, carried); });
}

bool Placer::backwardThrough(Operation *op, const Carried &carried) {
  std::optional<ChannelAxis> axis;
  std::string forbidden;
  llvm::TypeSwitch<Operation *>(op)
      .Case<ReshapeOp>([&](ReshapeOp reshape) {
        axis = reshapeAxis(carried.axis, reshape.getType(), typeOf(reshape.getInput()));
        forbidden = " spreads the channels over several dimensions";
      })
      .Case<TransposeOp>(
          [&](TransposeOp transpose) { axis = transposeAxisBack(carried.axis, transpose.getPermutation()); })
      .Case<AvgPoolOp>([&](AvgPoolOp pool) {
        if (carried.axis.dim == 1 && (keepsConstants(pool) || !carried.intercept))
          axis = carried.axis;
        forbidden = carried.axis.dim == 1 ? " counts zero padding" : " averages along the channels";
      })
      .Case<ReduceMeanOp>([&](ReduceMeanOp mean) {
        axis = throughMean(mean, carried.axis, /*forward=*/false);
        forbidden = " averages over the channels";
      })
      .Default([&](Operation *) { forbidden = " has no weights and lets no affine pass"; });
  if (!axis)
    return refuse(describe(op) + forbidden);
  return backward(op->getOperand(0), carried.at(*axis));
}

/// What a slice drops is nobody's, or other slices': they may share what they cut up as long as no element is in two.
bool Placer::backwardSlice(SliceOp op, const Carried &carried) {
  int64_t dim = carried.axis.dim, count = op.getType().getDimSize(dim), all = typeOf(op.getInput()).getDimSize(dim);
  int64_t first = op.getStarts()[dim], step = count == 1 ? 1 : op.getSteps()[dim];
  if (count == all)
    return backward(op.getInput(), carried);
  if (step != 1)
    return refuse(describe(op) + " takes channels in steps of " + Twine(step));
  if (!op.getInput().getDefiningOp())
    return refuse(describeSource(op.getInput()) + " has no weights");
  for (Operation *user : op.getInput().getUsers()) {
    auto other = dyn_cast<SliceOp>(user);
    if (user == op)
      continue;
    if (!other)
      return refuse("the result of " + describeSource(op.getInput()) + " has another use");
    int64_t begin = other.getStarts()[dim], last = begin + (other.getType().getDimSize(dim) - 1) * other.getSteps()[dim];
    if (begin < first + count && last >= first)
      return refuse(describe(op) + " and " + describe(other) + " take the same channels");
  }
  return backwardInto(op.getInput().getDefiningOp(),
                      carried.spread().then(RouteStep::extend(first, all - first - count), all));
}

bool Placer::backwardConcat(ConcatOp op, const Carried &carried) {
  bool split = static_cast<int64_t>(op.getAxis()) == carried.axis.dim;
  int64_t first = 0;
  for (Value input : op.getInputs()) {
    int64_t count = typeOf(input).getDimSize(carried.axis.dim);
    if (!backward(input, split ? carried.spread().then(RouteStep::take(first, count, 1), count) : carried))
      return false;
    first += count;
  }
  return true;
}

/// The slope goes into both sides, the intercept into one that takes it.
bool Placer::backwardAdd(AddOp op, const Carried &carried) {
  if (OpOperand *bias = findBias(op, carried.axis.dim))
    return absorb(op, false, carried) && backward(op->getOperand(1 - bias->getOperandNumber()), carried.slopeOnly());
  if (op.getLhs().getType() != op.getRhs().getType())
    return refuse(describe(op) + " broadcasts");
  bool left = takesIntercept(op.getLhs()) || !takesIntercept(op.getRhs());
  return backward(op.getLhs(), left ? carried : carried.slopeOnly()) &&
         backward(op.getRhs(), left ? carried.slopeOnly() : carried);
}

//===----------------------------------------------------------------------===//
// Forward: into what uses the value
//===----------------------------------------------------------------------===//

bool Placer::forward(Value value, const Carried &carried) {
  if (value.use_empty())
    return refuse("nothing uses the result");
  for (OpOperand &use : value.getUses())
    if (!absorbForward(use, carried))
      return false;
  return true;
}

bool Placer::absorbForward(OpOperand &use, const Carried &carried) {
  Operation *op = use.getOwner();
  if (isa<ReturnOp>(op))
    return refuse("the result is an output of the graph");
  if (isa<ConcatOp>(op))
    return forwardConcat(use, carried);
  // Where the value is the weight of a layer, or the second of two inputs, no rule below fits.
  if (use.getOperandNumber() != 0)
    return refuse(describe(op) + " has no weights for its operand " + Twine(use.getOperandNumber()));
  return llvm::TypeSwitch<Operation *, bool>(op)
      .Case<ConvOp>([&](ConvOp conv) { return absorbWeights(op, conv.getWeight(), conv.getBias(), true, carried); })
      .Case<ConvTransposeOp>([&](ConvTransposeOp) {
        return refuse(describe(op) + " adds a different number of terms at different positions");
      })
      .Case<DenseOp>(
          [&](DenseOp dense) { return absorbWeights(op, dense.getWeight(), dense.getBias(), true, carried); })
      .Case<AffineOp>([&](AffineOp affine) { return absorbAffine(affine, true, carried); })
      .Case<SliceOp>([&](SliceOp slice) { return forwardSlice(slice, carried); })
      .Default([&](Operation *) { return forwardThrough(use, carried); });
}

bool Placer::forwardThrough(OpOperand &use, const Carried &carried) {
  Operation *op = use.getOwner();
  std::optional<ChannelAxis> axis;
  std::string forbidden;
  llvm::TypeSwitch<Operation *>(op)
      .Case<ReshapeOp>([&](ReshapeOp reshape) {
        axis = reshapeAxis(carried.axis, typeOf(reshape.getInput()), reshape.getType());
        forbidden = " spreads the channels over several dimensions";
      })
      .Case<TransposeOp>([&](TransposeOp transpose) { axis = transposeAxis(carried.axis, transpose.getPermutation()); })
      .Case<AvgPoolOp>([&](AvgPoolOp pool) {
        if (carried.axis.dim == 1 && keepsConstants(pool))
          axis = carried.axis;
        forbidden = carried.axis.dim == 1 ? " counts zero padding" : " averages along the channels";
      })
      .Case<ReduceMeanOp>([&](ReduceMeanOp mean) {
        axis = throughMean(mean, carried.axis, /*forward=*/true);
        forbidden = " averages over the channels";
      })
      .Default([&](Operation *) { forbidden = " has no weights and lets no affine pass"; });
  if (!axis)
    return refuse(describe(op) + forbidden);
  return forward(op->getResult(0), carried.at(*axis));
}

bool Placer::forwardSlice(SliceOp op, const Carried &carried) {
  int64_t dim = carried.axis.dim, count = op.getType().getDimSize(dim);
  if (count == typeOf(op.getInput()).getDimSize(dim))
    return forward(op.getResult(), carried);
  return forward(op.getResult(),
                 carried.spread().then(RouteStep::take(op.getStarts()[dim], count, op.getSteps()[dim]), count));
}

/// What stands beside the channels is multiplied by 1 and moved by 0.
bool Placer::forwardConcat(OpOperand &use, const Carried &carried) {
  auto op = cast<ConcatOp>(use.getOwner());
  int64_t dim = carried.axis.dim, before = 0;
  if (static_cast<int64_t>(op.getAxis()) != dim)
    return refuse(describe(op) + " joins what is normalized with what is not along dimension " + Twine(op.getAxis()));
  for (Value input : op.getInputs().take_front(use.getOperandNumber()))
    before += typeOf(input).getDimSize(dim);
  int64_t all = op.getType().getShape()[dim], own = typeOf(use.get()).getDimSize(dim);
  return forward(op.getResult(), carried.spread().then(RouteStep::extend(before, all - before - own), all));
}

//===----------------------------------------------------------------------===//
// Entry
//===----------------------------------------------------------------------===//

static Placement place(Value value, int64_t dim, bool (Placer::*direction)(Value, const Carried &)) {
  Placer placer;
  ChannelAxis axis = getPlainAxis(typeOf(value), dim);
  if (ShapedType::isDynamic(axis.channels)) {
    placer.placement.rule = "the number of channels is unknown";
    return placer.placement;
  }
  placer.placement.legal = (placer.*direction)(value, {axis, {}, true});
  return placer.placement;
}

Placement bnc::placeBackward(Value value, int64_t dim) { return place(value, dim, &Placer::backward); }
Placement bnc::placeForward(Value value, int64_t dim) { return place(value, dim, &Placer::forward); }
