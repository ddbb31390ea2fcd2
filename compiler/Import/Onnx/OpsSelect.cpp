//===- OpsSelect.cpp - ops that join, select and pad ----------------------===//

#include "compiler/Import/Onnx/Ops.h"

#include "llvm/ADT/STLExtras.h"

using namespace mlir;
using namespace bnc;
using namespace bnc::onnx;

//===----------------------------------------------------------------------===//
// Joining and selecting
//===----------------------------------------------------------------------===//

LogicalResult bnc::onnx::importConcat(NodeImporter &node) {
  if (!node.hasInput(0))
    return node.error() << "has no inputs";
  if (node.getNumInputs() == 1)
    return importIdentity(node);
  // Equal transposes of all inputs are one transpose of the result.
  SmallVector<int64_t> permutation;
  for (unsigned index = 0; index < node.getNumInputs(); ++index) {
    Binding *binding = node.input(index);
    if (!binding)
      return failure();
    if (index == 0)
      permutation = binding->permutation;
    else if (binding->permutation != permutation)
      permutation.clear();
  }
  SmallVector<Value> operands;
  for (unsigned index = 0; index < node.getNumInputs(); ++index) {
    operands.push_back(permutation.empty() ? node.data(index) : node.elementwise(index));
    if (!operands.back())
      return failure();
  }
  int64_t axis = node.normalizeAxis(node.getInt("axis", 1), getShape(operands[0]).size());
  if (node.hasFailed())
    return failure();
  if (!permutation.empty())
    axis = permutation[axis];
  for (Value operand : operands)
    if (axis == 0 && !getShape(operand).empty() && ShapedType::isDynamic(getShape(operand)[0]))
      return node.error() << "joins along dimension 0, the batch; expected an axis within a sample";
  return node.bind(0, node.build<ConcatOp>(operands, {node.integer(axis)}));
}

namespace {
/// The part of a tensor that a slice takes; everything to start with.
struct Part {
  SmallVector<int64_t> starts, sizes, steps;

  explicit Part(ArrayRef<int64_t> shape) : starts(shape.size(), 0), sizes(shape), steps(shape.size(), 1) {
    llvm::replace(sizes, ShapedType::kDynamic, int64_t(-1));
  }
};
} // namespace

static Value takePart(NodeImporter &node, Value input, const Part &part) {
  if (!input || node.hasFailed() || Part(getShape(input)).sizes == part.sizes)
    return node.hasFailed() ? Value() : input; // the size says it: nothing is left out
  SliceOp::Properties properties;
  properties.starts = node.ints(part.starts);
  properties.sizes = node.ints(part.sizes);
  properties.steps = node.ints(part.steps);
  return node.build<SliceOp>(input, properties);
}

namespace {
/// One entry of each list of a Slice.
struct AxisSlice {
  int64_t axis, start, end, step;
};
} // namespace

static LogicalResult importSlice(NodeImporter &node, ArrayRef<AxisSlice> slices) {
  Value input = node.data(0);
  if (!input)
    return failure();
  ArrayRef<int64_t> shape = getShape(input);
  Part part(shape);
  for (AxisSlice slice : slices) {
    int64_t axis = node.normalizeAxis(slice.axis, shape.size());
    if (node.hasFailed())
      return failure();
    int64_t size = shape[axis];
    if (ShapedType::isDynamic(size)) {
      if (slice.start == 0 && slice.step == 1 && slice.end >= INT32_MAX)
        continue;
      return node.error() << "selects some samples of the batch, dimension 0; expected an axis within a sample";
    }
    if (slice.step < 1)
      return node.error() << "has the step " << slice.step << " along axis " << axis << "; expected 1 or more";
    auto clamp = [&](int64_t position) {
      position += position < 0 ? size : 0;
      return std::clamp<int64_t>(position, 0, size);
    };
    int64_t start = clamp(slice.start), end = clamp(slice.end);
    if (end <= start)
      return node.error() << "takes nothing of dimension " << axis << ", whose size is " << size;
    part.starts[axis] = start;
    part.sizes[axis] = (end - start - 1) / slice.step + 1;
    part.steps[axis] = slice.step;
  }
  return node.bind(0, takePart(node, input, part));
}

LogicalResult bnc::onnx::importSlice1(NodeImporter &node) {
  SmallVector<int64_t> starts = node.getInts("starts"), ends = node.getInts("ends"), axes = node.getInts("axes");
  if (axes.empty())
    llvm::append_range(axes, llvm::seq<int64_t>(0, starts.size()));
  if (starts.size() != ends.size() || starts.size() != axes.size())
    return node.error() << "has lists of different lengths";
  SmallVector<AxisSlice> slices;
  for (auto [axis, start, end] : llvm::zip(axes, starts, ends))
    slices.push_back({axis, start, end, 1});
  return importSlice(node, slices);
}

LogicalResult bnc::onnx::importSlice10(NodeImporter &node) {
  SmallVector<int64_t> starts, ends, axes, steps;
  if (!node.getConstantInts(1, starts))
    return failure();
  const HostTensor *endTensor = node.constant(2);
  if (!endTensor)
    return failure();
  for (const Integer &end : endTensor->integers) {
    if (!end.isKnown() && !(end == Integer{0, 1}))
      return node.error() << "has an end that depends on the batch size";
    ends.push_back(end.isKnown() ? end.constant : INT64_MAX); // to the end of the batch
  }
  if ((node.hasInput(3) && !node.getConstantInts(3, axes)) || (node.hasInput(4) && !node.getConstantInts(4, steps)))
    return failure();
  if (axes.empty())
    llvm::append_range(axes, llvm::seq<int64_t>(0, starts.size()));
  if (steps.empty())
    steps.assign(starts.size(), 1);
  if (starts.size() != ends.size() || starts.size() != axes.size() || starts.size() != steps.size())
    return node.error() << "has lists of different lengths";
  SmallVector<AxisSlice> slices;
  for (auto [axis, start, end, step] : llvm::zip(axes, starts, ends, steps))
    slices.push_back({axis, start, end, step});
  return importSlice(node, slices);
}

LogicalResult bnc::onnx::importGather(NodeImporter &node) {
  Value input = node.data(0);
  const HostTensor *indices = node.constant(1);
  if (!input || !indices)
    return failure();
  ArrayRef<int64_t> shape = getShape(input);
  int64_t axis = node.normalizeAxis(node.getInt("axis", 0), shape.size());
  if (node.hasFailed())
    return failure();
  if (ShapedType::isDynamic(shape[axis]))
    return node.error() << "selects samples of the batch, dimension 0; expected an axis within a sample";
  SmallVector<int64_t> positions;
  for (const Integer &index : indices->integers) {
    if (!index.isKnown() || index.constant < -shape[axis] || index.constant >= shape[axis])
      return node.error() << "takes an index that is not in [" << -shape[axis] << ", " << shape[axis] << ")";
    positions.push_back(index.constant + (index.constant < 0 ? shape[axis] : 0));
  }
  if (positions.empty() || indices->shape.size() > 1)
    return node.error() << "has indices of shape " << formatShape(indices->shape)
                        << "; expected one index or a list of them";
  Part part(shape);
  part.starts[axis] = positions[0];
  part.sizes[axis] = positions.size();
  part.steps[axis] = positions.size() > 1 ? positions[1] - positions[0] : 1;
  for (size_t i = 1; i < positions.size(); ++i)
    if (part.steps[axis] < 1 || positions[i] - positions[i - 1] != part.steps[axis])
      return node.error() << "takes indices that do not rise in equal steps, which is not supported";
  Value result = takePart(node, input, part);
  if (indices->shape.empty()) {
    SmallVector<int64_t> sizes(part.sizes);
    sizes.erase(sizes.begin() + axis);
    result = node.reshape(result, sizes);
  }
  return node.bind(0, result);
}

//===----------------------------------------------------------------------===//
// Splitting
//===----------------------------------------------------------------------===//

/// Parts of those sizes along `axis` of input 0; empty after an error.
static SmallVector<Part> getParts(NodeImporter &node, ArrayRef<int64_t> shape, int64_t axis, ArrayRef<int64_t> sizes) {
  SmallVector<Part> parts;
  int64_t position = 0;
  for (int64_t size : sizes) {
    if (size < 1 || size > shape[axis] - position) {
      node.error() << "splits dimension " << axis << " of size " << shape[axis] << " into " << formatShape(sizes);
      return {};
    }
    parts.emplace_back(shape);
    parts.back().starts[axis] = position;
    parts.back().sizes[axis] = size;
    position += size;
  }
  if (position != shape[axis])
    node.error() << "splits dimension " << axis << " of size " << shape[axis] << " into " << formatShape(sizes);
  return parts;
}

/// The axis of a split, which must not be the batch; failure after an error.
static FailureOr<int64_t> getSplitAxis(NodeImporter &node, Value input) {
  if (!input)
    return failure();
  int64_t axis = node.normalizeAxis(node.getInt("axis", 0), getShape(input).size());
  if (node.hasFailed())
    return failure();
  if (ShapedType::isDynamic(getShape(input)[axis]))
    return node.error() << "splits dimension 0, the batch; expected an axis within a sample";
  return axis;
}

/// Sizes of `size` cut into pieces of `piece`; the last may be smaller.
static SmallVector<int64_t> cut(NodeImporter &node, int64_t size, int64_t piece) {
  constexpr int64_t kMaxParts = 1 << 16; // more is a mistake of the file
  SmallVector<int64_t> sizes;
  if (size / piece >= kMaxParts) {
    node.error() << "splits a dimension of size " << size << " into parts of " << piece;
    return sizes;
  }
  for (int64_t rest = size; rest > 0; rest -= piece)
    sizes.push_back(std::min(rest, piece));
  return sizes;
}

static LogicalResult importSplit(NodeImporter &node, SmallVector<int64_t> sizes) {
  Value input = node.data(0);
  FailureOr<int64_t> axis = getSplitAxis(node, input);
  if (failed(axis))
    return failure();
  int64_t count = node.node.outputs.size(), size = getShape(input)[*axis];
  if (sizes.empty()) {
    if (count == 0 || (size % count != 0 && node.opset < 18))
      return node.error() << "splits dimension " << *axis << " of size " << size << " into " << count << " equal parts";
    sizes = cut(node, size, (size + count - 1) / count);
  }
  if (static_cast<int64_t>(sizes.size()) != count)
    return node.error() << "has " << count << " outputs for " << sizes.size() << " parts";
  SmallVector<Part> parts = getParts(node, getShape(input), *axis, sizes);
  for (auto [index, part] : llvm::enumerate(parts))
    if (node.isUsed(index) && failed(node.bind(index, takePart(node, input, part))))
      return failure();
  return success(!node.hasFailed());
}

LogicalResult bnc::onnx::importSplit2(NodeImporter &node) { return importSplit(node, node.getInts("split")); }

LogicalResult bnc::onnx::importSplit13(NodeImporter &node) {
  SmallVector<int64_t> sizes;
  if (node.hasInput(1) && !node.getConstantInts(1, sizes))
    return failure();
  return importSplit(node, sizes);
}

LogicalResult bnc::onnx::importSplitToSequence(NodeImporter &node) {
  Value input = node.data(0);
  FailureOr<int64_t> axis = getSplitAxis(node, input);
  if (failed(axis))
    return failure();
  int64_t size = getShape(input)[*axis];
  SmallVector<int64_t> sizes;
  bool keepsDim = true;
  if (!node.hasInput(1)) {
    sizes = cut(node, size, 1);
    keepsDim = node.getInt("keepdims", 1) != 0;
  } else if (!node.getConstantInts(1, sizes)) {
    return failure();
  } else if (node.constant(1)->shape.empty()) {
    if (sizes[0] < 1)
      return node.error() << "splits into parts of size " << sizes[0];
    sizes = cut(node, size, sizes[0]);
  }
  Binding sequence;
  sequence.kind = Binding::Kind::Sequence;
  bool fromData = node.input(0)->fromData;
  for (const Part &part : getParts(node, getShape(input), *axis, sizes)) {
    Value element = takePart(node, input, part);
    if (!keepsDim) {
      SmallVector<int64_t> shape(part.sizes);
      shape.erase(shape.begin() + *axis);
      element = node.reshape(element, shape);
    }
    if (!element)
      return failure();
    sequence.elements.push_back(Binding::computed(element, fromData));
  }
  return node.bind(0, std::move(sequence));
}

LogicalResult bnc::onnx::importSequenceAt(NodeImporter &node) {
  Binding *sequence = node.input(0);
  if (!sequence)
    return failure();
  if (sequence->kind != Binding::Kind::Sequence)
    return node.error() << "reads '" << node.node.inputs[0] << "', which is no sequence";
  int64_t count = sequence->elements.size();
  double position = node.getConstantFloat(1, 0);
  if (position < 0)
    position += count;
  if (!(position >= 0 && position < count))
    return node.error() << "takes an element that is not one of the " << count << " of its sequence";
  return node.bind(0, sequence->elements[static_cast<size_t>(position)]);
}

//===----------------------------------------------------------------------===//
// Padding
//===----------------------------------------------------------------------===//

/// `pads`: those before each of `axes` (empty: all dimensions), then those after.
static LogicalResult importPad(NodeImporter &node, ArrayRef<int64_t> pads, SmallVector<int64_t> axes, double value) {
  Value input = node.data(0);
  StringRef mode = node.getString("mode", "constant");
  if (!input)
    return failure();
  ArrayRef<int64_t> shape = getShape(input);
  int64_t rank = shape.size();
  if (axes.empty())
    llvm::append_range(axes, llvm::seq<int64_t>(0, rank));
  if (pads.size() != 2 * axes.size())
    return node.error() << "has " << pads.size() << " pads for " << axes.size()
                        << " dimensions; expected twice as many";
  SmallVector<int64_t> low(rank, 0), high(rank, 0);
  for (auto [index, unnormalized] : llvm::enumerate(axes)) {
    int64_t axis = node.normalizeAxis(unnormalized, rank);
    low[axis] = pads[index];
    high[axis] = pads[index + axes.size()];
    if (std::max(low[axis], high[axis]) > INT32_MAX || std::min(low[axis], high[axis]) < -INT32_MAX)
      return node.error() << "has a pad that is out of range";
  }
  if (llvm::all_of(pads, [](int64_t pad) { return pad == 0; }))
    return node.bind(0, input);
  if (mode != "constant")
    return node.error() << "has mode = '" << mode << "'; only constant is supported";
  // A negative pad removes elements.
  Part part(shape);
  for (int64_t dim = 0; dim < rank; ++dim) {
    int64_t before = std::max<int64_t>(0, -low[dim]), after = std::max<int64_t>(0, -high[dim]);
    if (before + after == 0)
      continue;
    if (ShapedType::isDynamic(shape[dim]) || before + after >= shape[dim])
      return node.error() << "removes " << before + after << " elements of dimension " << dim << " of "
                          << formatShape(shape);
    part.starts[dim] = before;
    part.sizes[dim] -= before + after;
    low[dim] = std::max<int64_t>(0, low[dim]);
    high[dim] = std::max<int64_t>(0, high[dim]);
  }
  Value result = takePart(node, input, part);
  if (llvm::all_of(low, [](int64_t pad) { return pad == 0; }) &&
      llvm::all_of(high, [](int64_t pad) { return pad == 0; }))
    return node.bind(0, result);
  PadOp::Properties properties;
  properties.low = node.ints(low);
  properties.high = node.ints(high);
  properties.value = node.number(value);
  return node.bind(0, node.build<PadOp>(result, properties));
}

LogicalResult bnc::onnx::importPad2(NodeImporter &node) {
  return importPad(node, node.getInts("pads"), {}, node.getFloat("value", 0));
}

LogicalResult bnc::onnx::importPad11(NodeImporter &node) {
  SmallVector<int64_t> pads, axes;
  if (!node.getConstantInts(1, pads) || (node.hasInput(3) && !node.getConstantInts(3, axes)))
    return failure();
  return importPad(node, pads, axes, node.getConstantFloat(2, 0));
}
