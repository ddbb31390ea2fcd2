//===- ExpandDropout.cpp - bnc-expand-dropout -------------------------------===//

#include "compiler/Transforms/Passes.h"
#include "compiler/Transforms/Utils.h"

namespace bnc {
#define GEN_PASS_DEF_EXPANDDROPOUTPASS
#include "compiler/Transforms/Passes.h.inc"
} // namespace bnc

using namespace mlir;
using namespace bnc;

namespace {
struct ExpandDropoutPass : bnc::impl::ExpandDropoutPassBase<ExpandDropoutPass> {
  void runOnOperation() override {
    GraphOp graph = findGraph(getOperation(), GraphKind::Training);
    if (!graph)
      return signalPassFailure();
    int64_t layer = 0;
    graph.walk([&](DropoutOp op) {
      OpBuilder builder(op);
      int64_t batch = op.getType().getDimSize(0);
      auto keys = DropoutKeysOp::create(builder, op.getLoc(), RankedTensorType::get({batch}, builder.getI32Type()), layer++);
      op.replaceAllUsesWith(ApplyDropoutOp::create(builder, op.getLoc(), op.getInput(), keys, op.getRatio()).getResult());
      op.erase();
    });
  }
};
} // namespace
