//===- AddOptimizer.cpp - bnc-add-optimizer ---------------------------------===//

#include "compiler/Transforms/Passes.h"
#include "compiler/Transforms/Utils.h"
#include "ir/Optimizers.h"

#include <memory>

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
    if (!graph || failed(readOptions()) || failed(addOptimizer(graph)))
      signalPassFailure();
  }

private:
  LogicalResult readOptions() {
    Location loc = getOperation().getLoc();
    kind = OptimizerKind::parse(optimizer);
    if (!kind)
      return emitError(loc) << "optimizer=" << optimizer << " is no optimizer; expected a spelling of ir/Optimizers.h, "
                            << "such as adam or sgd:momentum,nesterov";
    if (exempt.empty())
      return success();
    if (!kind->hasNumber("weight-decay"))
      return emitError(loc) << "optimizer " << optimizer << " has no weight decay from which no-weight-decay=" << exempt
                            << " could except parameters";
    std::optional<llvm::Regex> compiled = compileRegex(loc, "no-weight-decay", exempt);
    if (compiled)
      expression = std::make_shared<llvm::Regex>(std::move(*compiled));
    return success(compiled.has_value());
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
    if (expression && matched == 0)
      return emitError(graph.getLoc()) << "no-weight-decay=" << exempt << " matches none of the "
                                       << graph.getNumResults() - results.size() << " parameters that are trained, which 'bnc inspect' lists";
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
    for (StringRef slot : kind->slots()) {
      FailureOr<FlatSymbolRefAttr> symbol = createSlot(slot, variable);
      if (failed(symbol))
        return failure();
      assigned.push_back(*symbol);
      state.push_back(ReadOp::create(builder, loc, variable.getType(), *symbol));
    }
    Value value = ReadOp::create(builder, loc, variable.getType(), parameter);
    bool exempted = expression && expression->match(variable.getSymName());
    matched += exempted;
    auto update = OptimizerUpdateOp::create(builder, loc, optimizer, value, gradient, state, exempted);
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

  std::optional<OptimizerKind> kind;
  std::shared_ptr<llvm::Regex> expression; // parameters without weight decay; passes are copied
  unsigned matched = 0;
};
} // namespace
