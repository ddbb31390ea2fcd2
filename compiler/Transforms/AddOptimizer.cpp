//===- AddOptimizer.cpp - bnc-add-optimizer ---------------------------------===//

#include "compiler/Transforms/Passes.h"
#include "compiler/Transforms/Utils.h"

namespace bnc {
#define GEN_PASS_DEF_ADDOPTIMIZERPASS
#include "compiler/Transforms/Passes.h.inc"
} // namespace bnc

using namespace mlir;
using namespace bnc;

namespace {
struct AddOptimizerPass : bnc::impl::AddOptimizerPassBase<AddOptimizerPass> {
  using AddOptimizerPassBase::AddOptimizerPassBase;

  void runOnOperation() override {
    GraphOp graph = findGraph(getOperation(), GraphKind::Training);
    if (!graph || failed(checkOptions()) || failed(addOptimizer(graph)))
      signalPassFailure();
  }

private:
  LogicalResult checkOptions() {
    Location loc = getOperation().getLoc();
    if (algorithm != Optimizer::Sgd && (momentum || nesterov))
      return emitError(loc) << "momentum and nesterov are options of sgd; adam and adamw have their own moments";
    if (nesterov && !momentum)
      return emitError(loc) << "nesterov looks ahead along the momentum; give sgd a momentum too";
    return success();
  }

  SmallVector<StringRef> slots() const {
    if (algorithm != Optimizer::Sgd)
      return {"first_moment", "second_moment"};
    return momentum ? SmallVector<StringRef>{"momentum"} : SmallVector<StringRef>{};
  }

  LogicalResult addOptimizer(GraphOp graph) {
    SmallVector<Value> results;
    SmallVector<DictionaryAttr> attributes;
    OpBuilder builder(getReturn(graph));
    for (auto [index, value] : llvm::enumerate(getReturn(graph).getValues())) {
      auto of = graph.getResultAttrOfType<FlatSymbolRefAttr>(index, kGradientAttr);
      if (!of) {
        results.push_back(value);
        attributes.push_back(DictionaryAttr::get(&getContext(), graph.getResultAttrs(index)));
      } else if (failed(updateParameter(builder, graph, of, value))) {
        return failure();
      }
    }
    if (results.size() == graph.getNumResults())
      return graph.emitOpError() << "returns no gradients; run bnc-differentiate first";
    setResults(graph, results, attributes);
    return success();
  }

  LogicalResult updateParameter(OpBuilder &builder, GraphOp graph, FlatSymbolRefAttr parameter, Value gradient) {
    auto variable = SymbolTable::lookupNearestSymbolFrom<VariableOp>(graph, parameter);
    if (!variable)
      return graph.emitOpError() << "returns the gradient of " << parameter << ", which is no bnc.variable";
    Location loc = variable.getLoc();
    SmallVector<FlatSymbolRefAttr> assigned{parameter};
    SmallVector<Value> state;
    for (StringRef slot : slots()) {
      FailureOr<FlatSymbolRefAttr> symbol = createSlot(slot, variable);
      if (failed(symbol))
        return failure();
      assigned.push_back(*symbol);
      state.push_back(ReadOp::create(builder, loc, variable.getType(), *symbol));
    }
    Value value = ReadOp::create(builder, loc, variable.getType(), parameter);
    Operation *update;
    if (algorithm == Optimizer::Sgd)
      update = SgdUpdateOp::create(builder, loc, value, gradient, momentum ? state[0] : Value(), nesterov);
    else
      update = AdamUpdateOp::create(builder, loc, value, gradient, state[0], state[1],
                                    /*decoupled=*/algorithm == Optimizer::AdamW);
    for (auto [symbol, result] : llvm::zip_equal(assigned, update->getResults()))
      AssignOp::create(builder, loc, symbol, result);
    return success();
  }

  /// Declares the variable of a slot behind the last variable.
  FailureOr<FlatSymbolRefAttr> createSlot(StringRef slot, VariableOp parameter) {
    std::string name = ("bnc.optimizer/" + slot + "/" + parameter.getSymName()).str();
    if (Operation *other = SymbolTable::lookupSymbolIn(getOperation(), name)) {
      other->emitOpError() << "has the name @\"" << name << "\" of the optimizer's own state; rename it";
      return failure();
    }
    auto builder = OpBuilder::atBlockBegin(getOperation().getBody());
    for (VariableOp last : getOperation().getOps<VariableOp>())
      builder.setInsertionPointAfter(last);
    VariableOp::create(builder, parameter.getLoc(), Collection::Optimizer, name, parameter.getType());
    return FlatSymbolRefAttr::get(&getContext(), name);
  }
};
} // namespace
