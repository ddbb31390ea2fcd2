//===- BncKernelOps.cpp - kernels: parsing and verification ------------------===//

#include "ir/BncOps.h"
#include "ir/Optimizers.h"

#include "llvm/Support/MathExtras.h"

#include <numeric>

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
  SmallVector<StringRef> elided{getGridAttrName(), getRowsAttrName()};
  if (getBlocks() == 1)
    elided.push_back(getBlocksAttrName());
  printer.printOptionalAttrDict((*this)->getAttrs(), elided);
  printer << " : ";
  printer.printFunctionalType(*this);
  printer << ' ';
  printer.printRegion(getBody(), /*printEntryBlockArgs=*/false);
}

/// True if a block of the results' channels comes from the same block of the operands'.
static bool isPerChannel(Operation *op) {
  if (auto slice = dyn_cast<SliceOp>(op)) {
    auto channels = [](Value value) { return cast<RankedTensorType>(value.getType()).getDimSize(1); };
    return channels(slice.getInput()) == channels(slice.getResult()) && slice.getSteps()[1] == 1;
  }
  if (auto reshape = dyn_cast<ReshapeOp>(op)) { // flattened: the elements of a channel stay together
    auto rank = [](Value value) { return cast<RankedTensorType>(value.getType()).getRank(); };
    return rank(reshape.getInput()) > 2 && rank(reshape.getResult()) == 2;
  }
  if (isa<AvgPoolGradientOp, AvgPoolOp, Col2ImOp, MaxPoolGradientOp, MaxPoolOp, MaxPoolTapOp, PartialMomentsOp, PartialSumsOp,
          RouteToTapOp, StageOp, WinogradInputOp, WinogradOutputOp>(op))
    return true;
  if (!isa<ElementwiseOpInterface>(op) || isa<ApplyDropoutOp>(op)) // dropout counts all channels
    return false;
  if (isa<AffineOp, ApplyNormalizeOp, ApplyNormalizeGradientOp>(op))
    return true;
  auto type = cast<RankedTensorType>(op->getResult(0).getType());
  return type.getRank() >= 2 && llvm::all_of(op->getOperands(), [&](Value operand) {
    auto from = cast<RankedTensorType>(operand.getType());
    bool isScalar = operand.getDefiningOp<ConstantOp>() && from.getNumElements() == 1;
    return isScalar || (from.getRank() == type.getRank() && from.getDimSize(1) == type.getDimSize(1));
  });
}

std::optional<llvm::DenseSet<Value>> KernelOp::cutValues() {
  llvm::DenseSet<Value> cut;
  Block &body = getBody().front();
  for (size_t before = size_t(-1); before != cut.size();) {
    before = cut.size();
    for (Operation &op : body.without_terminator()) {
      if (auto conv = dyn_cast<PackedConvOp>(op)) {
        if (conv.getGroups() != 1 || conv.getUnflatten())
          return std::nullopt;
        cut.insert(conv.getResult());
        cut.insert(op.operand_begin() + 1, op.operand_end()); // weight and bias
      } else if (auto product = dyn_cast<WinogradProductOp>(op)) {
        cut.insert(product.getResult());
        cut.insert(product.getWeight());
      } else if (auto gradient = dyn_cast<WeightGradientOp>(op)) {
        if (gradient.getGroups() != 1)
          return std::nullopt;
        cut.insert(gradient.getInput());
        cut.insert(gradient.getResult());
      } else if (llvm::any_of(op.getResults(), [&](Value value) { return cut.contains(value); }) ||
                 llvm::any_of(op.getOperands(), [&](Value value) { return cut.contains(value); })) {
        if (!isPerChannel(&op))
          return std::nullopt;
        cut.insert(op.result_begin(), op.result_end());
        for (Value operand : op.getOperands())
          if (!operand.getDefiningOp<ConstantOp>())
            cut.insert(operand);
      }
    }
  }
  for (Operation &op : body.without_terminator()) {
    auto conv = dyn_cast<PackedConvOp>(op);
    auto product = dyn_cast<WinogradProductOp>(op);
    auto gradient = dyn_cast<WeightGradientOp>(op);
    if ((conv && cut.contains(conv.getInput())) || (product && cut.contains(product.getInput())) || (gradient && cut.contains(gradient.getGradient())))
      return std::nullopt;
  }
  if (!llvm::all_of(body.getTerminator()->getOperands(), [&](Value value) { return cut.contains(value); }))
    return std::nullopt;
  return cut;
}

int64_t KernelOp::height() {
  int64_t ofResults = 0, ofGradients = 1;
  for (Value value : getBody().front().getTerminator()->getOperands()) {
    ArrayRef<int64_t> shape = cast<RankedTensorType>(value.getType()).getShape();
    if (auto gradient = value.getDefiningOp<WeightGradientOp>())
      ofGradients = std::max(ofGradients, gradient.getOutputShape()[0]);
    else if (shape.size() >= 2 && !isa_and_nonnull<PartialMomentsOp, PartialSumsOp>(value.getDefiningOp())) // (N, C, ..., W)
      ofResults = std::max(ofResults, shape.size() < 4 ? 1 : std::accumulate(shape.begin() + 2, shape.end() - 1, int64_t(1), std::multiplies<>()));
  }
  return ofResults > 0 ? ofResults : ofGradients;
}

int64_t KernelOp::strips() { return getGrid() == Grid::Rows ? llvm::divideCeil(height(), getRows()) : 1; }

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
  if (getBlocks() < 1)
    return emitOpError("has ") << getBlocks() << " blocks of channels; expected at least 1";
  if (getBlocks() > 1) {
    if (!cutValues())
      return emitOpError("cannot compute its channels in ") << getBlocks() << " blocks: they depend on each other";
    bool whole = llvm::all_of(body, [&](Operation &op) {
      return !isa<PackedConvOp, WinogradProductOp>(op) ||
             cast<RankedTensorType>(op.getOperand(1).getType()).getDimSize(0) % getBlocks() == 0;
    });
    if (!whole)
      return emitOpError("has weights that ") << getBlocks() << " blocks of channels do not divide";
  }
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
