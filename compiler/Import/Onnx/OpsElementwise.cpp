//===- OpsElementwise.cpp - activations and arithmetic --------------------===//

#include "compiler/Import/Onnx/Ops.h"

#include <cmath>
#include <limits>

using namespace mlir;
using namespace bnc;
using namespace bnc::onnx;

LogicalResult bnc::onnx::importAdd(NodeImporter &node) {
  if (Value biased = importBiasAdd(node))
    return node.bind(0, biased);
  return importBinary<AddOp>(node);
}

LogicalResult bnc::onnx::importIdentity(NodeImporter &node) {
  Binding *binding = node.input(0);
  return binding ? node.bind(0, *binding) : failure();
}

/// Input 0 as another type: floats are all the same here, literals are converted.
static LogicalResult importConversion(NodeImporter &node, DataType type) {
  Binding *binding = node.input(0);
  if (!binding || node.hasFailed())
    return failure();
  bool holdsFloats = binding->kind == Binding::Kind::Computed ||
                     (binding->kind == Binding::Kind::Stored && isFloat(binding->stored->tensor->type)) ||
                     (binding->kind == Binding::Kind::Constant && binding->constant->holdsFloats());
  if (holdsFloats && isFloat(type))
    return node.bind(0, *binding);
  const HostTensor *tensor = node.asConstant(*binding);
  if (std::optional<HostTensor> converted = tensor ? convert(*tensor, type) : std::nullopt)
    return node.bind(0, Binding::of(std::move(*converted)));
  return node.error() << "converts '" << node.node.inputs[0] << "' to " << getTypeName(type)
                      << "; values computed from the graph's inputs are float throughout";
}

LogicalResult bnc::onnx::importCast(NodeImporter &node) {
  return importConversion(node, static_cast<DataType>(node.getInt("to", 0)));
}

LogicalResult bnc::onnx::importCastLike(NodeImporter &node) {
  Binding *like = node.input(1);
  if (!like)
    return failure();
  DataType type = DataType::Float;
  if (like->kind == Binding::Kind::Stored)
    type = like->stored->tensor->type;
  else if (like->kind == Binding::Kind::Constant)
    type = like->constant->type;
  return importConversion(node, type);
}

//===----------------------------------------------------------------------===//
// Activations with parameters
//===----------------------------------------------------------------------===//

static LogicalResult importClip(NodeImporter &node, double min, double max) {
  ClipOp::Properties properties;
  properties.min = node.number(min);
  properties.max = node.number(max);
  return node.bind(0, node.build<ClipOp>(node.elementwise(0), properties));
}

LogicalResult bnc::onnx::importClip6(NodeImporter &node) {
  constexpr float kMax = std::numeric_limits<float>::max();
  return importClip(node, node.getFloat("min", -kMax), node.getFloat("max", kMax));
}

LogicalResult bnc::onnx::importClip11(NodeImporter &node) {
  constexpr double kInfinity = std::numeric_limits<double>::infinity();
  return importClip(node, node.getConstantFloat(1, -kInfinity), node.getConstantFloat(2, kInfinity));
}

LogicalResult bnc::onnx::importElu(NodeImporter &node) {
  return node.bind(0, node.build<EluOp>(node.elementwise(0), {node.number(node.getFloat("alpha", 1))}));
}

LogicalResult bnc::onnx::importLeakyRelu(NodeImporter &node) {
  return node.bind(0, node.build<LeakyReluOp>(node.elementwise(0), {node.number(node.getFloat("alpha", 0.01f))}));
}

LogicalResult bnc::onnx::importHardSigmoid(NodeImporter &node) {
  HardSigmoidOp::Properties properties;
  properties.alpha = node.number(node.getFloat("alpha", 0.2f));
  properties.beta = node.number(node.getFloat("beta", 0.5f));
  return node.bind(0, node.build<HardSigmoidOp>(node.elementwise(0), properties));
}

//===----------------------------------------------------------------------===//
// Decompositions, by the formulas of the ONNX specification
//===----------------------------------------------------------------------===//

LogicalResult bnc::onnx::importGelu(NodeImporter &node) {
  StringRef approximation = node.getString("approximate", "none");
  Value x = node.elementwise(0), inner;
  if (approximation == "tanh") {
    // tanh(sqrt(2/pi) * (x + 0.044715 x^3))
    Value cube = node.build<MulOp>({node.build<MulOp>({x, x}), x});
    Value sum = node.build<AddOp>({x, node.build<MulOp>({cube, node.scalar(0.044715)})});
    inner = node.build<TanhOp>(node.build<MulOp>({sum, node.scalar(std::sqrt(2 / M_PI))}));
  } else if (approximation == "none") {
    inner = node.build<ErfOp>(node.build<MulOp>({x, node.scalar(std::sqrt(0.5))}));
  } else {
    return node.error() << "has approximate = '" << approximation << "'; expected none or tanh";
  }
  Value half = node.build<MulOp>({x, node.scalar(0.5)});
  return node.bind(0, node.build<MulOp>({half, node.build<AddOp>({inner, node.scalar(1)})}));
}

LogicalResult bnc::onnx::importMish(NodeImporter &node) {
  Value x = node.elementwise(0);
  return node.bind(0, node.build<MulOp>({x, node.build<TanhOp>(node.build<SoftplusOp>(x))}));
}

LogicalResult bnc::onnx::importSwish(NodeImporter &node) {
  Value x = node.elementwise(0), inner = x;
  if (double alpha = node.getFloat("alpha", 1); alpha != 1)
    inner = node.build<MulOp>({x, node.scalar(alpha)});
  return node.bind(0, node.build<MulOp>({x, node.build<SigmoidOp>(inner)}));
}

LogicalResult bnc::onnx::importSelu(NodeImporter &node) {
  Value elu = node.build<EluOp>(node.elementwise(0), {node.number(node.getFloat("alpha", 1.67326319217681884765625f))});
  return node.bind(0, node.build<MulOp>({elu, node.scalar(node.getFloat("gamma", 1.05070102214813232421875f))}));
}

LogicalResult bnc::onnx::importPRelu(NodeImporter &node) {
  // max(x, 0) + slope * min(x, 0)
  Value x = node.data(0), slope = node.parameter(1);
  Value negative = node.build<MinOp>({x, node.scalar(0)});
  return node.bind(0, node.build<AddOp>({node.build<ReluOp>(x), node.build<MulOp>({negative, slope})}));
}

LogicalResult bnc::onnx::importReciprocal(NodeImporter &node) {
  Value x = node.elementwise(0);
  return node.bind(0, node.build<DivOp>({node.scalar(1), x}));
}

LogicalResult bnc::onnx::importPow(NodeImporter &node) {
  Value x = node.elementwise(0);
  double exponent = node.getConstantFloat(1, 1);
  if (exponent == 1)
    return node.bind(0, x);
  if (exponent == 0.5)
    return node.bind(0, node.build<SqrtOp>(x));
  if (exponent != 2 && exponent != 3)
    return node.error() << "raises to the power " << exponent << "; expected 0.5, 1, 2 or 3";
  Value result = node.build<MulOp>({x, x});
  return node.bind(0, exponent == 2 ? result : node.build<MulOp>({result, x}));
}

//===----------------------------------------------------------------------===//
// PyTorch's softplus
//===----------------------------------------------------------------------===//

// Its dynamo exporter writes Where(x * beta > threshold, x, Softplus(x * beta) / beta). Beyond the threshold (20) the
// branches differ by less than f32 shows: the last one is the function everywhere.

LogicalResult bnc::onnx::importGreater(NodeImporter &node) {
  Binding *left = node.input(0), *right = node.input(1);
  if (!left || !right)
    return failure();
  const HostTensor *threshold = node.asConstant(*right);
  if (left->kind != Binding::Kind::Computed || !threshold || !threshold->holdsFloats() ||
      threshold->getNumElements() != 1)
    return node.error() << "compares computed values, which is supported only as part of a softplus";
  Binding result = *left;
  result.kind = Binding::Kind::Comparison;
  result.constant = std::make_shared<const HostTensor>(*threshold);
  return node.bind(0, std::move(result));
}

/// The number that `value` is, if it is a scalar constant.
static std::optional<double> getScalar(Value value) {
  auto constant = value.getDefiningOp<ConstantOp>();
  auto elements = constant ? dyn_cast<DenseElementsAttr>(constant.getValue()) : DenseElementsAttr();
  if (!elements || elements.getNumElements() != 1)
    return std::nullopt;
  return elements.getSplatValue<APFloat>().convertToDouble();
}

/// `value` without a product with (or quotient by) a scalar, which goes to `factor`.
template <typename OpTy> static Value stripFactor(Value value, double &factor) {
  factor = 1;
  auto op = value.getDefiningOp<OpTy>();
  std::optional<double> scalar = op ? getScalar(op.getRhs()) : std::nullopt;
  if (!scalar)
    return value;
  factor = *scalar;
  return op.getLhs();
}

LogicalResult bnc::onnx::importWhere(NodeImporter &node) {
  Binding *condition = node.input(0), *above = node.input(1), *below = node.input(2);
  if (!condition || !above || !below)
    return failure();
  double scale = 0, quotient = 0;
  if (condition->kind == Binding::Kind::Comparison && above->kind == Binding::Kind::Computed &&
      below->kind == Binding::Kind::Computed && condition->permutation == above->permutation &&
      condition->permutation == below->permutation && condition->constant->floats[0] >= 17) {
    auto softplus = stripFactor<DivOp>(below->value, quotient).getDefiningOp<SoftplusOp>();
    if (softplus && softplus.getInput() == condition->value &&
        stripFactor<MulOp>(condition->value, scale) == above->value && scale == quotient) {
      node.setPermutation(above->permutation);
      return node.bind(0, scale == 1 ? node.build<SoftplusOp>(above->value) : below->value);
    }
  }
  return node.error() << "chooses between computed values, which is supported only as part of a softplus";
}
