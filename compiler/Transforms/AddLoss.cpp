//===- AddLoss.cpp - bnc-add-loss -------------------------------------------===//

#include "compiler/Transforms/Passes.h"
#include "compiler/Transforms/Utils.h"

namespace bnc {
#define GEN_PASS_DEF_ADDLOSSPASS
#include "compiler/Transforms/Passes.h.inc"
} // namespace bnc

using namespace mlir;
using namespace bnc;

static constexpr llvm::StringLiteral kLabels = "labels";

/// (N, C) and (N, C, 1, ...) hold one vector of C per sample.
static bool isVectorPerSample(RankedTensorType type) {
  return type.getRank() >= 2 && llvm::all_of(type.getShape().drop_front(2), [](int64_t size) { return size == 1; });
}

/// The activation that `kind` holds itself, at the end of the graph (perhaps behind reshapes that keep one vector per
/// sample); null if the graph does not end in one.
static Operation *findFinalActivation(Value output, LossKind kind) {
  auto typeOf = [](Value value) { return cast<RankedTensorType>(value.getType()); };
  while (auto reshape = output.getDefiningOp<ReshapeOp>()) {
    if (!isVectorPerSample(reshape.getType()) || !isVectorPerSample(typeOf(reshape.getInput())))
      break;
    output = reshape.getInput();
  }
  Operation *op = output.getDefiningOp();
  if (kind == LossKind::BceWithLogits)
    return isa_and_nonnull<SigmoidOp>(op) ? op : nullptr;
  if (kind != LossKind::SoftmaxCrossEntropy || !isVectorPerSample(typeOf(output)))
    return nullptr;
  if (auto softmax = dyn_cast_or_null<SoftmaxOp>(op))
    return softmax.getAxis() == 1 ? op : nullptr;
  if (auto softmax = dyn_cast_or_null<LogSoftmaxOp>(op))
    return softmax.getAxis() == 1 ? op : nullptr;
  return nullptr;
}

namespace {
struct AddLossPass : bnc::impl::AddLossPassBase<AddLossPass> {
  using AddLossPassBase::AddLossPassBase;

  void runOnOperation() override {
    GraphOp graph = findGraph(getOperation(), GraphKind::Training);
    if (!graph || failed(addLoss(graph)))
      signalPassFailure();
  }

private:
  LogicalResult addLoss(GraphOp graph) {
    unsigned outputs = graph.getResultTypes().size();
    if (outputs != 1)
      return graph.emitOpError() << "has " << outputs << " outputs; training needs exactly one, which the loss is of, "
                                 << "or loss=custom, where the program gives the gradient of each";
    for (unsigned i = 0; i < graph.getNumArguments(); ++i)
      if (graph.getInputName(i) == kLabels)
        return graph.emitOpError() << "has an input named 'labels', the name of the labels in training; rename it";

    ReturnOp terminator = getReturn(graph);
    OpBuilder builder(terminator);
    Value output = terminator.getValues().front();
    Location loc = output.getLoc();
    if (Operation *activation = findFinalActivation(output, kind)) {
      activation->emitRemark() << activation->getName().stripDialect()
                               << " at the end is stripped in training: " << stringifyLossKind(kind) << " contains it";
      output = activation->getOperand(0);
      loc = activation->getLoc();
    }
    if (kind != LossKind::SoftmaxCrossEntropy && (labelSmoothing != 0 || probabilities))
      return emitError(graph.getLoc()) << "label smoothing and probabilities as labels belong to softmax_cross_entropy, not to "
                                       << stringifyLossKind(kind);
    auto type = cast<RankedTensorType>(output.getType());
    auto labelsType = type;
    if (kind == LossKind::SoftmaxCrossEntropy) {
      if (!isVectorPerSample(type))
        return graph.emitOpError() << "has the output '" << graph.getOutputName(0) << "' of type " << type
                                   << "; softmax_cross_entropy needs (N, classes), other losses take any shape";
      if (type.getDimSize(1) < 2)
        return graph.emitOpError() << "has the output '" << graph.getOutputName(0) << "' of type " << type
                                   << ", a single class; use bce_with_logits or mse";
      if (type.getRank() > 2) {
        int64_t batch = type.isDynamicDim(0) ? -1 : type.getDimSize(0);
        output = ReshapeOp::create(builder, loc, output, builder.getDenseI64ArrayAttr({batch, type.getDimSize(1)}));
      }
      labelsType = probabilities ? cast<RankedTensorType>(output.getType())
                                 : RankedTensorType::get({type.getDimSize(0)}, builder.getI32Type());
    } else if (type.getRank() < 2) {
      return graph.emitOpError() << "has the output '" << graph.getOutputName(0) << "' of type " << type << "; "
                                 << stringifyLossKind(kind) << " needs (N, values...)";
    }

    NamedAttribute name(kNameAttr, builder.getStringAttr(kLabels));
    if (failed(
            graph.insertArgument(graph.getNumArguments(), labelsType, builder.getDictionaryAttr(name), graph.getLoc())))
      return failure();
    auto loss = LossOp::create(builder, loc, kind, output, graph.getArguments().back(), APFloat(labelSmoothing.getValue()));
    auto named = [&](StringRef text) {
      return builder.getDictionaryAttr(NamedAttribute(kNameAttr, builder.getStringAttr(text)));
    };
    setResults(graph, loss.getResults(), {named("losses"), named("correct")});
    return success();
  }
};
} // namespace
