//===- BncOps.cpp - parsing, verification and folding of ops ----------------===//
//
// Rules on shapes are in BncInferTypes.cpp: an op whose result type can be inferred is well formed.
//
//===----------------------------------------------------------------------===//

#include "ir/BncOps.h"

#include "mlir/IR/Builders.h"
#include "mlir/Interfaces/FunctionImplementation.h"

#include <cmath>

using namespace mlir;
using namespace bnc;

#define GET_OP_CLASSES
#include "ir/BncOps.cpp.inc"

//===----------------------------------------------------------------------===//
// Graphs and variables
//===----------------------------------------------------------------------===//

void GraphOp::build(OpBuilder &builder, OperationState &state, GraphKind kind, StringRef name, FunctionType type) {
  state.addAttribute(getKindAttrName(state.name), GraphKindAttr::get(builder.getContext(), kind));
  state.addAttribute(getSymNameAttrName(state.name), builder.getStringAttr(name));
  state.addAttribute(getFunctionTypeAttrName(state.name), TypeAttr::get(type));
  state.addRegion();
}

ParseResult GraphOp::parse(OpAsmParser &parser, OperationState &result) {
  StringRef keyword;
  SMLoc loc = parser.getCurrentLocation();
  if (parser.parseKeyword(&keyword))
    return failure();
  std::optional<GraphKind> kind = symbolizeGraphKind(keyword);
  if (!kind)
    return parser.emitError(loc) << "expected the kind of the graph: model, training or inference";
  result.addAttribute(getKindAttrName(result.name), GraphKindAttr::get(parser.getContext(), *kind));
  auto buildType = [](Builder &builder, ArrayRef<Type> inputs, ArrayRef<Type> results,
                      function_interface_impl::VariadicFlag,
                      std::string &) { return builder.getFunctionType(inputs, results); };
  return function_interface_impl::parseFunctionOp(parser, result, /*allowVariadic=*/false,
                                                  getFunctionTypeAttrName(result.name), buildType,
                                                  getArgAttrsAttrName(result.name), getResAttrsAttrName(result.name));
}

void GraphOp::print(OpAsmPrinter &printer) {
  printer << ' ' << stringifyGraphKind(getKind());
  // The generic printer of functions starts with the symbol; it prints every attribute it does not know.
  printer << ' ';
  printer.printSymbolName(getSymName());
  function_interface_impl::printFunctionSignature(printer, *this, getArgumentTypes(), /*isVariadic=*/false,
                                                  getResultTypes());
  function_interface_impl::printFunctionAttributes(
      printer, *this, {getKindAttrName(), getFunctionTypeAttrName(), getArgAttrsAttrName(), getResAttrsAttrName()});
  printer << ' ';
  printer.printRegion(getBody(), /*printEntryBlockArgs=*/false, /*printBlockTerminators=*/true);
}

LogicalResult GraphOp::verify() {
  for (Type type : llvm::concat<const Type>(getArgumentTypes(), getResultTypes()))
    if (!isa<RankedTensorType>(type))
      return emitOpError("has ") << type << " in its signature; inputs and outputs are ranked tensors";
  llvm::DenseSet<StringAttr> assigned;
  WalkResult result = walk([&](AssignOp assign) {
    if (!assigned.insert(assign.getVariableAttr().getAttr()).second) {
      assign.emitOpError("is the second one to @") << assign.getVariable() << "; a variable has one value after a step";
      return WalkResult::interrupt();
    }
    return WalkResult::advance();
  });
  return failure(result.wasInterrupted());
}

StringRef GraphOp::getInputName(unsigned index) {
  auto name = getArgAttrOfType<StringAttr>(index, kNameAttr);
  return name ? name.getValue() : StringRef();
}

StringRef GraphOp::getOutputName(unsigned index) {
  auto name = getResultAttrOfType<StringAttr>(index, kNameAttr);
  return name ? name.getValue() : StringRef();
}

LogicalResult ReturnOp::verify() {
  auto graph = cast<GraphOp>((*this)->getParentOp());
  if (getNumOperands() != graph.getResultTypes().size())
    return emitOpError("has ") << getNumOperands() << " values, but @" << graph.getSymName() << " returns "
                               << graph.getResultTypes().size();
  for (auto [index, value, type] : llvm::enumerate(getValues(), graph.getResultTypes()))
    if (!areCompatibleTypes(value.getType(), type))
      return emitOpError("value #") << index << " is " << value.getType() << ", but @" << graph.getSymName()
                                    << " returns " << type;
  return success();
}

static LogicalResult verifyVariableUse(Operation *op, SymbolTableCollection &symbols, FlatSymbolRefAttr name,
                                       Type type) {
  auto variable = symbols.lookupNearestSymbolFrom<VariableOp>(op, name);
  if (!variable)
    return op->emitOpError("refers to ") << name << ", which is no bnc.variable of the module";
  if (variable.getType() != type) {
    InFlightDiagnostic diag = op->emitOpError("has type ") << type << ", but " << name << " is " << variable.getType();
    diag.attachNote(variable.getLoc()) << "declared here";
    return diag;
  }
  return success();
}

LogicalResult ReadOp::verifySymbolUses(SymbolTableCollection &symbols) {
  return verifyVariableUse(*this, symbols, getVariableAttr(), getType());
}

LogicalResult AssignOp::verifySymbolUses(SymbolTableCollection &symbols) {
  return verifyVariableUse(*this, symbols, getVariableAttr(), getValue().getType());
}

LogicalResult VariableOp::verify() {
  if (!cast<RankedTensorType>(getType()).hasStaticShape())
    return emitOpError("has type ") << getType() << "; a variable's shape is static";
  if (llvm::is_contained(cast<RankedTensorType>(getType()).getShape(), 0))
    return emitOpError("has type ") << getType() << "; a variable holds at least one value";
  return success();
}

OpFoldResult ConstantOp::fold(FoldAdaptor) { return getValue(); }

//===----------------------------------------------------------------------===//
// Normalization
//===----------------------------------------------------------------------===//

LogicalResult BatchNormOp::verify() {
  double epsilon = getEpsilon().convertToDouble(), decay = getDecay().convertToDouble();
  if (!std::isfinite(epsilon) || epsilon < 0) // C3
    return emitOpError("has epsilon = ") << epsilon << "; expected a finite number >= 0";
  if (!(decay >= 0 && decay <= 1)) // C4
    return emitOpError("has decay = ") << decay << "; expected a number in [0, 1]";
  if (getCumulative() && !getCount()) // C6
    return emitOpError("is cumulative but has no count of the steps taken");
  if (getCumulative() && getFrozen()) // C6
    return emitOpError("is both cumulative and frozen; frozen statistics do not move");
  if (static_cast<bool>(getMean()) != static_cast<bool>(getVariance())) // C7
    return emitOpError("has one of mean and variance; expected both, or neither to always use the batch's own");
  if (!getMean() && (getFrozen() || getCumulative())) // C7
    return emitOpError("is ") << (getFrozen() ? "frozen" : "cumulative") << " but has no running mean and variance";
  if (getStatisticsGroup() != "replica")
    return emitOpError("has statistics_group = \"")
           << getStatisticsGroup() << "\"; only \"replica\" exists: each replica uses its own statistics";
  return success();
}

LogicalResult RunningAverageOp::verify() {
  double decay = getDecay().convertToDouble();
  if (!(decay >= 0 && decay <= 1))
    return emitOpError("has decay = ") << decay << "; expected a number in [0, 1]";
  return success();
}

BatchStatsOp NormalizeOp::getBatchStats() {
  auto stats = getMean().getDefiningOp<BatchStatsOp>();
  if (!stats || stats.getInput() != getInput() || getVariance() != stats.getVariance())
    return nullptr;
  return stats;
}

//===----------------------------------------------------------------------===//
// Shape
//===----------------------------------------------------------------------===//

LogicalResult CastOp::verify() {
  if (failed(verifyCompatibleShape(getInput().getType(), getType())))
    return emitOpError("changes the shape from ") << getInput().getType() << " to " << getType();
  return success();
}

OpFoldResult ReshapeOp::fold(FoldAdaptor) {
  if (getInput().getType() == getType())
    return getInput();
  return {};
}

OpFoldResult TransposeOp::fold(FoldAdaptor) {
  if (llvm::equal(getPermutation(), llvm::seq<int64_t>(0, getType().getRank())))
    return getInput();
  return {};
}
