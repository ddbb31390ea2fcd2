//===- MergeUpdates.cpp - one optimizer step for all parameters ----------------===//

#include "compiler/Transforms/Passes.h"

using namespace mlir;
using namespace bnc;

namespace bnc {
#define GEN_PASS_DEF_MERGEUPDATESPASS
#include "compiler/Transforms/Passes.h.inc"
} // namespace bnc

namespace {
struct MergeUpdatesPass : bnc::impl::MergeUpdatesPassBase<MergeUpdatesPass> {
  void runOnOperation() override {
    for (GraphOp graph : getOperation().getOps<GraphOp>())
      if (graph.getKind() == GraphKind::Training)
        merge(graph);
  }

  /// One step for the parameters with weight decay, one for those without.
  void merge(GraphOp graph) {
    for (bool exempt : {false, true}) {
      SmallVector<OptimizerUpdateOp> updates;
      for (auto update : graph.getBody().front().getOps<OptimizerUpdateOp>())
        if (update.getNoWeightDecay() == exempt)
          updates.push_back(update);
      if (!updates.empty())
        merge(graph, updates);
    }
  }

  void merge(GraphOp graph, ArrayRef<OptimizerUpdateOp> updates) {
    OpBuilder builder(graph.getBody().front().getTerminator());
    SmallVector<Value> gradients;
    SmallVector<Attribute> parameters;
    for (OptimizerUpdateOp update : updates) {
      gradients.push_back(update.getGradient());
      parameters.push_back(update.getValue().getDefiningOp<ReadOp>().getVariableAttr());
    }
    OptimizerUpdateOp first = updates.front();
    OptimizeOp::create(builder, graph.getLoc(), gradients, builder.getArrayAttr(parameters), first.getOptimizerAttr(),
                       first.getNoWeightDecayAttr(), nullptr);
    for (OptimizerUpdateOp update : updates) {
      for (Operation *user : llvm::make_early_inc_range(update->getUsers()))
        user->erase(); // bnc.assign
      update.erase();
    }
  }
};
} // namespace
