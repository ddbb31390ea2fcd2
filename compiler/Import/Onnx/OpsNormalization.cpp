//===- OpsNormalization.cpp - BatchNormalization, Dropout, Softmax --------===//

#include "compiler/Import/Onnx/Ops.h"

#include "llvm/ADT/STLExtras.h"

using namespace mlir;
using namespace bnc;
using namespace bnc::onnx;

/// True if a scale or offset was written by the exporter because the format has no place for "none": a literal, not an
/// initializer. (jax2onnx writes initializers, under names of its own.)
static bool isLiteralAffine(NodeImporter &node, const Binding &binding) {
  if (binding.kind != Binding::Kind::Stored)
    return binding.kind == Binding::Kind::Constant;
  StringRef name = binding.stored->name;
  return (binding.stored->isConstantNode && !node.graph.weightsAreConstantNodes) || name.starts_with("scale_c_") ||
         name.starts_with("bias_c_");
}

/// Scale (neutral 1) or offset (neutral 0): null if the layer has none.
static Value importAffine(NodeImporter &node, unsigned index, float neutral) {
  Binding *binding = node.input(index);
  if (!binding)
    return {};
  if (!isLiteralAffine(node, *binding))
    return node.parameter(index);
  const HostTensor *tensor = node.asConstant(*binding);
  if (!tensor || !tensor->holdsFloats())
    return node.parameter(index); // which says what it is
  if (llvm::all_of(tensor->floats, [&](float value) { return value == neutral; }))
    return {};
  return node.literal(*tensor);
}

/// Running mean or variance.
static Value importStatistic(NodeImporter &node, unsigned index) {
  if (!node.hasInput(index)) // see dropBatchStatistics
    return {};
  Binding *binding = node.input(index);
  if (!binding)
    return {};
  if (binding->kind != Binding::Kind::Stored) {
    node.error() << "takes its running statistics from '" << node.node.inputs[index]
                 << "', which is computed; expected stored tensors (in PyTorch, track_running_stats=True)";
    return {};
  }
  return node.parameter(index, Collection::BatchStats);
}

LogicalResult bnc::onnx::importBatchNormalization(NodeImporter &node) {
  if (node.opset < 9 && node.getInt("spatial", 1) == 0)
    return node.error() << "has spatial = 0: statistics per element instead of per channel are not supported";
  // Opsets 7 to 13 may have five outputs, later ones three: running statistics, which training computes by itself.
  // training_mode does not decide what is trained.
  if (failed(node.refuseOutputs(1)))
    return failure();
  Value input = node.data(0), scale = importAffine(node, 1, 1), offset = importAffine(node, 2, 0),
        mean = importStatistic(node, 3), variance = importStatistic(node, 4);
  if (node.hasFailed())
    return failure();
  if (!mean != !variance)
    return node.error() << "has one of running mean and running variance; expected both";
  if (getShape(input).size() < 2)
    return node.error() << "has an input of shape " << formatShape(getShape(input))
                        << "; expected rank 2 or more, with the channels in dimension 1";
  SmallVector<Value> operands{input};
  for (Value vector : {scale, offset, mean, variance}) {
    if (vector && getShape(vector).size() != 1)
      return node.error() << "has a parameter or statistic of shape " << formatShape(getShape(vector))
                          << "; expected one value per channel";
    if (vector)
      operands.push_back(vector);
  }
  double momentum = node.getFloat("momentum", 0.9f);
  GraphImporter::OddMomentum *odd = momentum == 1   ? &node.graph.momentumOne
                                    : momentum == 0 ? &node.graph.momentumZero
                                                    : nullptr;
  if (odd && odd->count++ == 0)
    odd->first = node.loc;
  node.graph.movesStatistics |= static_cast<bool>(mean);

  BatchNormOp::Properties properties;
  properties.feature_index = node.integer(1);
  properties.epsilon = node.number(node.getFloat("epsilon", 1e-5f));
  properties.decay = node.number(momentum); // ONNX's momentum is the fraction that is kept
  properties.running_variance = RunningVarianceAttr::get(node.loc.getContext(), node.graph.runningVariance);
  properties.operandSegmentSizes = {1, scale ? 1 : 0, offset ? 1 : 0, mean ? 1 : 0, variance ? 1 : 0, 0};
  if (!(momentum >= 0 && momentum <= 1))
    return node.error() << "has momentum = " << momentum << "; expected a number from 0 to 1";
  return node.bind(0, node.build<BatchNormOp>(operands, properties));
}

/// Domain `bnc`: RunningAverage(input, average), attribute `decay`. ONNX has no running average of any tensor.
LogicalResult bnc::onnx::importRunningAverage(NodeImporter &node) {
  if (failed(node.refuseOutputs(1)))
    return failure();
  Value input = node.data(0), average = node.parameter(1, Collection::BatchStats);
  if (node.hasFailed())
    return failure();
  double decay = node.getFloat("decay", 0.99f);
  if (!(decay >= 0 && decay <= 1))
    return node.error() << "has decay = " << decay << "; expected a number from 0 to 1";
  return node.bind(0, node.build<RunningAverageOp>({input, average}, {node.number(decay)}));
}

//===----------------------------------------------------------------------===//
// Dropout
//===----------------------------------------------------------------------===//

static LogicalResult importDropout(NodeImporter &node, double ratio) {
  if (failed(node.refuseOutputs(1)))
    return failure();
  if (ratio == 0)
    return importIdentity(node);
  return node.bind(0, node.build<DropoutOp>(node.elementwise(0), {node.number(ratio)}));
}

LogicalResult bnc::onnx::importDropout7(NodeImporter &node) {
  return importDropout(node, node.getFloat("ratio", 0.5f));
}

LogicalResult bnc::onnx::importDropout12(NodeImporter &node) {
  return importDropout(node, node.getConstantFloat(1, 0.5));
}

//===----------------------------------------------------------------------===//
// Softmax
//===----------------------------------------------------------------------===//

template <typename OpTy> static Value buildSoftmax(NodeImporter &node, Value input, int64_t axis) {
  if (input && !node.hasFailed() && ShapedType::isDynamic(getShape(input)[axis])) {
    node.error() << "normalizes over dimension 0, the batch; expected an axis within a sample";
    return {};
  }
  return node.build<OpTy>(input, {node.integer(axis)});
}

template <typename OpTy> static LogicalResult importSoftmaxOfAxis(NodeImporter &node) {
  Value input = node.data(0);
  if (!input)
    return failure();
  int64_t axis = node.normalizeAxis(node.getInt("axis", -1), getShape(input).size());
  return node.hasFailed() ? failure() : node.bind(0, buildSoftmax<OpTy>(node, input, axis));
}

template <typename OpTy> static LogicalResult importSoftmaxFromAxis(NodeImporter &node) {
  Value input = node.data(0);
  if (!input)
    return failure();
  ArrayRef<int64_t> shape = getShape(input);
  int64_t axis = node.normalizeAxis(node.getInt("axis", 1), shape.size());
  if (node.hasFailed())
    return failure();
  if (llvm::all_of(shape.drop_front(axis + 1), [](int64_t size) { return size == 1; }))
    return node.bind(0, buildSoftmax<OpTy>(node, input, axis));
  if (llvm::is_contained(shape.drop_front(axis), ShapedType::kDynamic))
    return node.error() << "normalizes over dimension 0, the batch; expected an axis within a sample";
  SmallVector<int64_t> flat(shape.take_front(axis));
  flat.push_back(*countElements(shape.drop_front(axis)));
  Value result = buildSoftmax<OpTy>(node, node.reshape(input, flat), axis);
  return node.bind(0, node.reshape(result, shape));
}

LogicalResult bnc::onnx::importSoftmax1(NodeImporter &node) { return importSoftmaxFromAxis<SoftmaxOp>(node); }
LogicalResult bnc::onnx::importLogSoftmax1(NodeImporter &node) { return importSoftmaxFromAxis<LogSoftmaxOp>(node); }
LogicalResult bnc::onnx::importSoftmax13(NodeImporter &node) { return importSoftmaxOfAxis<SoftmaxOp>(node); }
LogicalResult bnc::onnx::importLogSoftmax13(NodeImporter &node) { return importSoftmaxOfAxis<LogSoftmaxOp>(node); }
