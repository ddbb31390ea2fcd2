//===- Freeze.cpp - bnc-freeze ----------------------------------------------===//

#include "compiler/Support/Locations.h"
#include "compiler/Transforms/Passes.h"
#include "compiler/Transforms/Utils.h"

namespace bnc {
#define GEN_PASS_DEF_FREEZEPASS
#include "compiler/Transforms/Passes.h.inc"
} // namespace bnc

using namespace mlir;
using namespace bnc;

static bool matches(BatchNormOp op, const llvm::Regex &regex) {
  for (StringRef node : getNodeNames(op.getLoc()))
    if (regex.match(node))
      return true;
  return llvm::any_of(op->getOperands(), [&](Value operand) {
    auto read = operand.getDefiningOp<ReadOp>();
    return read && regex.match(read.getVariable());
  });
}

namespace {
struct FreezePass : bnc::impl::FreezePassBase<FreezePass> {
  using FreezePassBase::FreezePassBase;

  void runOnOperation() override {
    std::optional<llvm::Regex> expression = compileRegex(getOperation().getLoc(), "freeze", regex);
    if (!expression)
      return signalPassFailure();
    unsigned seen = 0, matched = 0;
    getOperation().walk([&](BatchNormOp op) {
      ++seen;
      if (!matches(op, *expression))
        return;
      ++matched;
      op.setFrozen(true);
      op.setCumulative(false); // frozen statistics do not move, so nothing is counted
      op.getCountMutable().clear();
    });
    if (matched)
      return;
    emitError(getOperation().getLoc()) << "freeze=" << regex << " matches none of the " << seen
                                       << " batch normalizations; it is searched in names of nodes and variables, "
                                       << "which 'bnc inspect --operations' lists";
    signalPassFailure();
  }
};
} // namespace
