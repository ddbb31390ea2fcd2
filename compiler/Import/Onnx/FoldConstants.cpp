//===- FoldConstants.cpp - computing nodes at import ----------------------===//
//
// Shape computations, mostly: integers are exact and may contain the unknown batch size N as a linear term. Floats are
// f32: a double operation rounded once gives the f32 result of +, -, *, / and sqrt.
//
//===----------------------------------------------------------------------===//

#include "compiler/Import/Onnx/GraphImporter.h"

#include "llvm/ADT/STLExtras.h"

#include <cmath>

using namespace mlir;
using namespace bnc::onnx;

namespace {
using Result = std::optional<HostTensor>;
using Inputs = ArrayRef<const HostTensor *>;
using MaybeInteger = std::optional<Integer>;

/// Bound on what a shape computation may hold; Expand, Range and ConstantOfShape could ask for anything.
constexpr int64_t kMaxElements = 1 << 24;

bool isSmall(ArrayRef<int64_t> shape) {
  std::optional<int64_t> count = countElements(shape);
  return count && *count <= kMaxElements;
}

bool isExactInDouble(int64_t value) { return value > -(int64_t(1) << 52) && value < (int64_t(1) << 52); }

/// Reports that the node has not the inputs it needs.
bool require(NodeImporter &node, Inputs inputs, unsigned count) {
  for (unsigned index = 0; index < count; ++index)
    if (index >= inputs.size() || !inputs[index]) {
      node.error() << "lacks its input #" << index;
      return false;
    }
  return true;
}

/// The integers of a tensor of rank 0 or 1, none of which depends on the batch.
std::optional<SmallVector<int64_t>> getInts(const HostTensor *tensor) {
  if (!tensor || tensor->holdsFloats() || tensor->shape.size() > 1)
    return std::nullopt;
  SmallVector<int64_t> values;
  for (const Integer &value : tensor->integers) {
    if (!value.isKnown())
      return std::nullopt;
    values.push_back(value.constant);
  }
  return values;
}

bool normalize(int64_t &axis, int64_t rank) {
  if (axis < -rank || axis >= rank)
    return false;
  axis += axis < 0 ? rank : 0;
  return true;
}

//===----------------------------------------------------------------------===//
// Elementwise
//===----------------------------------------------------------------------===//

/// NumPy's common shape; none if there is none or it is too large.
std::optional<SmallVector<int64_t>> broadcast(ArrayRef<int64_t> a, ArrayRef<int64_t> b) {
  SmallVector<int64_t> shape(std::max(a.size(), b.size()), 1);
  for (size_t i = 0; i < shape.size(); ++i) {
    int64_t da = i < a.size() ? a[a.size() - 1 - i] : 1, db = i < b.size() ? b[b.size() - 1 - i] : 1;
    if (da != db && da != 1 && db != 1)
      return std::nullopt;
    shape[shape.size() - 1 - i] = da == 1 ? db : da;
  }
  if (!isSmall(shape))
    return std::nullopt;
  return shape;
}

/// `tensor` repeated to `shape`, which it broadcasts to.
HostTensor expand(const HostTensor &tensor, ArrayRef<int64_t> shape) {
  if (ArrayRef<int64_t>(tensor.shape) == shape)
    return tensor;
  size_t offset = shape.size() - tensor.shape.size();
  return tensor.take(shape, [&](ArrayRef<int64_t> index) {
    size_t position = 0;
    for (auto [dim, size] : llvm::enumerate(tensor.shape))
      position = position * size + (size == 1 ? 0 : index[offset + dim]);
    return position;
  });
}

MaybeInteger add(Integer a, Integer b) {
  Integer result;
  if (__builtin_add_overflow(a.constant, b.constant, &result.constant) ||
      __builtin_add_overflow(a.batches, b.batches, &result.batches))
    return std::nullopt;
  return result;
}

MaybeInteger multiply(Integer a, Integer b) {
  if (!a.isKnown())
    std::swap(a, b);
  Integer result;
  if (!a.isKnown() || __builtin_mul_overflow(a.constant, b.constant, &result.constant) ||
      __builtin_mul_overflow(a.constant, b.batches, &result.batches))
    return std::nullopt;
  return result;
}

MaybeInteger subtract(Integer a, Integer b) {
  MaybeInteger negated = multiply({-1, 0}, b);
  return negated ? add(a, *negated) : std::nullopt;
}

MaybeInteger divide(Integer a, Integer b) {
  if (a == b && !a.isKnown())
    return Integer{1, 0};
  int64_t divisor = b.constant;
  if (!b.isKnown() || divisor == 0 || (divisor == -1 && (a.constant == INT64_MIN || a.batches == INT64_MIN)))
    return std::nullopt;
  if (!a.isKnown() && (a.constant % divisor != 0 || a.batches % divisor != 0))
    return std::nullopt;
  return Integer{a.constant / divisor, a.batches / divisor}; // toward zero, as C and ONNX Runtime do
}

/// The sign of the divisor (NumPy), as the op's fmod = 0 says.
MaybeInteger modulo(Integer a, Integer b) {
  if (!a.isKnown() || !b.isKnown() || b.constant == 0 || b.constant == -1)
    return std::nullopt;
  int64_t rest = a.constant % b.constant;
  return Integer{rest != 0 && (rest < 0) != (b.constant < 0) ? rest + b.constant : rest, 0};
}

/// -1, 0 or 1 as a is less than, equal to or greater than b; none if that depends on N >= 1.
std::optional<int> compare(Integer a, Integer b) {
  MaybeInteger difference = subtract(a, b);
  if (!difference)
    return std::nullopt;
  auto sign = [](int64_t value) { return value < 0 ? -1 : value > 0; };
  if (difference->isKnown())
    return sign(difference->constant);
  // Linear in N: of one sign from N = 1 on if it is at N = 1 and does not turn.
  int64_t atOne;
  if (__builtin_add_overflow(difference->constant, difference->batches, &atOne) ||
      sign(atOne) != sign(difference->batches))
    return std::nullopt;
  return sign(atOne);
}

MaybeInteger smaller(Integer a, Integer b) {
  std::optional<int> order = compare(a, b);
  return order ? MaybeInteger(*order <= 0 ? a : b) : std::nullopt;
}

MaybeInteger larger(Integer a, Integer b) {
  std::optional<int> order = compare(a, b);
  return order ? MaybeInteger(*order >= 0 ? a : b) : std::nullopt;
}

using IntegerFunction = MaybeInteger (*)(Integer, Integer);
using FloatFunction = double (*)(double, double);

/// Folds `fold` over all inputs (two, but for Max, Min and Sum).
template <IntegerFunction onIntegers, FloatFunction onFloats> Result foldBinary(NodeImporter &node, Inputs inputs) {
  if (!require(node, inputs, inputs.size()) || inputs.empty())
    return std::nullopt;
  HostTensor result = *inputs[0];
  for (const HostTensor *input : inputs.drop_front()) {
    auto shape = broadcast(result.shape, input->shape);
    if (!shape || result.holdsFloats() != input->holdsFloats())
      return std::nullopt;
    HostTensor other = expand(*input, *shape);
    result = expand(result, *shape);
    for (auto [a, b] : llvm::zip(result.floats, other.floats))
      a = static_cast<float>(onFloats(a, b));
    for (auto [a, b] : llvm::zip(result.integers, other.integers)) {
      MaybeInteger value = onIntegers(a, b);
      if (!value)
        return std::nullopt;
      a = *value;
    }
  }
  return result;
}

double addFloats(double a, double b) { return a + b; }
double subtractFloats(double a, double b) { return a - b; }
double multiplyFloats(double a, double b) { return a * b; }
double divideFloats(double a, double b) { return a / b; }
double moduloFloats(double a, double b) { return std::fmod(a, b); }
double smallerFloat(double a, double b) { return std::min(a, b); }
double largerFloat(double a, double b) { return std::max(a, b); }

/// A comparison gives booleans: `accepts` says for which of -1, 0 and 1.
template <bool (*accepts)(int)> Result foldComparison(NodeImporter &node, Inputs inputs) {
  if (!require(node, inputs, 2))
    return std::nullopt;
  auto shape = broadcast(inputs[0]->shape, inputs[1]->shape);
  if (!shape || inputs[0]->holdsFloats() != inputs[1]->holdsFloats())
    return std::nullopt;
  HostTensor a = expand(*inputs[0], *shape), b = expand(*inputs[1], *shape), result;
  result.type = DataType::Bool;
  result.shape = *shape;
  for (auto [x, y] : llvm::zip(a.floats, b.floats)) {
    if (std::isnan(x) || std::isnan(y))
      return std::nullopt;
    result.integers.push_back({accepts(x < y ? -1 : x > y), 0});
  }
  for (auto [x, y] : llvm::zip(a.integers, b.integers)) {
    std::optional<int> order = compare(x, y);
    if (!order)
      return std::nullopt;
    result.integers.push_back({accepts(*order), 0});
  }
  return result;
}

bool isLess(int order) { return order < 0; }
bool isEqual(int order) { return order == 0; }
bool isGreater(int order) { return order > 0; }

template <double (*onFloat)(double), MaybeInteger (*onInteger)(Integer)>
Result foldUnary(NodeImporter &node, Inputs inputs) {
  if (!require(node, inputs, 1))
    return std::nullopt;
  HostTensor result = *inputs[0];
  for (float &value : result.floats)
    value = static_cast<float>(onFloat(value));
  for (Integer &value : result.integers) {
    MaybeInteger changed = onInteger(value);
    if (!changed)
      return std::nullopt;
    value = *changed;
  }
  return result;
}

MaybeInteger unsupportedInteger(Integer) { return std::nullopt; }
MaybeInteger negate(Integer value) { return multiply({-1, 0}, value); }
MaybeInteger absolute(Integer value) {
  std::optional<int> sign = compare(value, {0, 0});
  return !sign ? std::nullopt : *sign < 0 ? negate(value) : MaybeInteger(value);
}
MaybeInteger signOf(Integer value) {
  std::optional<int> sign = compare(value, {0, 0});
  return sign ? MaybeInteger(Integer{*sign, 0}) : std::nullopt;
}
MaybeInteger negation(Integer value) {
  return value.isKnown() ? MaybeInteger(Integer{value.constant == 0, 0}) : std::nullopt;
}
double negateFloat(double value) { return -value; }
double floorFloat(double value) { return std::floor(value); }
double ceilFloat(double value) { return std::ceil(value); }
double absoluteFloat(double value) { return std::fabs(value); }
double rootFloat(double value) { return std::sqrt(value); }
double reciprocalFloat(double value) { return 1.0 / value; }
double signFloat(double value) { return value < 0 ? -1 : value > 0; }

Result foldWhere(NodeImporter &node, Inputs inputs) {
  if (!require(node, inputs, 3) || inputs[0]->holdsFloats() || inputs[1]->holdsFloats() != inputs[2]->holdsFloats())
    return std::nullopt;
  auto branches = broadcast(inputs[1]->shape, inputs[2]->shape);
  auto shape = branches ? broadcast(*branches, inputs[0]->shape) : std::nullopt;
  if (!shape)
    return std::nullopt;
  HostTensor condition = expand(*inputs[0], *shape), result = expand(*inputs[1], *shape),
             otherwise = expand(*inputs[2], *shape);
  for (auto [index, chosen] : llvm::enumerate(condition.integers)) {
    if (!chosen.isKnown())
      return std::nullopt;
    if (chosen.constant != 0)
      continue;
    if (result.holdsFloats())
      result.floats[index] = otherwise.floats[index];
    else
      result.integers[index] = otherwise.integers[index];
  }
  return result;
}

Result foldCast(NodeImporter &node, Inputs inputs) {
  if (!require(node, inputs, 1))
    return std::nullopt;
  return convert(*inputs[0], static_cast<DataType>(node.getInt("to", 0)));
}

Result foldCastLike(NodeImporter &node, Inputs inputs) {
  if (!require(node, inputs, 2))
    return std::nullopt;
  return convert(*inputs[0], inputs[1]->type);
}

//===----------------------------------------------------------------------===//
// Shape
//===----------------------------------------------------------------------===//

Result foldIdentity(NodeImporter &node, Inputs inputs) {
  return require(node, inputs, 1) ? Result(*inputs[0]) : std::nullopt;
}

Result foldConcat(NodeImporter &node, Inputs inputs) {
  if (!require(node, inputs, std::max<size_t>(1, inputs.size())))
    return std::nullopt;
  const HostTensor &first = *inputs[0];
  int64_t axis = node.getInt("axis", 0), rank = first.shape.size();
  if (!normalize(axis, rank))
    return std::nullopt;
  HostTensor result;
  result.type = first.type;
  result.shape = first.shape;
  result.shape[axis] = 0;
  for (const HostTensor *input : inputs) {
    SmallVector<int64_t> expected(result.shape);
    if (input->holdsFloats() != first.holdsFloats() || input->shape.size() != first.shape.size())
      return std::nullopt;
    expected[axis] = input->shape[axis];
    if (expected != input->shape)
      return std::nullopt;
    result.shape[axis] += input->shape[axis];
  }
  if (!isSmall(result.shape))
    return std::nullopt;
  int64_t outer = *countElements(ArrayRef<int64_t>(result.shape).take_front(axis));
  for (int64_t i = 0; i < outer; ++i)
    for (const HostTensor *input : inputs) {
      int64_t inner = *countElements(ArrayRef<int64_t>(input->shape).drop_front(axis));
      if (result.holdsFloats())
        llvm::append_range(result.floats, ArrayRef<float>(input->floats).slice(i * inner, inner));
      else
        llvm::append_range(result.integers, ArrayRef<Integer>(input->integers).slice(i * inner, inner));
    }
  return result;
}

Result foldConstantOfShape(NodeImporter &node, Inputs inputs) {
  auto shape = getInts(inputs.empty() ? nullptr : inputs[0]);
  if (!shape || !isSmall(*shape))
    return std::nullopt;
  HostTensor value;
  value.floats.push_back(0);
  if (const bnc::onnx::Attribute *attribute = node.node.find("value")) {
    Result decoded = decode(attribute->tensor);
    if (!decoded || decoded->getNumElements() != 1)
      return std::nullopt;
    value = decoded->reshape({});
  }
  return expand(value, *shape);
}

Result foldExpand(NodeImporter &node, Inputs inputs) {
  auto shape = getInts(inputs.size() < 2 ? nullptr : inputs[1]);
  if (!shape || !inputs[0])
    return std::nullopt;
  auto common = broadcast(inputs[0]->shape, *shape);
  return common ? Result(expand(*inputs[0], *common)) : std::nullopt;
}

Result foldGather(NodeImporter &node, Inputs inputs) {
  if (!require(node, inputs, 2) || inputs[1]->holdsFloats())
    return std::nullopt;
  const HostTensor &data = *inputs[0], &indices = *inputs[1];
  int64_t axis = node.getInt("axis", 0), rank = data.shape.size();
  if (!normalize(axis, rank))
    return std::nullopt;
  int64_t size = data.shape[axis];
  for (const Integer &index : indices.integers)
    if (!index.isKnown() || index.constant < -size || index.constant >= size) {
      node.error() << "takes an index that is not in [" << -size << ", " << size << ")";
      return std::nullopt;
    }
  SmallVector<int64_t> shape(ArrayRef<int64_t>(data.shape).take_front(axis));
  llvm::append_range(shape, indices.shape);
  llvm::append_range(shape, ArrayRef<int64_t>(data.shape).drop_front(axis + 1));
  if (!isSmall(shape))
    return std::nullopt;
  return data.take(shape, [&](ArrayRef<int64_t> index) {
    size_t chosen = 0, position = 0;
    for (size_t dim = 0; dim < indices.shape.size(); ++dim)
      chosen = chosen * indices.shape[dim] + index[axis + dim];
    int64_t at = indices.integers[chosen].constant;
    for (int64_t dim = 0; dim < rank; ++dim)
      position = position * data.shape[dim] + (dim < axis    ? index[dim]
                                               : dim == axis ? at + (at < 0 ? size : 0)
                                                             : index[dim + indices.shape.size() - 1]);
    return position;
  });
}

Result foldRange(NodeImporter &node, Inputs inputs) {
  if (!require(node, inputs, 3))
    return std::nullopt;
  for (const HostTensor *input : inputs)
    if (input->getNumElements() != 1 || input->holdsFloats() != inputs[0]->holdsFloats() ||
        (!input->holdsFloats() && (!input->integers[0].isKnown() || !isExactInDouble(input->integers[0].constant))))
      return std::nullopt;
  HostTensor result;
  result.type = inputs[0]->type;
  auto value = [&](unsigned index) -> double {
    return result.holdsFloats() ? inputs[index]->floats[0] : inputs[index]->integers[0].constant;
  };
  double start = value(0), step = value(2), count = std::ceil((value(1) - start) / step);
  if (!(count <= kMaxElements)) // NaN too
    return std::nullopt;
  for (int64_t i = 0; i < count; ++i)
    if (result.holdsFloats())
      result.floats.push_back(static_cast<float>(start + i * step));
    else
      result.integers.push_back({inputs[0]->integers[0].constant + i * inputs[2]->integers[0].constant, 0});
  result.shape.push_back(result.getNumElements());
  return result;
}

Result foldReduceProd(NodeImporter &node, Inputs inputs) {
  // Of a whole shape, to a scalar or to one element.
  if (!require(node, inputs, 1) || inputs[0]->holdsFloats() || inputs[0]->shape.size() != 1)
    return std::nullopt;
  Integer product{1, 0};
  for (const Integer &value : inputs[0]->integers) {
    MaybeInteger next = multiply(product, value);
    if (!next)
      return std::nullopt;
    product = *next;
  }
  bool keepsDim = node.getInt("keepdims", 1) != 0;
  return HostTensor::makeIntegers(keepsDim ? ArrayRef<int64_t>(1) : ArrayRef<int64_t>(), {product});
}

Result foldReshape(NodeImporter &node, Inputs inputs) {
  auto shape = getInts(inputs.size() < 2 ? nullptr : inputs[1]);
  if (!shape || !inputs[0])
    return std::nullopt;
  int64_t known = 1;
  bool keepsZero = node.getInt("allowzero", 0) != 0;
  for (auto [dim, size] : llvm::enumerate(*shape)) {
    if (size == 0 && !keepsZero && dim < inputs[0]->shape.size())
      size = inputs[0]->shape[dim];
    if (size < -1 || (size != -1 && __builtin_mul_overflow(known, size, &known)))
      return std::nullopt;
  }
  int64_t count = inputs[0]->getNumElements();
  if (llvm::count(*shape, -1) == 1 && known != 0 && count % known == 0)
    llvm::replace(*shape, int64_t(-1), count / known);
  if (countElements(*shape) != count)
    return std::nullopt;
  return inputs[0]->reshape(*shape);
}

Result foldSlice(NodeImporter &node, Inputs inputs) {
  if (inputs.empty() || !inputs[0])
    return std::nullopt;
  const HostTensor &data = *inputs[0];
  int64_t rank = data.shape.size();
  auto list = [&](StringRef name, unsigned index) -> std::optional<SmallVector<int64_t>> {
    if (node.opset < 10)
      return node.getInts(name);
    if (index >= inputs.size() || !inputs[index])
      return SmallVector<int64_t>();
    return getInts(inputs[index]);
  };
  auto starts = list("starts", 1), ends = list("ends", 2), axes = list("axes", 3), steps = list("steps", 4);
  if (!starts || !ends || !axes || !steps)
    return std::nullopt;
  if (axes->empty())
    llvm::append_range(*axes, llvm::seq<int64_t>(0, starts->size()));
  if (steps->empty())
    steps->assign(starts->size(), 1);
  if (starts->size() != ends->size() || starts->size() != axes->size() || starts->size() != steps->size())
    return std::nullopt;
  SmallVector<int64_t> first(rank, 0), stride(rank, 1), shape(data.shape);
  for (auto [start, end, axis, step] : llvm::zip(*starts, *ends, *axes, *steps)) {
    if (!normalize(axis, rank) || step == 0 || step == INT64_MIN)
      return std::nullopt;
    int64_t size = data.shape[axis];
    if (size == 0)
      continue;
    auto clamp = [&](int64_t position, int64_t low, int64_t high) {
      position += position < 0 ? size : 0;
      return std::clamp(position, low, high);
    };
    int64_t from = step > 0 ? clamp(start, 0, size) : clamp(start, 0, size - 1);
    int64_t to = step > 0 ? clamp(end, 0, size) : clamp(end, -1, size - 1);
    first[axis] = from;
    stride[axis] = step;
    int64_t distance = step > 0 ? to - from : from - to, length = step > 0 ? step : -step;
    shape[axis] = distance <= 0 ? 0 : (distance - 1) / length + 1;
  }
  return data.take(shape, [&](ArrayRef<int64_t> index) {
    size_t position = 0;
    for (int64_t dim = 0; dim < rank; ++dim)
      position = position * data.shape[dim] + first[dim] + index[dim] * stride[dim];
    return position;
  });
}

/// Axes of Squeeze and Unsqueeze: an attribute until opset 12, then an input.
std::optional<SmallVector<int64_t>> getAxes(NodeImporter &node, Inputs inputs) {
  if (node.opset < 13)
    return node.getInts("axes");
  if (inputs.size() < 2 || !inputs[1])
    return SmallVector<int64_t>();
  return getInts(inputs[1]);
}

Result foldSqueeze(NodeImporter &node, Inputs inputs) {
  auto axes = getAxes(node, inputs);
  if (!axes || !require(node, inputs, 1))
    return std::nullopt;
  int64_t rank = inputs[0]->shape.size();
  for (int64_t &axis : *axes)
    if (!normalize(axis, rank) || inputs[0]->shape[axis] != 1)
      return std::nullopt;
  SmallVector<int64_t> shape;
  for (auto [dim, size] : llvm::enumerate(inputs[0]->shape))
    if (axes->empty() ? size != 1 : !llvm::is_contained(*axes, static_cast<int64_t>(dim)))
      shape.push_back(size);
  return inputs[0]->reshape(shape);
}

Result foldUnsqueeze(NodeImporter &node, Inputs inputs) {
  auto axes = getAxes(node, inputs);
  if (!axes || !require(node, inputs, 1))
    return std::nullopt;
  int64_t rank = inputs[0]->shape.size() + axes->size();
  for (int64_t &axis : *axes)
    if (!normalize(axis, rank))
      return std::nullopt;
  llvm::sort(*axes);
  if (std::adjacent_find(axes->begin(), axes->end()) != axes->end())
    return std::nullopt;
  SmallVector<int64_t> shape(inputs[0]->shape);
  for (int64_t axis : *axes)
    shape.insert(shape.begin() + axis, 1);
  return inputs[0]->reshape(shape);
}

Result foldTranspose(NodeImporter &node, Inputs inputs) {
  if (!require(node, inputs, 1))
    return std::nullopt;
  int64_t rank = inputs[0]->shape.size();
  SmallVector<int64_t> permutation = node.getInts("perm");
  if (permutation.empty())
    for (int64_t dim = rank; dim-- > 0;)
      permutation.push_back(dim);
  SmallVector<int64_t> sorted(permutation);
  llvm::sort(sorted);
  if (!llvm::equal(sorted, llvm::seq<int64_t>(0, rank)))
    return std::nullopt;
  return inputs[0]->transpose(permutation);
}
} // namespace

// Sorted by name.
static constexpr FoldRule kFoldRules[] = {
    {"Abs", foldUnary<absoluteFloat, absolute>, false},
    {"Add", foldBinary<add, addFloats>, false},
    {"Cast", foldCast, true},
    {"CastLike", foldCastLike, true},
    {"Ceil", foldUnary<ceilFloat, unsupportedInteger>, false},
    {"Concat", foldConcat, false},
    {"ConstantOfShape", foldConstantOfShape, false},
    {"Div", foldBinary<divide, divideFloats>, false},
    {"Equal", foldComparison<isEqual>, false},
    {"Expand", foldExpand, false},
    {"Floor", foldUnary<floorFloat, unsupportedInteger>, false},
    {"Gather", foldGather, false},
    {"Greater", foldComparison<isGreater>, false},
    {"Identity", foldIdentity, true},
    {"Less", foldComparison<isLess>, false},
    {"Max", foldBinary<larger, largerFloat>, false},
    {"Min", foldBinary<smaller, smallerFloat>, false},
    {"Mod", foldBinary<modulo, moduloFloats>, false},
    {"Mul", foldBinary<multiply, multiplyFloats>, false},
    {"Neg", foldUnary<negateFloat, negate>, false},
    {"Not", foldUnary<negateFloat, negation>, false},
    {"Range", foldRange, false},
    {"Reciprocal", foldUnary<reciprocalFloat, unsupportedInteger>, false},
    {"ReduceProd", foldReduceProd, false},
    {"Reshape", foldReshape, true},
    {"Sign", foldUnary<signFloat, signOf>, false},
    {"Slice", foldSlice, false},
    {"Sqrt", foldUnary<rootFloat, unsupportedInteger>, false},
    {"Squeeze", foldSqueeze, true},
    {"Sub", foldBinary<subtract, subtractFloats>, false},
    {"Sum", foldBinary<add, addFloats>, false},
    {"Transpose", foldTranspose, true},
    {"Unsqueeze", foldUnsqueeze, true},
    {"Where", foldWhere, false},
};

const FoldRule *bnc::onnx::findFoldRule(StringRef opType) {
  const FoldRule *found = llvm::find_if(kFoldRules, [&](const FoldRule &rule) { return rule.opType == opType; });
  return found == std::end(kFoldRules) ? nullptr : found;
}
