//===- AddOutputGradients.cpp - bnc-add-output-gradients --------------------===//

#include "compiler/Transforms/Passes.h"
#include "compiler/Transforms/Utils.h"

namespace bnc {
#define GEN_PASS_DEF_ADDOUTPUTGRADIENTSPASS
#include "compiler/Transforms/Passes.h.inc"
} // namespace bnc

using namespace mlir;
using namespace bnc;

namespace {
struct AddOutputGradientsPass : bnc::impl::AddOutputGradientsPassBase<AddOutputGradientsPass> {
  void runOnOperation() override {
    GraphOp graph = findGraph(getOperation(), GraphKind::Training);
    if (!graph || failed(addGradients(graph)))
      signalPassFailure();
  }

private:
  LogicalResult addGradients(GraphOp graph) {
    ReturnOp terminator = getReturn(graph);
    OpBuilder builder(terminator);
    int64_t batch = cast<RankedTensorType>(graph.getArgumentTypes().front()).getShape().front();
    for (auto [index, operand] : llvm::enumerate(terminator->getOpOperands())) {
      Value output = operand.get();
      auto type = cast<RankedTensorType>(output.getType());
      if (!isa<FloatType>(type.getElementType()) || type.getRank() < 2 || type.getDimSize(0) != batch)
        return graph.emitOpError() << "has the output '" << graph.getOutputName(index) << "' of type " << type
                                   << "; a loss of the application's own needs floats (N, values...)";
      // The caller's memory holds the output until the forward pass ends: what backward reads has to lie elsewhere.
      auto scalar = RankedTensorType::get({}, type.getElementType());
      APFloat number = builder.getFloatAttr(type.getElementType(), 1.0).getValue();
      Value one = ConstantOp::create(builder, output.getLoc(), DenseElementsAttr::get(scalar, number));
      operand.set(MulOp::create(builder, output.getLoc(), output, one));
      NamedAttribute attributes[] = {
          {kNameAttr, builder.getStringAttr((graph.getOutputName(index) + "_gradient").str())},
          {kOutputGradientAttr, builder.getI64IntegerAttr(index)}};
      if (failed(graph.insertArgument(graph.getNumArguments(), type, builder.getDictionaryAttr(attributes), graph.getLoc())))
        return failure();
    }
    return success();
  }
};
} // namespace
