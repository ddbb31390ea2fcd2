//===- OpsShape.cpp - constants, shapes, and ops that only move elements --===//
//
// A transpose or reshape of a stored tensor is kept with its name: what it becomes is decided by who uses it.
//
//===----------------------------------------------------------------------===//

#include "compiler/Import/Onnx/Ops.h"

#include "llvm/ADT/STLExtras.h"

using namespace mlir;
using namespace bnc;
using namespace bnc::onnx;

/// Shape of input `index`, -1 for the batch; none after an error.
static std::optional<SmallVector<int64_t>> getInputShape(NodeImporter &node, unsigned index) {
  Binding *binding = node.input(index);
  if (!binding)
    return std::nullopt;
  switch (binding->kind) {
  case Binding::Kind::Computed: {
    SmallVector<int64_t> before(getShape(binding->value)), shape(before);
    for (auto [size, dim] : llvm::zip(shape, binding->permutation))
      size = before[dim];
    llvm::replace(shape, ShapedType::kDynamic, int64_t(-1));
    return shape;
  }
  case Binding::Kind::Stored:
    return binding->stored->shape;
  case Binding::Kind::Constant:
    return binding->constant->shape;
  default:
    node.error() << "reads '" << node.node.inputs[index]
                 << "', which is a sequence or boolean; expected a float tensor";
    return std::nullopt;
  }
}

/// Output 0 is input 0 under another shape (-1: the batch).
static LogicalResult bindReshape(NodeImporter &node, ArrayRef<int64_t> shape) {
  Binding *binding = node.input(0);
  if (!binding || node.hasFailed())
    return failure();
  if (binding->kind != Binding::Kind::Stored)
    return node.bind(0, node.reshape(node.data(0), shape));
  if (countElements(shape) != countElements(binding->stored->shape))
    return node.error() << "reshapes " << formatShape(binding->stored->shape) << " to " << formatShape(shape)
                        << ", which has another number of elements";
  StoredView view = *binding->stored;
  view.steps.push_back({/*isTranspose=*/false, SmallVector<int64_t>(shape)});
  view.shape.assign(shape.begin(), shape.end());
  return node.bind(0, Binding::of(std::move(view)));
}

//===----------------------------------------------------------------------===//
// Constants and shapes
//===----------------------------------------------------------------------===//

LogicalResult bnc::onnx::importConstant(NodeImporter &node) {
  if (node.node.outputs.empty())
    return node.error() << "has no output";
  for (const bnc::onnx::Attribute &attribute : node.node.attributes) {
    HostTensor tensor;
    switch (attribute.kind) {
    case bnc::onnx::Attribute::Kind::Tensor:
      if (attribute.name != "value")
        continue;
      return node.bind(
          0, Binding::of(StoredView{
                 &attribute.tensor, node.node.outputs[0], /*isConstantNode=*/true, {}, attribute.tensor.shape}));
    case bnc::onnx::Attribute::Kind::Float:
      tensor.floats.push_back(attribute.f);
      return node.bind(0, Binding::of(std::move(tensor)));
    case bnc::onnx::Attribute::Kind::Floats:
      tensor.floats = attribute.floats;
      tensor.shape.push_back(tensor.floats.size());
      return node.bind(0, Binding::of(std::move(tensor)));
    case bnc::onnx::Attribute::Kind::Int:
      return node.bind(0, Binding::of(HostTensor::makeIntegers({}, {{attribute.i, 0}})));
    case bnc::onnx::Attribute::Kind::Ints: {
      std::vector<Integer> values;
      for (int64_t value : attribute.ints)
        values.push_back({value, 0});
      int64_t size = values.size();
      return node.bind(0, Binding::of(HostTensor::makeIntegers(size, std::move(values))));
    }
    default:
      continue;
    }
  }
  return node.error() << "has no value that is a tensor or a list of numbers";
}

LogicalResult bnc::onnx::importShape(NodeImporter &node) {
  auto shape = getInputShape(node, 0);
  if (!shape)
    return failure();
  int64_t rank = shape->size();
  auto clamp = [&](int64_t position) {
    position += position < 0 ? rank : 0;
    return std::clamp<int64_t>(position, 0, rank);
  };
  int64_t start = clamp(node.getInt("start", 0)), end = std::max(start, clamp(node.getInt("end", rank)));
  std::vector<Integer> values;
  for (int64_t size : ArrayRef<int64_t>(*shape).slice(start, end - start))
    values.push_back(size < 0 ? Integer{0, 1} : Integer{size, 0});
  return node.bind(0, Binding::of(HostTensor::makeIntegers(end - start, std::move(values))));
}

LogicalResult bnc::onnx::importSize(NodeImporter &node) {
  auto shape = getInputShape(node, 0);
  if (!shape)
    return failure();
  bool hasBatch = llvm::is_contained(*shape, -1);
  llvm::replace(*shape, int64_t(-1), int64_t(1));
  int64_t count = countElements(*shape).value_or(0);
  return node.bind(0, Binding::of(HostTensor::makeIntegers({}, {hasBatch ? Integer{0, count} : Integer{count, 0}})));
}

//===----------------------------------------------------------------------===//
// Reshapes
//===----------------------------------------------------------------------===//

namespace {
/// Entries of a requested shape that are no sizes.
constexpr int64_t kBatch = -1, kInferred = -2;
} // namespace

/// Product of the sizes, and how many entries are inferred; none if one is the batch or the product is too large.
static std::optional<int64_t> countKnown(ArrayRef<int64_t> shape) {
  SmallVector<int64_t> sizes(shape);
  llvm::replace(sizes, kInferred, int64_t(1));
  return countElements(sizes);
}

/// True if the entries describe `count` elements, be it with one that is inferred.
static bool describes(ArrayRef<int64_t> shape, int64_t count) {
  std::optional<int64_t> known = countKnown(shape);
  if (!known || llvm::count(shape, kInferred) > 1)
    return false;
  return llvm::is_contained(shape, kInferred) ? *known != 0 && count % *known == 0 : *known == count;
}

LogicalResult bnc::onnx::importReshape(NodeImporter &node) {
  auto from = getInputShape(node, 0);
  const HostTensor *target = node.constant(1);
  if (!from || !target)
    return failure();
  if (target->holdsFloats() || target->shape.size() > 1)
    return node.error() << "has a shape that is no list of integers";
  bool keepsZero = node.getInt("allowzero", 0) != 0;
  SmallVector<int64_t> shape;
  for (auto [dim, size] : llvm::enumerate(target->integers)) {
    if (size == Integer{0, 1})
      shape.push_back(kBatch);
    else if (!size.isKnown())
      return node.error() << "makes a size of several samples; a reshape must keep the batch as a dimension";
    else if (size.constant == 0 && !keepsZero && dim < from->size())
      shape.push_back((*from)[dim]);
    else if (size.constant == -1)
      shape.push_back(kInferred);
    else if (size.constant >= 0)
      shape.push_back(size.constant);
    else
      return node.error() << "has the size " << size.constant << " in its shape";
  }

  // A file made for one batch size, or with -1 in its place, still means the batch where the rest is one sample.
  bool hasBatch = !from->empty() && from->front() == -1;
  int64_t sample = from->empty() ? 1 : countElements(ArrayRef<int64_t>(*from).drop_front()).value_or(0);
  bool isFileBatch = node.graph.options.batch && !shape.empty() && shape[0] == node.graph.fileBatch;
  bool mayBeBatch = !from->empty() && ((hasBatch && !shape.empty() && shape[0] == kInferred) || isFileBatch);
  if (mayBeBatch && describes(ArrayRef<int64_t>(shape).drop_front(), sample))
    shape[0] = from->front(); // -1 is kBatch

  SmallVector<int64_t> samples(shape);
  llvm::replace(samples, kBatch, int64_t(1));
  int64_t count = hasBatch ? sample : countElements(*from).value_or(0);
  if (hasBatch != (llvm::count(shape, kBatch) == 1) || !describes(samples, count)) {
    SmallVector<int64_t> asked(shape);
    llvm::replace(asked, kInferred, int64_t(-1));
    llvm::replace(*from, int64_t(-1), ShapedType::kDynamic);
    NodeError diag = node.error();
    diag << "reshapes " << formatShape(*from) << " to " << formatShape(asked);
    return diag << (hasBatch ? ", which does not keep the batch as a dimension"
                             : ", which has another number of elements");
  }
  if (llvm::is_contained(samples, kInferred))
    llvm::replace(shape, kInferred, count / *countKnown(samples));
  return bindReshape(node, shape);
}

LogicalResult bnc::onnx::importFlatten(NodeImporter &node) {
  auto shape = getInputShape(node, 0);
  if (!shape)
    return failure();
  int64_t rank = shape->size(), axis = node.getInt("axis", 1);
  if (axis < -rank || axis > rank)
    return node.error() << "has axis " << axis << " for a tensor of rank " << rank;
  axis += axis < 0 ? rank : 0;
  ArrayRef<int64_t> sizes = *shape;
  if (rank == 0 || sizes[0] != -1)
    return bindReshape(
        node, {countElements(sizes.take_front(axis)).value_or(0), countElements(sizes.drop_front(axis)).value_or(0)});
  if (axis == 0 || countElements(sizes.slice(1, axis - 1)) != 1)
    return node.error() << "has axis " << axis << ", which merges the batch with other dimensions";
  return bindReshape(node, {-1, countElements(sizes.drop_front(axis)).value_or(0)});
}

static LogicalResult importSqueeze(NodeImporter &node, bool axesAreInput) {
  auto shape = getInputShape(node, 0);
  if (!shape)
    return failure();
  SmallVector<int64_t> axes = node.getAxes(axesAreInput, 1, shape->size()), result;
  if (node.hasFailed())
    return failure();
  for (int64_t axis : axes)
    if ((*shape)[axis] != 1)
      return node.error() << "removes dimension " << axis << ", whose size is not known to be 1";
  for (auto [dim, size] : llvm::enumerate(*shape))
    if (axes.empty() ? size != 1 : !llvm::is_contained(axes, static_cast<int64_t>(dim)))
      result.push_back(size);
  return bindReshape(node, result);
}

LogicalResult bnc::onnx::importSqueeze1(NodeImporter &node) { return importSqueeze(node, false); }
LogicalResult bnc::onnx::importSqueeze13(NodeImporter &node) { return importSqueeze(node, true); }

static LogicalResult importUnsqueeze(NodeImporter &node, bool axesAreInput) {
  auto shape = getInputShape(node, 0);
  if (!shape)
    return failure();
  SmallVector<int64_t> axes;
  if (!axesAreInput)
    axes = node.getInts("axes");
  else if (!node.getConstantInts(1, axes))
    return failure();
  int64_t rank = shape->size() + axes.size();
  for (int64_t &axis : axes)
    axis = node.normalizeAxis(axis, rank);
  llvm::sort(axes);
  if (node.hasFailed())
    return failure();
  if (std::adjacent_find(axes.begin(), axes.end()) != axes.end())
    return node.error() << "names an axis twice";
  for (int64_t axis : axes)
    shape->insert(shape->begin() + axis, 1);
  if (!shape->empty() && llvm::is_contained(ArrayRef<int64_t>(*shape).drop_front(), -1))
    return node.error() << "puts a dimension before the batch, which must stay dimension 0";
  return bindReshape(node, *shape);
}

LogicalResult bnc::onnx::importUnsqueeze1(NodeImporter &node) { return importUnsqueeze(node, false); }
LogicalResult bnc::onnx::importUnsqueeze13(NodeImporter &node) { return importUnsqueeze(node, true); }

LogicalResult bnc::onnx::importTranspose(NodeImporter &node) {
  auto shape = getInputShape(node, 0);
  if (!shape)
    return failure();
  SmallVector<int64_t> permutation = node.getInts("perm"), sorted;
  if (permutation.empty())
    for (int64_t dim = shape->size(); dim-- > 0;)
      permutation.push_back(dim);
  sorted = permutation;
  llvm::sort(sorted);
  if (!llvm::equal(sorted, llvm::seq<int64_t>(0, shape->size())))
    return node.error() << "has perm = " << formatShape(permutation) << " for a tensor of rank " << shape->size();
  Binding *binding = node.input(0);
  if (binding->kind == Binding::Kind::Computed) {
    // Dimension i of the result is dimension permutation[i] of a tensor that may itself be a transpose.
    if (!binding->permutation.empty())
      for (int64_t &dim : permutation)
        dim = binding->permutation[dim];
    node.setPermutation(permutation);
    return node.bind(0, binding->value);
  }
  if (binding->kind != Binding::Kind::Stored)
    return node.bind(0, node.transpose(node.data(0), permutation));
  StoredView view = *binding->stored;
  for (auto [size, dim] : llvm::zip(view.shape, permutation))
    size = (*shape)[dim];
  view.steps.push_back({/*isTranspose=*/true, permutation});
  return node.bind(0, Binding::of(std::move(view)));
}

LogicalResult bnc::onnx::importExpand(NodeImporter &node) {
  auto from = getInputShape(node, 0);
  const HostTensor *target = node.constant(1);
  if (!from || !target)
    return failure();
  // Only the forms that repeat nothing.
  bool isIdentity = !target->holdsFloats() && target->integers.size() <= from->size();
  if (isIdentity)
    for (auto [size, wanted] : llvm::zip(ArrayRef<int64_t>(*from).take_back(target->integers.size()), target->integers))
      isIdentity &= wanted == Integer{1, 0} || wanted == (size == -1 ? Integer{0, 1} : Integer{size, 0});
  if (!isIdentity)
    return node.error() << "repeats elements of a value that is computed or a parameter, which is not supported";
  return importIdentity(node);
}
