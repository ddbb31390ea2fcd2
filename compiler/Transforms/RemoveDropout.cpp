//===- RemoveDropout.cpp - bnc-remove-dropout -------------------------------===//

#include "compiler/Transforms/Passes.h"

namespace bnc {
#define GEN_PASS_DEF_REMOVEDROPOUTPASS
#include "compiler/Transforms/Passes.h.inc"
} // namespace bnc

using namespace mlir;
using namespace bnc;

namespace {
struct RemoveDropoutPass : bnc::impl::RemoveDropoutPassBase<RemoveDropoutPass> {
  void runOnOperation() override {
    for (GraphOp graph : getOperation().getOps<GraphOp>())
      if (graph.getKind() == GraphKind::Inference)
        graph.walk([](DropoutOp op) {
          op.getResult().replaceAllUsesWith(op.getInput());
          op.erase();
        });
  }
};
} // namespace
