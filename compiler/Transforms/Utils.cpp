//===- Utils.cpp - what several passes share --------------------------------===//

#include "compiler/Transforms/Utils.h"

#include "compiler/Support/Locations.h"

#include "mlir/IR/Diagnostics.h"
#include "llvm/ADT/MapVector.h"

using namespace mlir;
using namespace bnc;

std::string bnc::describe(Operation *op) {
  std::string text = op->getName().stripDialect().str();
  StringRef node = getNodeName(op->getLoc());
  if (!node.empty())
    text += " '" + node.str() + "'";
  return text;
}

std::string bnc::describeSource(Value value) {
  if (Operation *op = value.getDefiningOp())
    return describe(op);
  auto argument = cast<BlockArgument>(value);
  auto graph = dyn_cast<GraphOp>(argument.getOwner()->getParentOp());
  return graph ? "input '" + graph.getInputName(argument.getArgNumber()).str() + "'" : "a block argument";
}

GraphOp bnc::findGraph(ModuleOp module, GraphKind kind) {
  GraphOp found;
  for (GraphOp graph : module.getOps<GraphOp>()) {
    if (graph.getKind() != kind)
      continue;
    if (found) {
      graph.emitError() << "is the second " << stringifyGraphKind(kind) << " graph of the module; expected one";
      return nullptr;
    }
    found = graph;
  }
  if (!found)
    emitError(module.getLoc()) << "module has no bnc.graph of kind " << stringifyGraphKind(kind);
  return found;
}

LogicalResult bnc::reportForbidden(GraphOp graph, function_ref<StringRef(Operation *)> whyForbidden) {
  struct Group {
    Operation *first;
    StringRef reason;
    unsigned count = 0;
  };
  llvm::MapVector<OperationName, Group> groups;
  graph.walk([&](Operation *op) {
    StringRef reason = whyForbidden(op);
    if (!reason.empty())
      ++groups.insert({op->getName(), Group{op, reason}}).first->second.count;
  });
  for (auto &[name, group] : groups) {
    InFlightDiagnostic diag = group.first->emitOpError() << "has no place in " << stringifyGraphKind(graph.getKind())
                                                         << " graph @" << graph.getSymName();
    if (group.count > 1)
      diag << " (the first of " << group.count << ")";
    diag << ": " << group.reason;
  }
  return success(groups.empty());
}

LogicalResult bnc::checkPhase(ModuleOp module, GraphKind kind) {
  StringRef expected = stringifyGraphKind(kind);
  auto phase = module->getAttrOfType<StringAttr>(kPhaseAttr);
  if (!phase || phase.getValue() != expected)
    return emitError(module.getLoc()) << "module has " << kPhaseAttr << " = "
                                      << (phase ? "\"" + phase.getValue().str() + "\"" : std::string("nothing"))
                                      << "; expected \"" << expected << "\"";
  for (GraphOp graph : module.getOps<GraphOp>())
    if (graph.getKind() == GraphKind::Model)
      return graph.emitOpError() << "is still a model graph; phase " << expected << " has none";
  return success();
}

llvm::SetVector<Operation *> bnc::forwardOps(GraphOp graph) {
  llvm::SetVector<Operation *> found;
  for (Operation &op : graph.getBody().front())
    if (isa<MoveAverageOp, MoveRunningOp>(op))
      found.insert(&op);
  auto insertProducers = [&](ValueRange values) {
    for (Value value : values)
      if (Operation *producer = value.getDefiningOp())
        found.insert(producer);
  };
  insertProducers(getReturn(graph)->getOperands());
  for (size_t i = 0; i < found.size(); ++i) // grows
    insertProducers(found[i]->getOperands());
  return found;
}

ReturnOp bnc::getReturn(GraphOp graph) { return cast<ReturnOp>(graph.getBody().front().getTerminator()); }

void bnc::setResults(GraphOp graph, ValueRange values, ArrayRef<DictionaryAttr> attributes) {
  getReturn(graph).getValuesMutable().assign(values);
  graph.setFunctionType(FunctionType::get(graph.getContext(), graph.getArgumentTypes(), values.getTypes()));
  graph.setAllResultAttrs(attributes);
}

VariableOp bnc::getReadVariable(Value value, SymbolTable &symbols) {
  auto read = value ? value.getDefiningOp<ReadOp>() : nullptr;
  return read ? symbols.lookup<VariableOp>(read.getVariable()) : nullptr;
}

bool bnc::dependsOnVariablesOnly(Value value) {
  SmallVector<Value> pending{value};
  llvm::SmallPtrSet<Operation *, 16> seen;
  while (!pending.empty()) {
    Operation *op = pending.pop_back_val().getDefiningOp();
    if (!op || !isPure(op))
      return false;
    if (seen.insert(op).second)
      llvm::append_range(pending, op->getOperands());
  }
  return true;
}

std::optional<llvm::Regex> bnc::compileRegex(Location loc, StringRef option, StringRef expression) {
  llvm::Regex regex(expression);
  std::string reason;
  if (!regex.isValid(reason)) {
    emitError(loc) << option << "=" << expression << " is no regular expression: " << reason;
    return std::nullopt;
  }
  return regex;
}
