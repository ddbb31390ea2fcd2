//===- ReportCarried.cpp - bnc-report-carried --------------------------------===//

#include "compiler/Transforms/Passes.h"
#include "compiler/Transforms/Utils.h"

#include "mlir/IR/Diagnostics.h"
#include "mlir/Pass/PassManager.h"
#include "llvm/ADT/SetVector.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/ADT/StringSet.h"

namespace bnc {
#define GEN_PASS_DEF_REPORTCARRIEDPASS
#include "compiler/Transforms/Passes.h.inc"
} // namespace bnc

using namespace mlir;
using namespace bnc;

constexpr llvm::StringLiteral kIndexAttr = "bnc.index"; // finds an affine again in the copy

/// True if `op` needs, step by step, what `affine` makes.
static bool reads(Operation *op, Operation *affine) {
  SmallVector<Operation *> pending{op};
  llvm::SmallPtrSet<Operation *, 16> seen;
  while (!pending.empty())
    for (Value operand : pending.pop_back_val()->getOperands()) {
      Operation *producer = operand.getDefiningOp();
      if (producer == affine)
        return true;
      if (producer && seen.insert(producer).second)
        pending.push_back(producer);
    }
  return false;
}

/// What a kernel computes besides `affine` that needs a kernel anyway; empty if there is nothing.
static std::string describeCarrier(KernelOp kernel, AffineOp affine) {
  Block &body = kernel.getBody().front();
  for (Operation &op : body)
    if (isAnchor(&op))
      return (reads(&op, affine) ? "the load of " : "the store of ") + describe(&op);
  for (Operation &op : llvm::reverse(body.without_terminator()))
    if (!isa<ConstantOp>(op) && !op.hasAttr(kIndexAttr))
      return describe(&op);
  return "";
}

namespace {
struct ReportCarriedPass : bnc::impl::ReportCarriedPassBase<ReportCarriedPass> {
  using ReportCarriedPassBase::ReportCarriedPassBase;

  void runOnOperation() override {
    GraphOp graph = findGraph(getOperation(), GraphKind::Inference);
    if (!graph)
      return signalPassFailure();
    SmallVector<AffineOp> affines;
    for (auto affine : graph.getBody().getOps<AffineOp>())
      if (affine->hasAttr(kRuleAttr)) {
        affine->setAttr(kIndexAttr, IntegerAttr::get(IntegerType::get(&getContext(), 64), affines.size()));
        affines.push_back(affine);
      }
    if (affines.empty())
      return;
    SmallVector<llvm::SmallSetVector<StringRef, 2>> carriers(affines.size());
    OwningOpRef<ModuleOp> copy(getOperation().clone());
    bool formed = formKernels(*copy);
    if (formed)
      copy->walk([&](AffineOp affine) {
        if (auto kernel = affine->getParentOfType<KernelOp>())
          if (std::string carrier = describeCarrier(kernel, affine); !carrier.empty())
            carriers[affine->getAttrOfType<IntegerAttr>(kIndexAttr).getInt()].insert(names.insert(carrier).first->getKey());
      });
    bool failed = false;
    for (auto [affine, found] : llvm::zip(affines, carriers)) {
      StringRef rule = affine->getAttrOfType<StringAttr>(kRuleAttr).getValue();
      if (!found.empty())
        emitRemark(affine.getLoc()) << "carried by " << llvm::join(found, ", ") << ": " << rule;
      else if (strict)
        emitError(affine.getLoc()) << "is neither folded nor carried by a neighbour's kernel: " << rule
                                   << "; use --fold=on to give it a kernel of its own";
      else
        emitRemark(affine.getLoc()) << (formed ? "gets a kernel of its own: " : "stays an affine: ") << rule;
      failed |= strict && found.empty();
      affine->removeAttr(kRuleAttr);
      affine->removeAttr(kIndexAttr);
    }
    if (failed)
      signalPassFailure();
  }

private:
  /// False, without a word, if there are no kernels for this graph: that is for the passes that make them to say.
  bool formKernels(ModuleOp module) {
    ScopedDiagnosticHandler silence(&getContext(), [](Diagnostic &) { return success(); });
    PassManager manager(&getContext());
    manager.addPass(createLowerNormalizationPass());
    manager.addPass(createFormKernelsPass());
    return succeeded(manager.run(module));
  }

  llvm::StringSet<> names;
};
} // namespace
