//===- SetTrainable.cpp - bnc-set-trainable ---------------------------------===//

#include "compiler/Transforms/Passes.h"
#include "compiler/Transforms/Utils.h"

namespace bnc {
#define GEN_PASS_DEF_SETTRAINABLEPASS
#include "compiler/Transforms/Passes.h.inc"
} // namespace bnc

using namespace mlir;
using namespace bnc;

namespace {
struct SetTrainablePass : bnc::impl::SetTrainablePassBase<SetTrainablePass> {
  using SetTrainablePassBase::SetTrainablePassBase;

  void runOnOperation() override {
    std::optional<llvm::Regex> expression = compileRegex(getOperation().getLoc(), "trainable", regex);
    if (!expression)
      return signalPassFailure();
    unsigned seen = 0, matched = 0;
    for (VariableOp variable : getOperation().getOps<VariableOp>()) {
      if (variable.getCollection() != Collection::Params)
        continue;
      ++seen;
      bool trainable = expression->match(variable.getSymName());
      matched += trainable;
      variable.setTrainable(trainable);
    }
    if (matched)
      return;
    emitError(getOperation().getLoc()) << "trainable=" << regex << " matches none of the " << seen
                                       << " parameters, which 'bnc inspect' lists; there would be nothing to train";
    signalPassFailure();
  }
};
} // namespace
