//===- ExpandRunningAverage.cpp - bnc-expand-running-average ----------------===//

#include "compiler/Transforms/Passes.h"
#include "compiler/Transforms/Utils.h"

#include "llvm/ADT/MapVector.h"

namespace bnc {
#define GEN_PASS_DEF_EXPANDRUNNINGAVERAGEPASS
#include "compiler/Transforms/Passes.h.inc"
} // namespace bnc

using namespace mlir;
using namespace bnc;

namespace {
struct ExpandRunningAveragePass : bnc::impl::ExpandRunningAveragePassBase<ExpandRunningAveragePass> {
  using ExpandRunningAveragePassBase::ExpandRunningAveragePassBase;

  void runOnOperation() override {
    GraphOp graph = findGraph(getOperation(), phase);
    if (!graph)
      return signalPassFailure();
    SymbolTable symbols(getOperation());
    llvm::MapVector<StringAttr, std::pair<Value, Location>> moved;
    for (auto op : llvm::make_early_inc_range(graph.getBody().front().getOps<RunningAverageOp>())) {
      Value result = op.getAverage();
      if (phase == GraphKind::Training) {
        VariableOp variable = getReadVariable(op.getAverage(), symbols);
        if (!variable || variable.getCollection() != Collection::BatchStats) {
          op.emitOpError() << "has an average that training cannot move; expected bnc.read of a variable in batch_stats";
          return signalPassFailure();
        }
        OpBuilder builder(op);
        auto found = moved.find(variable.getSymNameAttr());
        Value before = found == moved.end() ? result : found->second.first;
        result = UpdateAverageOp::create(builder, op.getLoc(), op.getType(), op.getInput(), before, op.getDecayAttr());
        moved.insert_or_assign(variable.getSymNameAttr(), std::pair(result, op.getLoc()));
      }
      op.getResult().replaceAllUsesWith(result);
      op.erase();
    }
    OpBuilder builder(getReturn(graph));
    for (auto &[variable, value] : moved)
      AssignOp::create(builder, value.second, FlatSymbolRefAttr::get(variable), value.first);
  }
};
} // namespace
