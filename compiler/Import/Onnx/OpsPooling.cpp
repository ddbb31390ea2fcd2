//===- OpsPooling.cpp - pools and reductions ------------------------------===//

#include "compiler/Import/Onnx/Ops.h"

#include "llvm/ADT/STLExtras.h"

using namespace mlir;
using namespace bnc;
using namespace bnc::onnx;

/// What a window has to be padded by at the end, beyond its own pads, so that rounding down gives as many results as
/// rounding up. A window that would start in the padding at the end is not one (ONNX and PyTorch agree).
static SmallVector<int64_t> getCeilPads(const WindowAttributes &window, ArrayRef<int64_t> spatial) {
  SmallVector<int64_t> extra;
  size_t rank = spatial.size();
  for (size_t i = 0; i < rank; ++i) {
    int64_t stride = std::max<int64_t>(1, window.strides[i]); // the op refuses a stride below 1
    int64_t extent = windowExtent(window.kernel[i], window.dilations[i]);
    int64_t padded = spatial[i] + window.pads[i] + window.pads[i + rank];
    int64_t last = (std::max<int64_t>(0, padded - extent) + stride - 1) / stride; // index of the last window
    if (last * stride >= spatial[i] + window.pads[i])
      --last;
    extra.push_back(std::max<int64_t>(0, last * stride + extent - padded));
  }
  return extra;
}

template <typename OpTy> static typename OpTy::Properties getProperties(NodeImporter &node, const WindowAttributes &w) {
  typename OpTy::Properties properties;
  properties.kernel = node.ints(w.kernel);
  properties.strides = node.ints(w.strides);
  properties.pads = node.ints(w.pads);
  properties.dilations = node.ints(w.dilations);
  return properties;
}

/// Input and window of a pool, and its ceil_mode's extra pads (zeros without it); null input after an error.
static Value getPool(NodeImporter &node, WindowAttributes &window, SmallVector<int64_t> &extra) {
  Value input = node.data(0);
  if (!input)
    return {};
  ArrayRef<int64_t> shape = getShape(input);
  if (shape.size() < 3) {
    node.error() << "has an input of shape " << formatShape(shape) << "; expected (N, C, spatial...)";
    return {};
  }
  if (!node.hasAttribute("kernel_shape"))
    node.error() << "lacks the attribute 'kernel_shape'";
  ArrayRef<int64_t> spatial = shape.drop_front(2);
  window = getWindow(node, spatial, node.getSizes("kernel_shape", spatial.size(), 1));
  extra.assign(spatial.size(), 0);
  if (node.getInt("ceil_mode", 0) != 0)
    extra = getCeilPads(window, spatial);
  return node.hasFailed() ? Value() : input;
}

static void padEnd(WindowAttributes &window, ArrayRef<int64_t> extra) {
  for (auto [index, size] : llvm::enumerate(extra))
    window.pads[extra.size() + index] += size;
}

/// Windows of one element each: PyTorch writes an adaptive pool so whose result has its input's size.
static bool isIdentity(const WindowAttributes &window) {
  auto isOne = [](int64_t size) { return size == 1; };
  return llvm::all_of(window.kernel, isOne) && llvm::all_of(window.strides, isOne) &&
         llvm::all_of(window.pads, [](int64_t size) { return size == 0; });
}

LogicalResult bnc::onnx::importMaxPool(NodeImporter &node) {
  WindowAttributes window;
  SmallVector<int64_t> extra;
  Value input = getPool(node, window, extra);
  if (!input || failed(node.refuseOutputs(1)))
    return failure();
  padEnd(window, extra);
  if (isIdentity(window))
    return importIdentity(node);
  return node.bind(0, node.build<MaxPoolOp>(input, getProperties<MaxPoolOp>(node, window)));
}

LogicalResult bnc::onnx::importAveragePool(NodeImporter &node) {
  WindowAttributes window;
  SmallVector<int64_t> extra;
  Value input = getPool(node, window, extra);
  if (!input)
    return failure();
  bool countsPads = node.getInt("count_include_pad", 0) != 0 && llvm::any_of(window.pads, [](int64_t size) { return size != 0; });
  bool hasExtra = llvm::any_of(extra, [](int64_t size) { return size != 0; });
  if (countsPads && hasExtra) {
    // The file's own pads count, those that ceil_mode adds do not: the former become elements.
    size_t rank = extra.size();
    SmallVector<int64_t> low(2, 0), high(2, 0);
    low.append(window.pads.begin(), window.pads.begin() + rank);
    high.append(window.pads.begin() + rank, window.pads.end());
    PadOp::Properties pad;
    pad.low = node.ints(low);
    pad.high = node.ints(high);
    pad.value = node.number(0);
    input = node.build<PadOp>(input, pad);
    window.pads.assign(2 * rank, 0);
    countsPads = false;
  }
  padEnd(window, extra);
  if (isIdentity(window))
    return importIdentity(node);
  AvgPoolOp::Properties properties = getProperties<AvgPoolOp>(node, window);
  properties.count_include_pad = node.flag(countsPads);
  return node.bind(0, node.build<AvgPoolOp>(input, properties));
}

//===----------------------------------------------------------------------===//
// Reductions
//===----------------------------------------------------------------------===//

template <typename OpTy>
static LogicalResult reduce(NodeImporter &node, Value input, ArrayRef<int64_t> axes, bool keepDims) {
  if (!input || node.hasFailed())
    return failure();
  for (int64_t axis : axes)
    if (ShapedType::isDynamic(getShape(input)[axis]))
      return node.error() << "reduces over dimension 0, the batch; expected axes within a sample";
  typename OpTy::Properties properties;
  properties.axes = node.ints(axes);
  properties.keep_dims = node.flag(keepDims);
  return node.bind(0, node.build<OpTy>(input, properties));
}

template <typename OpTy> static LogicalResult importGlobalPool(NodeImporter &node) {
  Value input = node.data(0);
  if (!input)
    return failure();
  int64_t rank = getShape(input).size();
  if (rank < 3)
    return node.error() << "has an input of shape " << formatShape(getShape(input)) << "; expected (N, C, spatial...)";
  return reduce<OpTy>(node, input, llvm::to_vector(llvm::seq<int64_t>(2, rank)), /*keepDims=*/true);
}

/// `axes` of a transpose, as dimensions of the tensor before it. The result is a transpose likewise.
static void moveBeforeTranspose(NodeImporter &node, const Binding &binding, MutableArrayRef<int64_t> axes,
                                bool keepDims) {
  if (binding.permutation.empty())
    return;
  for (int64_t &axis : axes)
    axis = binding.permutation[axis];
  SmallVector<int64_t> left;
  for (int64_t dim : binding.permutation)
    if (keepDims || !llvm::is_contained(axes, dim))
      left.push_back(keepDims ? dim : dim - llvm::count_if(axes, [&](int64_t axis) { return axis < dim; }));
  node.setPermutation(left);
}

template <typename OpTy> static LogicalResult importReduction(NodeImporter &node, bool axesAreInput) {
  Value input = node.elementwise(0);
  if (!input)
    return failure();
  int64_t rank = getShape(input).size();
  SmallVector<int64_t> axes = node.getAxes(axesAreInput, 1, rank);
  if (axes.empty()) {
    if (axesAreInput && node.getInt("noop_with_empty_axes", 0) != 0)
      return node.bind(0, input);
    axes = llvm::to_vector(llvm::seq<int64_t>(0, rank));
  }
  bool keepDims = node.getInt("keepdims", 1) != 0;
  moveBeforeTranspose(node, *node.input(0), axes, keepDims);
  llvm::sort(axes);
  return reduce<OpTy>(node, input, axes, keepDims);
}

LogicalResult bnc::onnx::importGlobalAveragePool(NodeImporter &node) { return importGlobalPool<ReduceMeanOp>(node); }
LogicalResult bnc::onnx::importGlobalMaxPool(NodeImporter &node) { return importGlobalPool<ReduceMaxOp>(node); }
LogicalResult bnc::onnx::importReduceMax1(NodeImporter &node) { return importReduction<ReduceMaxOp>(node, false); }
LogicalResult bnc::onnx::importReduceMax18(NodeImporter &node) { return importReduction<ReduceMaxOp>(node, true); }
LogicalResult bnc::onnx::importReduceMean1(NodeImporter &node) { return importReduction<ReduceMeanOp>(node, false); }
LogicalResult bnc::onnx::importReduceMean18(NodeImporter &node) { return importReduction<ReduceMeanOp>(node, true); }
LogicalResult bnc::onnx::importReduceSum1(NodeImporter &node) { return importReduction<ReduceSumOp>(node, false); }
LogicalResult bnc::onnx::importReduceSum13(NodeImporter &node) { return importReduction<ReduceSumOp>(node, true); }
