//===- Differentiate.cpp - bnc-differentiate --------------------------------===//

#include "compiler/Transforms/Passes.h"
#include "compiler/Transforms/ReverseSweep.h"
#include "compiler/Transforms/Utils.h"

namespace bnc {
#define GEN_PASS_DEF_DIFFERENTIATEPASS
#include "compiler/Transforms/Passes.h.inc"
} // namespace bnc

using namespace mlir;
using namespace bnc;

/// One read per variable: its gradient is then the sum over all uses. The reads, by variable.
static llvm::DenseMap<StringAttr, ReadOp> mergeReads(Block &block) {
  llvm::DenseMap<StringAttr, ReadOp> reads;
  for (ReadOp read : llvm::make_early_inc_range(block.getOps<ReadOp>())) {
    auto [first, inserted] = reads.try_emplace(read.getVariableAttr().getAttr(), read);
    if (inserted)
      continue;
    read.getResult().replaceAllUsesWith(first->second.getResult());
    read.erase();
  }
  return reads;
}

namespace {
struct DifferentiatePass : bnc::impl::DifferentiatePassBase<DifferentiatePass> {
  void runOnOperation() override {
    GraphOp graph = findGraph(getOperation(), GraphKind::Training);
    if (!graph || failed(differentiate(graph)))
      signalPassFailure();
  }

private:
  LogicalResult differentiate(GraphOp graph) {
    Block &block = graph.getBody().front();
    SmallVector<Value> outputs, seeds;
    for (BlockArgument argument : graph.getArguments())
      if (auto output = graph.getArgAttrOfType<IntegerAttr>(argument.getArgNumber(), kOutputGradientAttr)) {
        outputs.push_back(getReturn(graph).getValues()[output.getInt()]);
        seeds.push_back(argument);
      }
    auto losses = block.getOps<LossOp>();
    if (seeds.empty() && !llvm::hasSingleElement(losses))
      return graph.emitOpError() << "has " << std::distance(losses.begin(), losses.end())
                                 << " bnc.loss ops; expected the one that bnc-add-loss adds";

    llvm::DenseMap<StringAttr, ReadOp> reads = mergeReads(block);
    SmallVector<VariableOp> parameters;
    SmallVector<Value> wanted;
    for (VariableOp variable : getOperation().getOps<VariableOp>()) {
      if (variable.getCollection() != Collection::Params || !variable.getTrainable())
        continue;
      if (ReadOp read = reads.lookup(variable.getSymNameAttr())) {
        parameters.push_back(variable);
        wanted.push_back(read);
      } else {
        remarkNoPath(variable);
      }
    }
    if (wanted.empty())
      return graph.emitOpError() << "reads no trainable parameter; there is nothing to train: compile it with phase=infer";

    OpBuilder builder(getReturn(graph));
    if (seeds.empty()) {
      LossOp loss = *losses.begin();
      outputs.push_back(loss.getOutput());
      seeds.push_back(LossGradientOp::create(builder, loss.getLoc(), loss.getKind(), loss.getOutput(), loss.getLabels(),
                                             loss.getLabelSmoothing()));
    }
    FailureOr<SmallVector<Value>> gradients = bnc::differentiate(builder, outputs, seeds, wanted);
    if (failed(gradients))
      return failure();
    return returnGradients(graph, parameters, *gradients);
  }

  LogicalResult returnGradients(GraphOp graph, ArrayRef<VariableOp> parameters, ArrayRef<Value> gradients) {
    SmallVector<Value> results(getReturn(graph).getValues());
    SmallVector<DictionaryAttr> attributes;
    for (unsigned i = 0; i < results.size(); ++i)
      attributes.push_back(DictionaryAttr::get(&getContext(), graph.getResultAttrs(i)));
    bool any = false;
    for (auto [index, gradient] : llvm::enumerate(gradients)) {
      VariableOp variable = parameters[index];
      if (!gradient) {
        remarkNoPath(variable);
        continue;
      }
      any = true;
      assert(gradient.getType() == variable.getType() && "a gradient has its parameter's type");
      results.push_back(gradient);
      NamedAttribute of(kGradientAttr, FlatSymbolRefAttr::get(variable.getSymNameAttr()));
      attributes.push_back(DictionaryAttr::get(&getContext(), of));
    }
    if (!any)
      return graph.emitOpError() << "has no path from a trainable parameter to its loss; there is nothing to train";
    setResults(graph, results, attributes);
    return success();
  }

  static void remarkNoPath(VariableOp variable) {
    emitRemark(variable.getLoc()) << "parameter @" << variable.getSymName()
                                  << " does not influence the loss; training leaves it as it is";
  }
};
} // namespace
