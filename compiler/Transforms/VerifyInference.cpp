//===- VerifyInference.cpp - bnc-verify-inference ---------------------------===//

#include "compiler/Transforms/Passes.h"
#include "compiler/Transforms/Utils.h"

namespace bnc {
#define GEN_PASS_DEF_VERIFYINFERENCEPASS
#include "compiler/Transforms/Passes.h.inc"
} // namespace bnc

using namespace mlir;
using namespace bnc;

/// Why an op may not be in an inference graph; empty if it may.
static StringRef whyForbidden(Operation *op) {
  if (isa<BatchNormOp>(op))
    return "bnc-fold-batch-norm folds it or makes it a bnc.affine";
  if (auto normalize = dyn_cast<NormalizeOp>(op); normalize && !normalize.getBatchStats())
    return "inference folds batch normalization or carries it as bnc.affine";
  if (isa<UpdateAverageOp, RunningAverageOp>(op))
    return "inference reads the average; bnc-expand-running-average does that";
  if (isa<DropoutOp>(op))
    return "it is the identity in inference; bnc-remove-dropout removes it";
  if (isa<ApplyDropoutOp, AssignOp, DropoutKeysOp, OptimizerUpdateOp, UpdateRunningOp>(op))
    return "inference leaves variables as they are";
  if (isa<ActivationGradientOp, AvgPoolGradientOp, ConvInputGradientOp, ConvWeightGradientOp,
          DenseWeightGradientOp, GradientSumsOp, LossGradientOp, LossOp, MaxPoolGradientOp,
          UpdateAverageGradientOp, NormalizeGradientOp,
          ScaleGradientOp>(op))
    return "it belongs to the training step";
  auto isDouble = [](Value value) { return cast<RankedTensorType>(value.getType()).getElementType().isF64(); };
  if (llvm::any_of(op->getResults(), [&](Value value) { return isDouble(value) && !dependsOnVariablesOnly(value); }))
    return "it computes in f64 from inputs; f64 is for folding variables";
  if (isa<FoldAddOp, FoldBorderShiftOp, FoldCoefficientsOp, FoldScaleOp, FoldShiftOp>(op) &&
      !llvm::all_of(op->getResults(), dependsOnVariablesOnly))
    return "it folds what depends on inputs";
  return {};
}

namespace {
struct VerifyInferencePass : bnc::impl::VerifyInferencePassBase<VerifyInferencePass> {
  void runOnOperation() override {
    markAllAnalysesPreserved();
    GraphOp graph = findGraph(getOperation(), GraphKind::Inference);
    if (!graph)
      return signalPassFailure();
    bool failed = mlir::failed(reportForbidden(graph, whyForbidden));
    failed |= mlir::failed(checkPhase(getOperation(), GraphKind::Inference));
    if (failed)
      signalPassFailure();
  }
};
} // namespace
