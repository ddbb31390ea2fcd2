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

  void merge(GraphOp graph) {
    SmallVector<Operation *> updates;
    SmallVector<Value> gradients;
    SmallVector<Attribute> parameters;
    OpBuilder builder(graph.getBody().front().getTerminator());
    for (Operation &op : graph.getBody().front())
      if (isa<AdamUpdateOp, SgdUpdateOp>(op)) {
        updates.push_back(&op);
        gradients.push_back(op.getOperand(1));
        parameters.push_back(op.getOperand(0).getDefiningOp<ReadOp>().getVariableAttr());
      }
    if (updates.empty())
      return;
    auto sgd = dyn_cast<SgdUpdateOp>(updates.front());
    auto adam = dyn_cast<AdamUpdateOp>(updates.front());
    OptimizeOp::create(builder, graph.getLoc(), gradients, builder.getArrayAttr(parameters),
                       builder.getStringAttr(sgd ? "sgd" : "adam"), sgd ? sgd.getNesterovAttr() : UnitAttr(),
                       adam ? adam.getDecoupledAttr() : UnitAttr(),
                       builder.getI64IntegerAttr(updates.front()->getNumResults() - 1), nullptr);
    for (Operation *update : updates) {
      for (Operation *user : llvm::make_early_inc_range(update->getUsers()))
        user->erase(); // bnc.assign
      update->erase();
    }
  }
};
} // namespace
