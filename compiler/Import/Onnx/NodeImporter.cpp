//===- NodeImporter.cpp - a node's attributes, inputs and results ---------===//

#include "compiler/Import/Onnx/GraphImporter.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/raw_ostream.h"

using namespace mlir;
using namespace bnc;
using namespace bnc::onnx;

/// Larger sizes are a mistake of the file; below it no product of two overflows.
static constexpr int64_t kMaxSize = (int64_t(1) << 31) - 1;

Binding Binding::computed(Value value, bool fromData) {
  Binding binding;
  binding.kind = Kind::Computed;
  binding.value = value;
  binding.fromData = fromData;
  return binding;
}

Binding Binding::of(StoredView view) {
  Binding binding;
  binding.kind = Kind::Stored;
  binding.stored = std::make_shared<const StoredView>(std::move(view));
  return binding;
}

Binding Binding::of(HostTensor constant) {
  Binding binding;
  binding.kind = Kind::Constant;
  binding.constant = std::make_shared<const HostTensor>(std::move(constant));
  return binding;
}

ArrayRef<int64_t> bnc::onnx::getShape(Value value) { return cast<RankedTensorType>(value.getType()).getShape(); }

std::string bnc::onnx::formatShape(ArrayRef<int64_t> shape) {
  std::string text;
  llvm::raw_string_ostream os(text);
  os << '(';
  llvm::interleaveComma(shape, os, [&](int64_t size) {
    if (ShapedType::isDynamic(size))
      os << '?';
    else
      os << size;
  });
  os << ')';
  return text;
}

NodeError NodeImporter::error() {
  if (failed)
    return {};
  failed = true;
  InFlightDiagnostic diag = emitError(loc);
  diag << "'onnx." << node.opType << "' op ";
  return NodeError(std::move(diag));
}

//===----------------------------------------------------------------------===//
// Attributes
//===----------------------------------------------------------------------===//

const bnc::onnx::Attribute *NodeImporter::findAttribute(StringRef name, Attribute::Kind kind) {
  const Attribute *attribute = node.find(name);
  if (attribute && attribute->kind != kind) {
    error() << "has an attribute '" << name << "' of the wrong kind; the ONNX specification of the op says which";
    return nullptr;
  }
  return attribute;
}

int64_t NodeImporter::getInt(StringRef name, int64_t absent) {
  const Attribute *attribute = findAttribute(name, Attribute::Kind::Int);
  return attribute ? attribute->i : absent;
}

double NodeImporter::getFloat(StringRef name, float absent) {
  const Attribute *attribute = findAttribute(name, Attribute::Kind::Float);
  return attribute ? attribute->f : absent;
}

StringRef NodeImporter::getString(StringRef name, StringRef absent) {
  const Attribute *attribute = findAttribute(name, Attribute::Kind::String);
  return attribute ? StringRef(attribute->s) : absent;
}

SmallVector<int64_t> NodeImporter::getInts(StringRef name) {
  const Attribute *attribute = findAttribute(name, Attribute::Kind::Ints);
  return attribute ? attribute->ints : SmallVector<int64_t>();
}

SmallVector<int64_t> NodeImporter::getSizes(StringRef name, size_t count, int64_t absent) {
  SmallVector<int64_t> values = getInts(name);
  if (values.empty())
    values.assign(count, absent);
  if (values.size() != count) {
    error() << "has " << values.size() << " values in '" << name << "'; expected " << count;
    values.assign(count, absent);
  }
  for (int64_t &value : values)
    if (value < -kMaxSize || value > kMaxSize) {
      error() << "has the value " << value << " in '" << name << "', which is out of range";
      value = absent;
    }
  return values;
}

//===----------------------------------------------------------------------===//
// Inputs
//===----------------------------------------------------------------------===//

Binding *NodeImporter::input(unsigned index) {
  if (!hasInput(index)) {
    error() << "lacks its input #" << index;
    return nullptr;
  }
  Binding &binding = graph.bindings[node.inputs[index]];
  if (binding.kind == Binding::Kind::Unsupported) {
    error() << "reads '" << node.inputs[index] << "', an output that its node has but the importer does not support";
    return nullptr;
  }
  return &binding;
}

const HostTensor *NodeImporter::asConstant(Binding &binding) {
  if (binding.kind != Binding::Kind::Stored && binding.kind != Binding::Kind::Constant)
    return nullptr;
  if (binding.constant)
    return binding.constant.get();
  std::optional<HostTensor> tensor = decode(*binding.stored->tensor);
  if (!tensor)
    return nullptr;
  for (const StoredView::Step &step : binding.stored->steps)
    tensor = step.isTranspose ? tensor->transpose(step.argument) : tensor->reshape(step.argument);
  binding.constant = std::make_shared<const HostTensor>(std::move(*tensor));
  return binding.constant.get();
}

/// Names that exporters make up for literals of the source program.
static bool isLiteralName(StringRef name) {
  static constexpr StringLiteral kPrefixes[] = {"onnx::",           "val_",           "const_",
                                                "c_lifted_tensor",  "_lifted_tensor", "lifted_tensor",
                                                "_tensor_constant", "scale_c_",       "bias_c_"};
  return llvm::all_of(name, llvm::isDigit) ||
         llvm::any_of(kPrefixes, [&](StringRef prefix) { return name.starts_with(prefix); });
}

bool NodeImporter::isParameter(const StoredView &view) const {
  return isFloat(view.tensor->type) && !view.tensor->shape.empty() && !isLiteralName(view.name) &&
         (!view.isConstantNode || (graph.weightsAreConstantNodes && view.tensor->getNumElements() > 1));
}

Value NodeImporter::literal(const HostTensor &tensor) {
  if (failed)
    return {};
  auto type = RankedTensorType::get(tensor.shape, graph.builder.getF32Type());
  auto value = DenseElementsAttr::get(type, ArrayRef<float>(tensor.floats));
  return ConstantOp::create(graph.builder, loc, type, value);
}

Value NodeImporter::scalar(double value) {
  HostTensor tensor;
  tensor.floats.push_back(static_cast<float>(value));
  return literal(tensor);
}

Value NodeImporter::data(unsigned index) {
  Binding *binding = input(index);
  if (!binding)
    return {};
  if (binding->kind == Binding::Kind::Computed)
    return materialize(*binding);
  if (binding->kind == Binding::Kind::Sequence || binding->kind == Binding::Kind::Comparison) {
    error() << "reads '" << node.inputs[index] << "', which is a sequence or boolean; expected a float tensor";
    return {};
  }
  if (binding->kind == Binding::Kind::Stored && isParameter(*binding->stored))
    return parameter(*binding, node.inputs[index]);
  const HostTensor *tensor = asConstant(*binding);
  if (!tensor || !tensor->holdsFloats()) {
    error() << "reads '" << node.inputs[index] << "', which holds "
            << getTypeName(tensor ? tensor->type : binding->stored->tensor->type)
            << " elements; expected floating point";
    return {};
  }
  return literal(*tensor);
}

Value NodeImporter::materialize(Binding &binding) {
  if (binding.permutation.empty() || failed)
    return failed ? Value() : binding.value;
  if (!binding.transposed)
    binding.transposed = transpose(binding.value, binding.permutation);
  return binding.transposed;
}

Value NodeImporter::elementwise(unsigned index) {
  Binding *binding = input(index);
  if (!binding || binding->kind != Binding::Kind::Computed)
    return data(index);
  permutation = binding->permutation;
  return failed ? Value() : binding->value;
}

/// Shape of a tensor that broadcasts against one that is a transpose, before that transpose: with all its dimensions.
static SmallVector<int64_t> undoPermutation(ArrayRef<int64_t> shape, ArrayRef<int64_t> permutation) {
  SmallVector<int64_t> result(permutation.size(), 1);
  size_t offset = permutation.size() - shape.size();
  for (auto [dim, size] : llvm::enumerate(shape))
    result[permutation[offset + dim]] = size;
  return result;
}

bool NodeImporter::broadcastable(SmallVectorImpl<Value> &values) {
  // All computed operands must be the same transpose; what is known besides them follows.
  SmallVector<int64_t> common;
  bool agrees = true, isFirst = true;
  for (unsigned index = 0; index < getNumInputs(); ++index) {
    Binding *binding = input(index);
    if (!binding)
      return false;
    if (binding->kind != Binding::Kind::Computed)
      continue;
    agrees &= isFirst || common == binding->permutation;
    common = binding->permutation;
    isFirst = false;
  }
  bool keeps = agrees && !common.empty();
  for (unsigned index = 0; index < getNumInputs(); ++index) {
    Binding *binding = input(index);
    if (keeps && binding->kind == Binding::Kind::Computed) {
      values.push_back(binding->value);
      continue;
    }
    Value value = data(index);
    if (!value)
      return false;
    ArrayRef<int64_t> shape = getShape(value);
    if (keeps && !shape.empty()) {
      if (shape.size() > common.size()) {
        error() << "has operands of which one is a transpose of lower rank, which is not supported";
        return false;
      }
      SmallVector<int64_t> full(common.size() - shape.size(), 1), inverse(common.size());
      full.append(shape.begin(), shape.end());
      for (auto [dim, from] : llvm::enumerate(common))
        inverse[from] = dim;
      // With one dimension that is not 1 no element moves.
      bool isVector = llvm::count_if(shape, [](int64_t size) { return size != 1; }) <= 1;
      value = isVector ? reshape(value, undoPermutation(shape, common)) : transpose(reshape(value, full), inverse);
    }
    values.push_back(value);
  }
  if (keeps)
    permutation = common;
  return !failed;
}

Value NodeImporter::parameter(unsigned index, Collection collection) {
  Binding *binding = input(index);
  return binding ? parameter(*binding, node.inputs[index], collection) : Value();
}

Value NodeImporter::parameter(Binding &binding, StringRef what, Collection collection) {
  if (failed)
    return {};
  switch (binding.kind) {
  case Binding::Kind::Computed:
    if (!binding.fromData)
      return materialize(binding);
    error() << "takes '" << what << "' from a computed value; expected a tensor that is stored in the file";
    return {};
  case Binding::Kind::Constant:
    if (binding.constant->holdsFloats())
      return literal(*binding.constant);
    break;
  case Binding::Kind::Stored: {
    if (!isFloat(binding.stored->tensor->type))
      break;
    Value value = graph.readVariable(*this, *binding.stored, collection);
    for (const StoredView::Step &step : binding.stored->steps)
      value = step.isTranspose ? transpose(value, step.argument) : reshape(value, step.argument);
    return value;
  }
  default:
    break;
  }
  DataType type = binding.kind == Binding::Kind::Stored     ? binding.stored->tensor->type
                  : binding.kind == Binding::Kind::Constant ? binding.constant->type
                                                            : DataType::Undefined; // a sequence
  error() << "takes '" << what << "', which holds " << getTypeName(type) << " elements; expected floating point";
  return {};
}

const HostTensor *NodeImporter::constant(unsigned index) {
  Binding *binding = input(index);
  if (!binding)
    return nullptr;
  if (const HostTensor *tensor = asConstant(*binding))
    return tensor;
  error() << "needs '" << node.inputs[index] << "' to be known when the model is compiled, but it is computed from the "
          << "graph's inputs";
  return nullptr;
}

bool NodeImporter::getConstantInts(unsigned index, SmallVectorImpl<int64_t> &values) {
  const HostTensor *tensor = constant(index);
  if (!tensor)
    return false;
  if (tensor->holdsFloats() || tensor->shape.size() > 1 ||
      !llvm::all_of(tensor->integers, [](const Integer &value) { return value.isKnown(); })) {
    error() << "needs '" << node.inputs[index] << "' to be a list of integers that do not depend on the batch size";
    return false;
  }
  for (const Integer &value : tensor->integers)
    values.push_back(value.constant);
  return true;
}

double NodeImporter::getConstantFloat(unsigned index, double absent) {
  if (!hasInput(index))
    return absent;
  const HostTensor *tensor = constant(index);
  if (!tensor)
    return absent;
  if (tensor->getNumElements() == 1) {
    if (tensor->holdsFloats())
      return tensor->floats[0];
    if (tensor->integers[0].isKnown())
      return static_cast<double>(tensor->integers[0].constant);
  }
  error() << "needs '" << node.inputs[index] << "' to be a single number, found the shape "
          << formatShape(tensor->shape);
  return absent;
}

int64_t NodeImporter::normalizeAxis(int64_t axis, int64_t rank) {
  if (axis >= -rank && axis < rank)
    return axis < 0 ? axis + rank : axis;
  error() << "has axis " << axis << " for a tensor of rank " << rank;
  return 0;
}

SmallVector<int64_t> NodeImporter::getAxes(bool asInput, unsigned index, int64_t rank) {
  SmallVector<int64_t> axes;
  if (!asInput)
    axes = getInts("axes");
  else if (hasInput(index))
    getConstantInts(index, axes);
  for (int64_t &axis : axes)
    axis = normalizeAxis(axis, rank);
  SmallVector<int64_t> sorted(axes);
  llvm::sort(sorted);
  if (std::adjacent_find(sorted.begin(), sorted.end()) != sorted.end())
    error() << "names an axis twice";
  return axes;
}

//===----------------------------------------------------------------------===//
// Ops and results
//===----------------------------------------------------------------------===//

bool NodeImporter::mayBuild(ValueRange operands) const {
  return !failed && llvm::all_of(operands, [](Value value) { return static_cast<bool>(value); });
}

bool NodeImporter::checkTypes(bool inferred, ArrayRef<Type> types) {
  if (!inferred) {
    failed = true; // the op has said why
    return false;
  }
  for (Type type : types) {
    ArrayRef<int64_t> shape = cast<RankedTensorType>(type).getShape();
    if (!shape.empty() && llvm::is_contained(shape.drop_front(), ShapedType::kDynamic)) {
      error() << "has the result " << formatShape(shape) << ": the batch, whose size is unknown, must stay dimension 0";
      return false;
    }
    SmallVector<int64_t> sizes(shape);
    llvm::replace(sizes, ShapedType::kDynamic, int64_t(1));
    if (!countElements(sizes) || llvm::any_of(sizes, [](int64_t size) { return size > kMaxSize; })) {
      error() << "has the result " << formatShape(shape) << ", which is too large";
      return false;
    }
    if (llvm::is_contained(sizes, 0)) {
      error() << "has the result " << formatShape(shape) << ", which has no elements";
      return false;
    }
  }
  return true;
}

Value NodeImporter::reshape(Value value, ArrayRef<int64_t> shape) {
  if (!value || failed)
    return {};
  SmallVector<int64_t> sizes(shape);
  llvm::replace(sizes, ShapedType::kDynamic, int64_t(-1));
  SmallVector<int64_t> from(getShape(value));
  llvm::replace(from, ShapedType::kDynamic, int64_t(-1));
  if (from == sizes)
    return value;
  return build<ReshapeOp>(value, {ints(sizes)});
}

Value NodeImporter::transpose(Value value, ArrayRef<int64_t> permutation) {
  if (!value || llvm::equal(permutation, llvm::seq<int64_t>(0, permutation.size())))
    return value;
  return build<TransposeOp>(value, {ints(permutation)});
}

bool NodeImporter::isUsed(unsigned index) const {
  return index < node.outputs.size() && !node.outputs[index].empty() && graph.numUses.lookup(node.outputs[index]) > 0;
}

LogicalResult NodeImporter::bind(unsigned index, Value value) {
  if (failed || !value)
    return failure();
  bool fromData = llvm::any_of(node.inputs, [&](StringRef name) {
    auto found = graph.bindings.find(name);
    return found != graph.bindings.end() &&
           (found->second.fromData ||
            llvm::any_of(found->second.elements, [](const Binding &element) { return element.fromData; }));
  });
  Binding result = Binding::computed(value, fromData);
  if (!llvm::equal(permutation, llvm::seq<int64_t>(0, permutation.size())))
    result.permutation = permutation;
  return bind(index, std::move(result));
}

LogicalResult NodeImporter::bind(unsigned index, Binding binding) {
  if (failed)
    return failure();
  if (index < node.outputs.size() && !node.outputs[index].empty())
    graph.bindings[node.outputs[index]] = std::move(binding);
  return success();
}

LogicalResult NodeImporter::refuseOutputs(unsigned first) {
  for (unsigned index = first; index < node.outputs.size(); ++index)
    if (isUsed(index))
      return error() << "has its output #" << index << " '" << node.outputs[index] << "' read, which is not supported";
  return success();
}
