//===- BncKernelOps.cpp - kernels: parsing and verification ------------------===//

#include "ir/BncOps.h"
#include "ir/Optimizers.h"

using namespace mlir;
using namespace bnc;

// bnc.kernel rows(7) (%a = %x, %b = %w) {attributes} : (types) -> (types) { ... }
ParseResult KernelOp::parse(OpAsmParser &parser, OperationState &result) {
  Builder &builder = parser.getBuilder();
  StringRef keyword;
  SMLoc loc = parser.getCurrentLocation();
  int64_t rows;
  if (parser.parseKeyword(&keyword) || parser.parseLParen() || parser.parseInteger(rows) || parser.parseRParen())
    return failure();
  std::optional<Grid> grid = symbolizeGrid(keyword);
  if (!grid)
    return parser.emitError(loc) << "expected the grid of the kernel: rows or images";
  result.addAttribute(getGridAttrName(result.name), GridAttr::get(builder.getContext(), *grid));
  result.addAttribute(getRowsAttrName(result.name), builder.getI64IntegerAttr(rows));

  SmallVector<OpAsmParser::Argument> arguments;
  SmallVector<OpAsmParser::UnresolvedOperand> operands;
  FunctionType type;
  if (parser.parseCommaSeparatedList(OpAsmParser::Delimiter::Paren,
                                     [&]() -> ParseResult {
                                       return failure(parser.parseArgument(arguments.emplace_back()) ||
                                                      parser.parseEqual() ||
                                                      parser.parseOperand(operands.emplace_back()));
                                     }) ||
      parser.parseOptionalAttrDict(result.attributes) || parser.parseColonType(type) ||
      parser.resolveOperands(operands, type.getInputs(), loc, result.operands))
    return failure();
  for (auto [argument, input] : llvm::zip(arguments, type.getInputs()))
    argument.type = input;
  result.addTypes(type.getResults());
  return parser.parseRegion(*result.addRegion(), arguments);
}

void KernelOp::print(OpAsmPrinter &printer) {
  printer << ' ' << stringifyGrid(getGrid()) << '(' << getRows() << ") (";
  llvm::interleaveComma(llvm::zip(getBody().getArguments(), getInputs()), printer,
                        [&](auto pair) { printer << std::get<0>(pair) << " = " << std::get<1>(pair); });
  printer << ')';
  printer.printOptionalAttrDict((*this)->getAttrs(), {getGridAttrName(), getRowsAttrName()});
  printer << " : ";
  printer.printFunctionalType(*this);
  printer << ' ';
  printer.printRegion(getBody(), /*printEntryBlockArgs=*/false);
}

LogicalResult KernelOp::verify() {
  Block &body = getBody().front();
  if (body.getArgumentTypes() != getInputs().getTypes())
    return emitOpError("has block arguments whose types differ from its inputs'");
  if (body.empty() || !isa<YieldOp>(body.back()))
    return emitOpError("does not end in bnc.yield");
  if (TypeRange(body.back().getOperandTypes()) != TypeRange(getResultTypes()))
    return emitOpError("yields values whose types differ from its results'");
  if (getRows() < 1)
    return emitOpError("has ") << getRows() << " rows or images a task; expected at least 1";
  if (getStorage() && getStorage()->size() != getNumResults())
    return emitOpError("has ") << getStorage()->size() << " storages for " << getNumResults() << " results";
  return success();
}

LogicalResult OptimizeOp::verify() {
  if (!OptimizerKind::parse(getOptimizer()))
    return emitOpError("names the optimizer \"") << getOptimizer() << "\", which does not exist";
  if (getParameters().size() != getGradients().size() || getParameters().empty())
    return emitOpError("has ") << getGradients().size() << " gradients for " << getParameters().size() << " parameters";
  return success();
}
