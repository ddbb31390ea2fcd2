//===- OpsConvolution.cpp - Conv, ConvTranspose, Gemm, MatMul -------------===//

#include "compiler/Import/Onnx/Ops.h"

#include "llvm/ADT/STLExtras.h"

using namespace mlir;
using namespace bnc;
using namespace bnc::onnx;

WindowAttributes bnc::onnx::getWindow(NodeImporter &node, ArrayRef<int64_t> spatial, ArrayRef<int64_t> kernel) {
  size_t rank = spatial.size();
  WindowAttributes window;
  window.kernel.assign(kernel.begin(), kernel.end());
  window.strides = node.getSizes("strides", rank, 1);
  window.dilations = node.getSizes("dilations", rank, 1);
  window.pads = node.getSizes("pads", 2 * rank, 0);
  StringRef mode = node.getString("auto_pad", "NOTSET");
  if (mode == "NOTSET")
    return window;
  if (mode != "VALID" && mode != "SAME_UPPER" && mode != "SAME_LOWER")
    node.error() << "has auto_pad = '" << mode << "'; expected NOTSET, VALID, SAME_UPPER or SAME_LOWER";
  window.pads.assign(2 * rank, 0);
  if (mode == "VALID")
    return window;
  for (size_t i = 0; i < rank; ++i) {
    int64_t stride = std::max<int64_t>(1, window.strides[i]); // the op refuses a stride below 1
    int64_t output = (spatial[i] + stride - 1) / stride;
    int64_t total =
        std::max<int64_t>(0, (output - 1) * stride + windowExtent(kernel[i], window.dilations[i]) - spatial[i]);
    window.pads[i] = mode == "SAME_UPPER" ? total / 2 : total - total / 2;
    window.pads[i + rank] = total - window.pads[i];
  }
  return window;
}

/// The weight's window must be the one the node declares.
static void checkKernelShape(NodeImporter &node, ArrayRef<int64_t> kernel) {
  if (node.hasAttribute("kernel_shape") && ArrayRef<int64_t>(node.getInts("kernel_shape")) != kernel)
    node.error() << "has a kernel_shape that differs from the weight's " << formatShape(kernel);
}

/// True if the input is a literal of zeros, as exporters write for a layer without a bias.
static bool isAbsentBias(NodeImporter &node, unsigned index) {
  if (!node.hasInput(index))
    return true;
  Binding *binding = node.input(index);
  if (!binding)
    return true;
  bool isLiteral = binding->kind == Binding::Kind::Constant ||
                   (binding->kind == Binding::Kind::Stored && binding->stored->isConstantNode &&
                    !node.graph.weightsAreConstantNodes);
  const HostTensor *tensor = isLiteral ? node.asConstant(*binding) : nullptr;
  return tensor && tensor->holdsFloats() && llvm::all_of(tensor->floats, [](float value) { return value == 0; });
}

/// Appends the bias at input `index`, if there is one; false after an error.
static bool appendBias(NodeImporter &node, unsigned index, SmallVectorImpl<Value> &operands) {
  if (isAbsentBias(node, index))
    return !node.hasFailed();
  Value bias = node.parameter(index);
  if (bias && getShape(bias).size() != 1) {
    node.error() << "has a bias of shape " << formatShape(getShape(bias)) << "; expected one value per output channel";
    return false;
  }
  operands.push_back(bias);
  return static_cast<bool>(bias);
}

/// Input and weight of a convolution, whose ranks agree; false after an error.
static bool getConvolutionOperands(NodeImporter &node, SmallVectorImpl<Value> &operands) {
  Value input = node.data(0), weight = node.parameter(1);
  if (!input || !weight)
    return false;
  if (getShape(input).size() < 3 || getShape(input).size() != getShape(weight).size()) {
    node.error() << "has input " << formatShape(getShape(input)) << " and weight " << formatShape(getShape(weight))
                 << "; expected equal ranks of 3 or more";
    return false;
  }
  operands.append({input, weight});
  return true;
}

static int64_t getGroups(NodeImporter &node) {
  int64_t groups = node.getInt("group", 1);
  if (groups >= 1 && groups <= INT32_MAX)
    return groups;
  node.error() << "has group = " << groups << "; expected a number of 1 or more";
  return 1;
}

LogicalResult bnc::onnx::importConv(NodeImporter &node) {
  SmallVector<Value> operands;
  if (!getConvolutionOperands(node, operands) || !appendBias(node, 2, operands))
    return failure();
  ArrayRef<int64_t> kernel = getShape(operands[1]).drop_front(2);
  checkKernelShape(node, kernel);
  WindowAttributes window = getWindow(node, getShape(operands[0]).drop_front(2), kernel);
  ConvOp::Properties properties;
  properties.strides = node.ints(window.strides);
  properties.pads = node.ints(window.pads);
  properties.dilations = node.ints(window.dilations);
  properties.groups = node.integer(getGroups(node));
  return node.bind(0, node.build<ConvOp>(operands, properties));
}

LogicalResult bnc::onnx::importConvTranspose(NodeImporter &node) {
  SmallVector<Value> operands;
  if (!getConvolutionOperands(node, operands) || !appendBias(node, 2, operands))
    return failure();
  ArrayRef<int64_t> spatial = getShape(operands[0]).drop_front(2), kernel = getShape(operands[1]).drop_front(2);
  checkKernelShape(node, kernel);
  size_t rank = spatial.size();
  SmallVector<int64_t> strides = node.getSizes("strides", rank, 1), dilations = node.getSizes("dilations", rank, 1),
                       pads = node.getSizes("pads", 2 * rank, 0),
                       outputPadding = node.getSizes("output_padding", rank, 0);
  StringRef mode = node.getString("auto_pad", "NOTSET");
  if (llvm::any_of(outputPadding, [](int64_t size) { return size < 0; }))
    return node.error() << "has a negative output_padding";
  // The output's size may be given instead of pads (ONNX, ConvTranspose).
  bool isSame = mode == "SAME_UPPER" || mode == "SAME_LOWER", hasShape = node.hasAttribute("output_shape");
  if (!isSame && mode != "NOTSET" && mode != "VALID")
    return node.error() << "has auto_pad = '" << mode << "'; expected NOTSET, VALID, SAME_UPPER or SAME_LOWER";
  if (mode == "VALID")
    pads.assign(2 * rank, 0);
  if (isSame || hasShape) {
    SmallVector<int64_t> wanted = node.getInts("output_shape");
    if (wanted.size() == rank + 2) // older files name the whole shape
      wanted.erase(wanted.begin(), wanted.begin() + 2);
    if (hasShape && wanted.size() != rank)
      return node.error() << "has " << wanted.size() << " values in 'output_shape'; expected " << rank;
    for (size_t i = 0; i < rank; ++i) {
      int64_t size = hasShape ? wanted[i] : spatial[i] * strides[i];
      int64_t full = (spatial[i] - 1) * strides[i] + windowExtent(kernel[i], dilations[i]) + outputPadding[i];
      if (size < 1 || size > INT32_MAX)
        return node.error() << "wants the size " << size << " in spatial dimension " << i;
      outputPadding[i] += std::max<int64_t>(0, size - full);
      int64_t total = std::max<int64_t>(0, full - size);
      pads[i] = mode == "SAME_UPPER" ? total / 2 : total - total / 2;
      pads[i + rank] = total - pads[i];
    }
  }
  ConvTransposeOp::Properties properties;
  properties.strides = node.ints(strides);
  properties.pads = node.ints(pads);
  properties.dilations = node.ints(dilations);
  properties.output_padding = node.ints(outputPadding);
  properties.groups = node.integer(getGroups(node));
  return node.bind(0, node.build<ConvTransposeOp>(operands, properties));
}

/// The matrix at input 1, as the file stores it. `transposed` is true on return if it is (inputs, outputs), given that
/// the node's own reading of it is that way or not.
static Value getDenseWeight(NodeImporter &node, bool &transposed) {
  Binding *binding = node.input(1);
  if (!binding)
    return {};
  Binding source = *binding;
  if (source.kind == Binding::Kind::Stored && !source.stored->steps.empty() &&
      source.stored->steps.back().isTranspose && source.stored->shape.size() == 2 &&
      source.stored->steps.back().argument == SmallVector<int64_t>{1, 0}) {
    StoredView view = *source.stored;
    view.steps.pop_back();
    std::swap(view.shape[0], view.shape[1]);
    source = Binding::of(std::move(view));
    transposed = !transposed;
  }
  Value weight = node.parameter(source, node.node.inputs[1]);
  if (weight && getShape(weight).size() != 2) {
    node.error() << "multiplies by a weight of shape " << formatShape(getShape(weight)) << "; expected rank 2";
    return {};
  }
  return weight;
}

static DenseOp::Properties getDenseProperties(NodeImporter &node, bool transposed) {
  DenseOp::Properties properties;
  properties.transposed = node.flag(transposed);
  return properties;
}

LogicalResult bnc::onnx::importGemm(NodeImporter &node) {
  if (node.getInt("transA", 0) != 0)
    return node.error() << "has transA = 1, which would make features of samples; expected 0";
  double alpha = node.getFloat("alpha", 1), beta = node.getFloat("beta", 1);
  bool transposed = node.getInt("transB", 0) == 0;
  Value input = node.data(0), weight = getDenseWeight(node, transposed);
  if (!input || !weight)
    return failure();
  if (getShape(input).size() != 2)
    return node.error() << "has an input of shape " << formatShape(getShape(input)) << "; expected rank 2";
  SmallVector<Value> operands{input, weight};
  Value addend;
  if (beta != 0 && !isAbsentBias(node, 2)) {
    addend = node.parameter(2);
    int64_t outputs = getShape(weight)[transposed ? 1 : 0];
    if (addend && alpha == 1 && beta == 1 && getShape(addend) == ArrayRef<int64_t>(outputs)) {
      operands.push_back(addend);
      addend = {};
    }
  }
  Value result = node.build<DenseOp>(operands, getDenseProperties(node, transposed));
  if (alpha != 1)
    result = node.build<MulOp>({result, node.scalar(alpha)});
  if (addend && beta != 1)
    addend = node.build<MulOp>({addend, node.scalar(beta)});
  if (addend)
    result = node.build<AddOp>({result, addend});
  return node.bind(0, result);
}

LogicalResult bnc::onnx::importMatMul(NodeImporter &node) {
  bool transposed = true;
  Value input = node.data(0), weight = getDenseWeight(node, transposed);
  if (!input || !weight)
    return failure();
  if (getShape(input).size() < 2)
    return node.error() << "has an input of shape " << formatShape(getShape(input)) << "; expected rank 2 or more";
  return node.bind(0, node.build<DenseOp>({input, weight}, getDenseProperties(node, transposed)));
}

/// The dimension of `layer`'s result that its bias runs along; none if it is no layer, or has a bias.
static std::optional<size_t> getBiasAxis(Operation *layer) {
  if (auto dense = dyn_cast_or_null<DenseOp>(layer))
    return dense.getBias() ? std::nullopt : std::optional<size_t>(getShape(dense).size() - 1);
  if (auto conv = dyn_cast_or_null<ConvOp>(layer))
    return conv.getBias() ? std::nullopt : std::optional<size_t>(1);
  if (auto conv = dyn_cast_or_null<ConvTransposeOp>(layer))
    return conv.getBias() ? std::nullopt : std::optional<size_t>(1);
  return std::nullopt;
}

Value bnc::onnx::importBiasAdd(NodeImporter &node) {
  for (unsigned index : {0, 1}) {
    Binding *sum = node.input(index), *addend = node.input(1 - index);
    if (!sum || !addend)
      return {};
    Operation *layer = sum->kind == Binding::Kind::Computed ? sum->value.getDefiningOp() : nullptr;
    std::optional<size_t> axis = getBiasAxis(layer);
    if (!axis || node.graph.numUses.lookup(node.node.inputs[index]) != 1)
      continue;

    // One value per channel, whatever the shape it is stored or written in.
    ArrayRef<int64_t> shape;
    if (addend->kind == Binding::Kind::Stored && isFloat(addend->stored->tensor->type))
      shape = addend->stored->shape;
    else if (addend->kind == Binding::Kind::Constant && addend->constant->holdsFloats())
      shape = addend->constant->shape;
    ArrayRef<int64_t> result = getShape(sum->value);
    int64_t channels = result[*axis], named = *axis; // the dimension in the sum's own order
    if (!sum->permutation.empty())
      named = llvm::find(sum->permutation, named) - sum->permutation.begin();
    int64_t position = named - static_cast<int64_t>(result.size() - shape.size());
    if (shape.size() > result.size() || position < 0 || shape[position] != channels || countElements(shape) != channels)
      continue;

    Binding source = *addend;
    if (source.kind == Binding::Kind::Stored && source.stored->isConstantNode && !node.isParameter(*source.stored)) {
      source = Binding::of(*node.asConstant(*addend));
    } else if (source.kind == Binding::Kind::Stored) {
      // Only one dimension is not 1: no step moves an element.
      StoredView view = *source.stored;
      view.steps.clear();
      view.shape = view.tensor->shape;
      source = Binding::of(std::move(view));
    }
    Value bias = node.reshape(node.parameter(source, node.node.inputs[1 - index]), channels);
    SmallVector<Value> operands(layer->getOperands());
    operands.push_back(bias);
    node.setPermutation(sum->permutation);
    node.loc = FusedLoc::get(node.loc.getContext(), {layer->getLoc(), node.loc});
    // The layer without the bias stays behind, dead unless it has other users.
    if (auto dense = dyn_cast<DenseOp>(layer))
      return node.build<DenseOp>(operands, dense.getProperties());
    if (auto conv = dyn_cast<ConvOp>(layer))
      return node.build<ConvOp>(operands, conv.getProperties());
    return node.build<ConvTransposeOp>(operands, cast<ConvTransposeOp>(layer).getProperties());
  }
  return {};
}
