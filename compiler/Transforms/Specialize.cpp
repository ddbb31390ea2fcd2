//===- Specialize.cpp - bnc-specialize --------------------------------------===//

#include "compiler/Transforms/Passes.h"
#include "compiler/Transforms/Utils.h"

namespace bnc {
#define GEN_PASS_DEF_SPECIALIZEPASS
#include "compiler/Transforms/Passes.h.inc"
} // namespace bnc

using namespace mlir;
using namespace bnc;

namespace {
struct SpecializePass : bnc::impl::SpecializePassBase<SpecializePass> {
  using SpecializePassBase::SpecializePassBase;

  void runOnOperation() override {
    GraphOp graph = findGraph(getOperation(), GraphKind::Model);
    if (!graph)
      return signalPassFailure();
    std::string name = (graph.getSymName() + (phase == GraphKind::Training ? "_train" : "_infer")).str();
    if (Operation *other = SymbolTable(getOperation()).lookup(name)) {
      other->emitOpError() << "has the name @" << name << " that the " << stringifyGraphKind(phase) << " graph of @"
                           << graph.getSymName() << " gets; rename it";
      return signalPassFailure();
    }
    graph.setKind(phase);
    graph.setSymName(name);
    getOperation()->setAttr(kPhaseAttr, StringAttr::get(&getContext(), stringifyGraphKind(phase)));
  }
};
} // namespace
