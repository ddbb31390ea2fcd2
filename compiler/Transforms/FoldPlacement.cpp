//===- FoldPlacement.cpp - where a per-channel affine may go ----------------===//
//
// One function per direction walks from op to op. Rules and their sources: Jacob et al. 2018 (backward into a
// convolution), the table in Passes.td for the others; all follow from linearity in the channel.
//
//===----------------------------------------------------------------------===//

#include "compiler/Transforms/FoldPlacement.h"

#include "compiler/Transforms/Utils.h"

#include "llvm/ADT/TypeSwitch.h"

using namespace mlir;
using namespace bnc;

namespace {
/// Where the affine is on its way.
struct Carried {
  ChannelAxis axis;
  ChannelRange range;
  bool intercept;

  Carried at(const ChannelAxis &newAxis) const { return {newAxis, range, intercept}; }
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
    placement.absorbers.push_back({op, forward, carried.intercept, carried.axis, carried.range});
    return true;
  }
  /// A convolution's channels are dimension 1, whole; a dense layer's are its last dimension.
  bool absorbWeights(Operation *op, Value weight, Value bias, bool forward, const Carried &carried);
  bool absorbAffine(AffineOp op, bool forward, const Carried &carried);
  bool absorbForward(OpOperand &use, const Carried &carried);
  std::optional<ChannelAxis> throughMean(ReduceMeanOp op, const ChannelAxis &axis, bool forward);

  bool backwardThrough(Operation *op, const Carried &carried);
  bool backwardConcat(ConcatOp op, const Carried &carried);
  bool backwardAdd(AddOp op, const Carried &carried);
  bool forwardThrough(OpOperand &use, const Carried &carried);
  bool forwardSlice(SliceOp op, const Carried &carried);
};

/// Only a mean over samples or windows without foreign elements keeps a constant.
bool keepsConstants(AvgPoolOp op) {
  return !op.getCountIncludePad() || llvm::all_of(op.getPads(), [](int64_t pad) { return pad == 0; });
}
} // namespace

OpOperand *bnc::findBias(AddOp op, const ChannelAxis &axis) {
  RankedTensorType type = op.getType();
  for (OpOperand &operand : op->getOpOperands()) {
    RankedTensorType bias = typeOf(operand.get());
    // Dimensions are aligned at the last one; dimension `axis.dim` of the sum is this one of the bias.
    int64_t dim = axis.dim - (type.getRank() - bias.getRank());
    bool fits = dim >= 0 && bias.hasStaticShape() && bias.getDimSize(dim) == type.getDimSize(axis.dim) &&
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
  return llvm::TypeSwitch<Operation *, bool>(op)
      .Case<ConvOp, ConvTransposeOp, DenseOp>(
          [&](auto layer) { return absorbWeights(op, layer.getWeight(), layer.getBias(), false, carried); })
      .Case<AffineOp>([&](AffineOp affine) { return absorbAffine(affine, false, carried); })
      .Case<ConcatOp>([&](ConcatOp concat) { return backwardConcat(concat, carried); })
      .Case<AddOp>([&](AddOp add) { return backwardAdd(add, carried); })
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
        if (carried.axis.dim == 1 && keepsConstants(pool))
          axis = carried.axis;
        forbidden = carried.axis.dim == 1 ? " counts zero padding" : " averages along the channels";
      })
      .Case<ReduceMeanOp>([&](ReduceMeanOp mean) {
        axis = throughMean(mean, carried.axis, /*forward=*/false);
        forbidden = " averages over the channels";
      })
      .Case<SliceOp>([&](SliceOp slice) {
        if (slice.getType().getDimSize(carried.axis.dim) == typeOf(slice.getInput()).getDimSize(carried.axis.dim))
          axis = carried.axis;
        forbidden = " drops channels";
      })
      .Default([&](Operation *) { forbidden = " has no weights and lets no affine pass"; });
  if (!axis)
    return refuse(describe(op) + forbidden);
  return backward(op->getOperand(0), carried.at(*axis));
}

bool Placer::backwardConcat(ConcatOp op, const Carried &carried) {
  bool split = static_cast<int64_t>(op.getAxis()) == carried.axis.dim;
  if (split && !carried.axis.isPlain())
    return refuse(describe(op) + " joins inputs that do not hold whole channels");
  int64_t first = carried.range.first;
  for (Value input : op.getInputs()) {
    Carried part = carried;
    if (split) {
      int64_t count = typeOf(input).getDimSize(carried.axis.dim);
      part.axis.channels = count;
      part.range = {first, count, carried.range.step};
      first += count * carried.range.step;
    }
    if (!backward(input, part))
      return false;
  }
  return true;
}

bool Placer::backwardAdd(AddOp op, const Carried &carried) {
  Carried slopeOnly = carried;
  slopeOnly.intercept = false;
  if (OpOperand *bias = findBias(op, carried.axis))
    return absorb(op, false, carried) && backward(op->getOperand(1 - bias->getOperandNumber()), slopeOnly);
  if (op.getLhs().getType() != op.getRhs().getType())
    return refuse(describe(op) + " broadcasts");
  return backward(op.getLhs(), carried) && backward(op.getRhs(), slopeOnly);
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
  // Where the value is the weight of a layer, or the second of two inputs, no rule below fits.
  if (use.getOperandNumber() != 0)
    return refuse(describe(op) + " has no weights for its operand " + Twine(use.getOperandNumber()));
  return llvm::TypeSwitch<Operation *, bool>(op)
      .Case<ConvOp>([&](ConvOp conv) {
        if (llvm::any_of(conv.getPads(), [](int64_t pad) { return pad != 0; }))
          return refuse(describe(op) + " pads with zeros, which are not normalized");
        return absorbWeights(op, conv.getWeight(), conv.getBias(), true, carried);
      })
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
  if (!carried.axis.isPlain())
    return refuse(describe(op) + " takes parts of channels");
  Carried part = carried;
  part.axis.channels = count;
  part.range.first += op.getStarts()[dim] * carried.range.step;
  part.range.count = count;
  part.range.step *= op.getSteps()[dim];
  return forward(op.getResult(), part);
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
  placer.placement.legal = (placer.*direction)(value, {axis, {0, axis.channels, 1}, true});
  return placer.placement;
}

Placement bnc::placeBackward(Value value, int64_t dim) { return place(value, dim, &Placer::backward); }
Placement bnc::placeForward(Value value, int64_t dim) { return place(value, dim, &Placer::forward); }
