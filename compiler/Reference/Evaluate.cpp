//===- Evaluate.cpp - plain evaluation of a graph -----------------------------===//

#include "compiler/Reference/Evaluate.h"

#include "compiler/Reference/OpTable.h"

#include "mlir/IR/Builders.h"

using namespace mlir;
using namespace bnc;

//===----------------------------------------------------------------------===//
// Constants and variables
//===----------------------------------------------------------------------===//

static LogicalResult evaluateConstant(ConstantOp op, Frame &frame) {
  auto elements = dyn_cast<DenseElementsAttr>(op.getValue());
  if (!elements)
    return op.emitOpError("has its value outside of the text; the evaluator reads dense<...> only");
  Tensor tensor(op.getType().getElementType(), op.getType().getShape());
  if (tensor.isReal()) {
    for (auto [to, from] : llvm::zip_equal(tensor.reals, elements.getValues<APFloat>())) {
      APFloat value = from;
      bool losesInfo;
      value.convert(APFloat::IEEEdouble(), APFloat::rmNearestTiesToEven, &losesInfo);
      to = value.convertToDouble();
    }
  } else {
    auto type = cast<IntegerType>(tensor.elementType);
    for (auto [to, from] : llvm::zip_equal(tensor.integers, elements.getValues<APInt>()))
      to = wrap(from.sextOrTrunc(64).getSExtValue(), type);
  }
  frame.set(op.getResult(), std::move(tensor));
  return success();
}

static LogicalResult evaluateRead(ReadOp op, Frame &frame) {
  auto variable = frame.evaluator.variables.find(op.getVariable().str());
  if (variable == frame.evaluator.variables.end())
    return op.emitOpError("reads @") << op.getVariable() << ", which has no value";
  frame.set(op.getResult(), variable->second);
  return success();
}

static LogicalResult evaluateAssign(AssignOp op, Frame &frame) {
  frame.evaluation.assigned[op.getVariable().str()] = frame[op.getValue()];
  return success();
}

static LogicalResult evaluateReturn(ReturnOp op, Frame &frame) {
  for (Value value : op.getValues())
    frame.evaluation.results.push_back(frame[value]);
  return success();
}

//===----------------------------------------------------------------------===//
// Graphs
//===----------------------------------------------------------------------===//

static const OpTable &getTable() {
  static const OpTable table = [] {
    OpTable result;
    result.add<AssignOp>(evaluateAssign);
    result.add<ConstantOp>(evaluateConstant);
    result.add<ReadOp>(evaluateRead);
    result.add<ReturnOp>(evaluateReturn);
    addConvolution(result);
    addElementwise(result);
    addFolding(result);
    addNormalization(result);
    addPooling(result);
    addReductions(result);
    addShape(result);
    addTraining(result);
    return result;
  }();
  return table;
}

static void roundToFloat(Tensor &tensor) {
  if (tensor.elementType.isF32())
    for (double &value : tensor.reals)
      value = static_cast<float>(value);
}

FailureOr<Evaluation> Evaluator::evaluate(GraphOp graph, ArrayRef<Tensor> inputs, Visitor visit) const {
  if (inputs.size() != graph.getNumArguments())
    return graph.emitOpError("has ") << graph.getNumArguments() << " inputs, found " << inputs.size() << " values";
  llvm::DenseMap<Value, Tensor> values;
  std::optional<int64_t> batch;
  for (auto [argument, input] : llvm::zip_equal(graph.getArguments(), inputs)) {
    auto type = cast<RankedTensorType>(argument.getType());
    if (!areCompatibleTypes(input.type(), type))
      return graph.emitOpError("input '") << graph.getInputName(argument.getArgNumber()) << "' is " << type
                                          << ", found a value of type " << input.type();
    for (auto [declared, size] : llvm::zip_equal(type.getShape(), input.shape)) {
      if (size < 1 || (ShapedType::isDynamic(declared) && batch.value_or(size) != size))
        return graph.emitOpError("input '")
               << graph.getInputName(argument.getArgNumber()) << "' has shape " << shapeText(input.shape)
               << "; expected sizes of at least 1 and one batch for all inputs";
      if (ShapedType::isDynamic(declared))
        batch = size;
    }
    values[argument] = input;
  }

  Evaluation evaluation;
  Frame frame(values, *this, evaluation);
  frame.batch = batch.value_or(1);
  llvm::DenseMap<Value, unsigned> reads; // that are still to come
  for (Operation &op : graph.getBody().front())
    for (Value operand : op.getOperands())
      ++reads[operand];
  for (Operation &op : graph.getBody().front()) {
    const OpTable::Function *function = getTable().find(&op);
    if (!function)
      return op.emitOpError("is not evaluated; only the ops of phases `import`, `training` and `inference` are");
    if (failed((*function)(&op, frame)))
      return failure();
    // An unknown dimension becomes known here; operands that disagree about it are found by their sizes.
    for (Value result : op.getResults()) {
      Tensor &value = values[result];
      if (!areCompatibleTypes(value.type(), result.getType()))
        return op.emitOpError("has a result of type ") << result.getType() << ", but its value is " << value.type();
      if (precision == Precision::Stored)
        roundToFloat(value);
      if (visit)
        visit(result, value);
      if (result.use_empty())
        values.erase(result);
    }
    for (Value operand : op.getOperands())
      if (--reads[operand] == 0)
        values.erase(operand);
  }
  return evaluation;
}
