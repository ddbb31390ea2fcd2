//===- VerifyTraining.cpp - bnc-verify-training -----------------------------===//

#include "compiler/Transforms/Passes.h"
#include "compiler/Transforms/Utils.h"

namespace bnc {
#define GEN_PASS_DEF_VERIFYTRAININGPASS
#include "compiler/Transforms/Passes.h.inc"
} // namespace bnc

using namespace mlir;
using namespace bnc;

/// Why an op may not be in a training graph; empty if it may.
static StringRef whyForbidden(Operation *op) {
  if (isa<BatchNormOp>(op))
    return "bnc-expand-batch-norm writes it as statistics, normalization and update";
  if (isa<RunningAverageOp>(op))
    return "bnc-expand-running-average writes it as bnc.update_average";
  if (isa<DropoutOp>(op))
    return "bnc-expand-dropout writes it as keys and their application";
  if (isa<AddBorderBiasOp, FoldAddOp, FoldBorderShiftOp, FoldCoefficientsOp, FoldScaleOp, FoldShiftOp>(op))
    return "weights fold in inference only";
  return {};
}

namespace {
struct VerifyTrainingPass : bnc::impl::VerifyTrainingPassBase<VerifyTrainingPass> {
  void runOnOperation() override {
    markAllAnalysesPreserved();
    GraphOp graph = findGraph(getOperation(), GraphKind::Training);
    if (!graph)
      return signalPassFailure();
    bool failed = mlir::failed(reportForbidden(graph, whyForbidden));
    failed |= mlir::failed(checkPhase(getOperation(), GraphKind::Training));
    failed |= mlir::failed(checkSignature(graph));
    SymbolTable symbols(getOperation());
    graph.walk([&](AssignOp op) { failed |= mlir::failed(checkAssignment(op, symbols)); });
    if (failed)
      signalPassFailure();
  }

private:
  static LogicalResult checkSignature(GraphOp graph) {
    unsigned last = graph.getNumArguments() - 1, results = graph.getNumResults();
    if (graph.getNumArguments() > results && graph.getArgAttr(last, kOutputGradientAttr)) {
      for (unsigned i = 0; i < results; ++i) {
        auto output = graph.getArgAttrOfType<IntegerAttr>(graph.getNumArguments() - results + i, kOutputGradientAttr);
        if (!output || output.getInt() != i)
          return graph.emitOpError() << "has no argument for the gradient of its result " << i;
      }
      return success();
    }
    if (graph.getNumArguments() == 0 || graph.getInputName(last) != "labels")
      return graph.emitOpError() << "has no labels; its last input is called 'labels'";
    ReturnOp terminator = getReturn(graph);
    auto loss = terminator.getNumOperands() == 2 ? terminator.getValues()[0].getDefiningOp<LossOp>() : nullptr;
    if (!loss || terminator.getValues()[1] != loss.getCorrect())
      return graph.emitOpError() << "does not return the losses and correctness flags of a bnc.loss, and these only";
    return success();
  }

  static LogicalResult checkAssignment(AssignOp op, SymbolTable &symbols) {
    auto variable = symbols.lookup<VariableOp>(op.getVariable());
    if (variable.getCollection() == Collection::Params && !variable.getTrainable())
      return op.emitOpError() << "moves @" << op.getVariable() << ", which is not trainable";
    return success();
  }
};
} // namespace
