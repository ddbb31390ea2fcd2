//===- Ops.h - import functions by family -----------------------*- C++ -*-===//
//
// One function per op type (or family with one form); ImportTable.cpp says which opsets each is for.
//
//===----------------------------------------------------------------------===//

#ifndef COMPILER_IMPORT_ONNX_OPS_H
#define COMPILER_IMPORT_ONNX_OPS_H

#include "compiler/Import/Onnx/GraphImporter.h"

namespace bnc::onnx {

/// Size of a window, and how it moves over the spatial dimensions.
struct WindowAttributes {
  llvm::SmallVector<int64_t> kernel, strides, dilations, pads; // pads: those before, then those after
};

/// strides, dilations, and pads (from `pads` or `auto_pad`) of a convolution or pool over an input of that spatial
/// size with that kernel.
WindowAttributes getWindow(NodeImporter &node, llvm::ArrayRef<int64_t> spatial, llvm::ArrayRef<int64_t> kernel);

//===-- OpsConvolution.cpp ---------------------------------------------------===//
mlir::LogicalResult importConv(NodeImporter &node);
mlir::LogicalResult importConvTranspose(NodeImporter &node);
mlir::LogicalResult importGemm(NodeImporter &node);
mlir::LogicalResult importMatMul(NodeImporter &node);
/// Makes an Add of a stored vector to a convolution or dense layer without a bias the bias of that layer. Null if the
/// node is nothing of that kind.
mlir::Value importBiasAdd(NodeImporter &node);

//===-- OpsElementwise.cpp -----------------------------------------------------===//
template <typename OpTy> mlir::LogicalResult importUnary(NodeImporter &node) {
  return node.bind(0, node.build<OpTy>(node.elementwise(0)));
}
template <typename OpTy> mlir::LogicalResult importBinary(NodeImporter &node) {
  llvm::SmallVector<mlir::Value> values;
  if (!node.broadcastable(values))
    return mlir::failure();
  if (values.size() != 2)
    return node.error() << "has " << values.size() << " inputs; expected 2";
  return node.bind(0, node.build<OpTy>(values));
}
/// Max, Min and Sum of one or more inputs.
template <typename OpTy> mlir::LogicalResult importVariadic(NodeImporter &node) {
  llvm::SmallVector<mlir::Value> values;
  if (!node.broadcastable(values))
    return mlir::failure();
  if (values.empty())
    return node.error() << "has no inputs";
  mlir::Value result = values[0];
  for (mlir::Value value : llvm::drop_begin(values))
    result = node.build<OpTy>({result, value});
  return node.bind(0, result);
}
mlir::LogicalResult importAdd(NodeImporter &node);
mlir::LogicalResult importCast(NodeImporter &node);
mlir::LogicalResult importCastLike(NodeImporter &node);
mlir::LogicalResult importClip6(NodeImporter &node);
mlir::LogicalResult importClip11(NodeImporter &node);
mlir::LogicalResult importElu(NodeImporter &node);
mlir::LogicalResult importGelu(NodeImporter &node);
mlir::LogicalResult importGreater(NodeImporter &node);
mlir::LogicalResult importHardSigmoid(NodeImporter &node);
mlir::LogicalResult importIdentity(NodeImporter &node);
mlir::LogicalResult importLeakyRelu(NodeImporter &node);
mlir::LogicalResult importMish(NodeImporter &node);
mlir::LogicalResult importPow(NodeImporter &node);
mlir::LogicalResult importPRelu(NodeImporter &node);
mlir::LogicalResult importReciprocal(NodeImporter &node);
mlir::LogicalResult importSelu(NodeImporter &node);
mlir::LogicalResult importSwish(NodeImporter &node);
mlir::LogicalResult importWhere(NodeImporter &node);

//===-- OpsNormalization.cpp ---------------------------------------------------===//
mlir::LogicalResult importBatchNormalization(NodeImporter &node);
mlir::LogicalResult importRunningAverage(NodeImporter &node);
mlir::LogicalResult importDropout7(NodeImporter &node);
mlir::LogicalResult importDropout12(NodeImporter &node);
/// Softmax and LogSoftmax over all dimensions from `axis` on (opset 1 to 12).
mlir::LogicalResult importSoftmax1(NodeImporter &node);
mlir::LogicalResult importLogSoftmax1(NodeImporter &node);
mlir::LogicalResult importSoftmax13(NodeImporter &node);
mlir::LogicalResult importLogSoftmax13(NodeImporter &node);

//===-- OpsPooling.cpp ---------------------------------------------------------===//
mlir::LogicalResult importAveragePool(NodeImporter &node);
mlir::LogicalResult importMaxPool(NodeImporter &node);
mlir::LogicalResult importGlobalAveragePool(NodeImporter &node);
mlir::LogicalResult importGlobalMaxPool(NodeImporter &node);
/// Reductions whose axes are an attribute, and those whose axes are an input.
mlir::LogicalResult importReduceMax1(NodeImporter &node);
mlir::LogicalResult importReduceMax18(NodeImporter &node);
mlir::LogicalResult importReduceMean1(NodeImporter &node);
mlir::LogicalResult importReduceMean18(NodeImporter &node);
mlir::LogicalResult importReduceSum1(NodeImporter &node);
mlir::LogicalResult importReduceSum13(NodeImporter &node);

//===-- OpsSelect.cpp ------------------------------------------------------------===//
mlir::LogicalResult importConcat(NodeImporter &node);
mlir::LogicalResult importGather(NodeImporter &node);
mlir::LogicalResult importPad2(NodeImporter &node);
mlir::LogicalResult importPad11(NodeImporter &node);
mlir::LogicalResult importSequenceAt(NodeImporter &node);
mlir::LogicalResult importSlice1(NodeImporter &node);
mlir::LogicalResult importSlice10(NodeImporter &node);
mlir::LogicalResult importSplit2(NodeImporter &node);
mlir::LogicalResult importSplit13(NodeImporter &node);
mlir::LogicalResult importSplitToSequence(NodeImporter &node);

//===-- OpsShape.cpp -------------------------------------------------------------===//
mlir::LogicalResult importConstant(NodeImporter &node);
mlir::LogicalResult importExpand(NodeImporter &node);
mlir::LogicalResult importFlatten(NodeImporter &node);
mlir::LogicalResult importReshape(NodeImporter &node);
mlir::LogicalResult importShape(NodeImporter &node);
mlir::LogicalResult importSize(NodeImporter &node);
mlir::LogicalResult importSqueeze1(NodeImporter &node);
mlir::LogicalResult importSqueeze13(NodeImporter &node);
mlir::LogicalResult importTranspose(NodeImporter &node);
mlir::LogicalResult importUnsqueeze1(NodeImporter &node);
mlir::LogicalResult importUnsqueeze13(NodeImporter &node);

} // namespace bnc::onnx

#endif // COMPILER_IMPORT_ONNX_OPS_H
