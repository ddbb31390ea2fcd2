//===- ImportTable.cpp - which ops are imported, and how ------------------===//
//
// Versions are of the whole standard opset: a row covers the opsets between two changes of the op that matter here
// (new element types do not). Ops that only appear in shape computations are in FoldConstants.cpp.
//
//===----------------------------------------------------------------------===//

#include "compiler/Import/Onnx/Ops.h"

#include "llvm/ADT/STLExtras.h"

using namespace bnc;
using namespace bnc::onnx;

static constexpr int64_t kNow = kNewestOpset;

// Sorted by name.
static constexpr ImportRule kRules[] = {
    {"Abs", 7, kNow, importUnary<AbsOp>},
    {"Add", 7, kNow, importAdd},
    {"AveragePool", 7, kNow, importAveragePool},
    {"BatchNormalization", 7, kNow, importBatchNormalization},
    {"Cast", 7, kNow, importCast},
    {"CastLike", 15, kNow, importCastLike},
    {"Clip", 7, 10, importClip6},
    {"Clip", 11, kNow, importClip11},
    {"Concat", 7, kNow, importConcat},
    {"Constant", 7, kNow, importConstant},
    {"Conv", 7, kNow, importConv},
    {"ConvTranspose", 7, kNow, importConvTranspose},
    {"Div", 7, kNow, importBinary<DivOp>},
    {"Dropout", 7, 11, importDropout7},
    {"Dropout", 12, kNow, importDropout12},
    {"Elu", 7, kNow, importElu},
    {"Erf", 9, kNow, importUnary<ErfOp>},
    {"Exp", 7, kNow, importUnary<ExpOp>},
    {"Expand", 8, kNow, importExpand},
    {"Flatten", 7, kNow, importFlatten},
    {"Gather", 7, kNow, importGather},
    {"Gelu", 20, kNow, importGelu},
    {"Gemm", 7, kNow, importGemm},
    {"GlobalAveragePool", 7, kNow, importGlobalAveragePool},
    {"GlobalMaxPool", 7, kNow, importGlobalMaxPool},
    {"Greater", 7, kNow, importGreater},
    {"HardSigmoid", 7, kNow, importHardSigmoid},
    {"HardSwish", 14, kNow, importUnary<HardSwishOp>},
    {"Identity", 7, kNow, importIdentity},
    {"LeakyRelu", 7, kNow, importLeakyRelu},
    {"Log", 7, kNow, importUnary<LogOp>},
    {"LogSoftmax", 7, 12, importLogSoftmax1},
    {"LogSoftmax", 13, kNow, importLogSoftmax13},
    {"MatMul", 7, kNow, importMatMul},
    {"Max", 7, kNow, importVariadic<MaxOp>},
    {"MaxPool", 7, kNow, importMaxPool},
    {"Min", 7, kNow, importVariadic<MinOp>},
    {"Mish", 18, kNow, importMish},
    {"Mul", 7, kNow, importBinary<MulOp>},
    {"Neg", 7, kNow, importUnary<NegOp>},
    {"PRelu", 7, kNow, importPRelu},
    {"Pad", 7, 10, importPad2},
    {"Pad", 11, kNow, importPad11},
    {"Pow", 7, kNow, importPow},
    {"Reciprocal", 7, kNow, importReciprocal},
    {"ReduceMax", 7, 17, importReduceMax1},
    {"ReduceMax", 18, kNow, importReduceMax18},
    {"ReduceMean", 7, 17, importReduceMean1},
    {"ReduceMean", 18, kNow, importReduceMean18},
    {"ReduceSum", 7, 12, importReduceSum1},
    {"ReduceSum", 13, kNow, importReduceSum13},
    {"Relu", 7, kNow, importUnary<ReluOp>},
    {"Reshape", 7, kNow, importReshape},
    {"Selu", 7, kNow, importSelu},
    {"SequenceAt", 11, kNow, importSequenceAt},
    {"Shape", 7, kNow, importShape},
    {"Sigmoid", 7, kNow, importUnary<SigmoidOp>},
    {"Size", 7, kNow, importSize},
    {"Slice", 7, 9, importSlice1},
    {"Slice", 10, kNow, importSlice10},
    {"Softmax", 7, 12, importSoftmax1},
    {"Softmax", 13, kNow, importSoftmax13},
    {"Softplus", 7, kNow, importUnary<SoftplusOp>},
    {"Split", 7, 12, importSplit2},
    {"Split", 13, kNow, importSplit13},
    {"SplitToSequence", 11, kNow, importSplitToSequence},
    {"Sqrt", 7, kNow, importUnary<SqrtOp>},
    {"Squeeze", 7, 12, importSqueeze1},
    {"Squeeze", 13, kNow, importSqueeze13},
    {"Sub", 7, kNow, importBinary<SubOp>},
    {"Sum", 7, kNow, importVariadic<AddOp>},
    {"Swish", 24, kNow, importSwish},
    {"Tanh", 7, kNow, importUnary<TanhOp>},
    {"Transpose", 7, kNow, importTranspose},
    {"Unsqueeze", 7, 12, importUnsqueeze1},
    {"Unsqueeze", 13, kNow, importUnsqueeze13},
    {"Where", 9, kNow, importWhere},
    {"bnc::RunningAverage", 7, kNow, importRunningAverage},
};

const ImportRule *bnc::onnx::findImportRule(llvm::StringRef opType, int64_t opset) {
  const ImportRule *found = llvm::find_if(kRules, [&](const ImportRule &rule) {
    return rule.opType == opType && rule.since <= opset && opset <= rule.until;
  });
  return found == std::end(kRules) ? nullptr : found;
}

llvm::StringRef bnc::onnx::getUnsupportedOpHint(llvm::StringRef opType) {
  static constexpr std::pair<llvm::StringLiteral, llvm::StringLiteral> kHints[] = {
      {"RandomUniformLike", "RandomUniformLike comes from PyTorch's dropout with inplace=True: set it to False and "
                            "export again"},
      {"If", "control flow that depends on shapes vanishes when the exporter knows the shapes"},
      {"Loop", "control flow that depends on shapes vanishes when the exporter knows the shapes"},
      {"InstanceNormalization",
       "InstanceNormalization, also made from GroupNorm, normalizes each image by itself; only "
       "batch normalization is supported"},
      {"LayerNormalization", "LayerNormalization normalizes each position by itself; only batch normalization is "
                             "supported"},
  };
  for (const auto &[name, hint] : kHints)
    if (name == opType)
      return hint;
  return {};
}
