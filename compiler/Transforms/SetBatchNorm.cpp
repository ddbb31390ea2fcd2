//===- SetBatchNorm.cpp - bnc-set-batch-norm --------------------------------===//

#include "compiler/Transforms/Passes.h"
#include "compiler/Transforms/Utils.h"

namespace bnc {
#define GEN_PASS_DEF_SETBATCHNORMPASS
#include "compiler/Transforms/Passes.h.inc"
} // namespace bnc

using namespace mlir;
using namespace bnc;

namespace {
struct SetBatchNormPass : bnc::impl::SetBatchNormPassBase<SetBatchNormPass> {
  using SetBatchNormPassBase::SetBatchNormPassBase;

  void runOnOperation() override {
    std::optional<RunningVariance> variance = symbolizeRunningVariance(runningVariance);
    if (!variance && !runningVariance.empty()) {
      emitError(getOperation().getLoc()) << "running-variance=" << runningVariance << " is neither population nor sample";
      return signalPassFailure();
    }
    SymbolTable symbols(getOperation());
    unsigned seen = 0;
    getOperation().walk([&](BatchNormOp op) {
      ++seen;
      Builder builder(op.getContext());
      if (epsilon >= 0)
        op.setEpsilonAttr(builder.getF64FloatAttr(epsilon));
      if (!op.getMean() || op.getFrozen())
        return; // nothing runs
      if (decay >= 0)
        op.setDecayAttr(builder.getF64FloatAttr(decay));
      if (variance)
        op.setRunningVariance(*variance);
      if (cumulative && !op.getCumulative())
        count(op, symbols);
    });
    if (seen)
      return;
    emitError(getOperation().getLoc()) << "has no batch normalization whose decay, epsilon or running variance could be set";
    signalPassFailure();
  }

private:
  static void count(BatchNormOp op, SymbolTable &symbols) {
    VariableOp mean = getReadVariable(op.getMean(), symbols);
    if (!mean)
      return; // which bnc-expand-batch-norm reports
    StringRef name = mean.getSymName();
    size_t last = name.find_last_of("./");
    std::string counter = (last == StringRef::npos ? "" : name.take_front(last + 1)).str() + "num_batches_tracked";
    auto type = RankedTensorType::get({}, cast<RankedTensorType>(mean.getType()).getElementType());
    auto variable = symbols.lookup<VariableOp>(counter);
    if (!variable) {
      OpBuilder builder(mean);
      builder.setInsertionPointAfter(mean);
      variable = VariableOp::create(builder, op.getLoc(), Collection::BatchStats, counter, type);
      symbols.insert(variable);
    }
    OpBuilder builder(op);
    Value read = ReadOp::create(builder, op.getLoc(), type, FlatSymbolRefAttr::get(variable));
    op.getCountMutable().assign(read);
    op.setCumulative(true);
  }
};
} // namespace
