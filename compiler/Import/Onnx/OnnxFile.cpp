//===- OnnxFile.cpp - the plain content of an ONNX file -------------------===//
//
// The only file that sees protobuf. Format: onnx.proto of the ONNX project; external data: its ExternalData.md.
//
//===----------------------------------------------------------------------===//

#include "compiler/Import/Onnx/OnnxFile.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/ADT/StringMap.h"
#include "llvm/Support/Endian.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/MemoryBuffer.h"
#include "llvm/Support/Path.h"

#include <google/protobuf/stubs/logging.h>
#include <onnx/onnx_pb.h>

using namespace bnc::onnx;
using namespace llvm;

namespace {
struct TypeInfo {
  DataType type;
  const char *name;
  unsigned bytes;
};

constexpr TypeInfo kTypes[] = {
    {DataType::Undefined, "undefined", 0}, {DataType::Float, "float", 4},           {DataType::UInt8, "uint8", 1},
    {DataType::Int8, "int8", 1},           {DataType::UInt16, "uint16", 2},         {DataType::Int16, "int16", 2},
    {DataType::Int32, "int32", 4},         {DataType::Int64, "int64", 8},           {DataType::String, "string", 0},
    {DataType::Bool, "bool", 1},           {DataType::Float16, "float16", 2},       {DataType::Double, "double", 8},
    {DataType::UInt32, "uint32", 4},       {DataType::UInt64, "uint64", 8},         {DataType::BFloat16, "bfloat16", 2},
    {DataType::Complex64, "complex64", 0}, {DataType::Complex128, "complex128", 0},
};

const TypeInfo *findType(DataType type) {
  const TypeInfo *found = find_if(kTypes, [&](const TypeInfo &info) { return info.type == type; });
  return found == std::end(kTypes) ? nullptr : found;
}

Error fail(const Twine &message) { return createStringError(inconvertibleErrorCode(), message); }

/// Converts the messages of one file; keeps the external files it refers to open.
class Reader {
public:
  explicit Reader(StringRef path) : folder(sys::path::parent_path(path)) {
    if (folder.empty())
      folder = ".";
  }

  Error read(const ::onnx::ModelProto &proto, Model &model);

private:
  Error readTensor(::onnx::TensorProto &proto, StringRef owner, Tensor &tensor);
  Error readElements(::onnx::TensorProto &proto, const TypeInfo &type, size_t count, std::string &bytes);
  Error readExternal(const ::onnx::TensorProto &proto, size_t count, std::string &bytes);
  Expected<StringRef> openExternal(StringRef location);
  Error readNode(::onnx::NodeProto &proto, Node &node);

  std::string folder;
  StringMap<std::unique_ptr<MemoryBuffer>> files;
};
} // namespace

unsigned bnc::onnx::getElementBytes(DataType type) {
  const TypeInfo *info = findType(type);
  return info ? info->bytes : 0;
}

std::string bnc::onnx::getTypeName(DataType type) {
  const TypeInfo *info = findType(type);
  return info ? info->name : "type " + std::to_string(static_cast<int32_t>(type));
}

bool bnc::onnx::isFloat(DataType type) {
  return type == DataType::Float || type == DataType::Float16 || type == DataType::BFloat16 || type == DataType::Double;
}

int64_t Tensor::getNumElements() const {
  int64_t count = 1;
  for (int64_t size : shape)
    count *= size;
  return count;
}

const Attribute *Node::find(StringRef name) const {
  auto found = find_if(attributes, [&](const Attribute &attribute) { return attribute.name == name; });
  return found == attributes.end() ? nullptr : &*found;
}

//===----------------------------------------------------------------------===//
// Tensors
//===----------------------------------------------------------------------===//

/// Appends the low `width` bytes of every value of a typed field.
template <typename Field> static void appendElements(const Field &field, unsigned width, std::string &bytes) {
  bytes.reserve(field.size() * width);
  for (auto value : field) {
    uint64_t bits;
    if constexpr (std::is_same_v<decltype(value), float>)
      bits = llvm::bit_cast<uint32_t>(value);
    else if constexpr (std::is_same_v<decltype(value), double>)
      bits = llvm::bit_cast<uint64_t>(value);
    else
      bits = static_cast<uint64_t>(value);
    char buffer[8];
    support::endian::write64le(buffer, bits);
    bytes.append(buffer, width);
  }
}

Error Reader::readElements(::onnx::TensorProto &proto, const TypeInfo &type, size_t count, std::string &bytes) {
  if (proto.data_location() == ::onnx::TensorProto::EXTERNAL)
    return readExternal(proto, count * type.bytes, bytes);
  if (proto.has_raw_data()) {
    bytes = std::move(*proto.mutable_raw_data());
  } else {
    switch (type.type) {
    case DataType::Float:
      appendElements(proto.float_data(), type.bytes, bytes);
      break;
    case DataType::Double:
      appendElements(proto.double_data(), type.bytes, bytes);
      break;
    case DataType::Int64:
      appendElements(proto.int64_data(), type.bytes, bytes);
      break;
    case DataType::UInt32:
    case DataType::UInt64:
      appendElements(proto.uint64_data(), type.bytes, bytes);
      break;
    default: // the small ones, and the bits of float16 and bfloat16
      appendElements(proto.int32_data(), type.bytes, bytes);
    }
  }
  if (bytes.size() != count * type.bytes)
    return fail("has " + Twine(bytes.size()) + " bytes of data, but its shape and type need " +
                Twine(count * type.bytes));
  return Error::success();
}

Error Reader::readTensor(::onnx::TensorProto &proto, StringRef owner, Tensor &tensor) {
  tensor.name = proto.name();
  tensor.type = static_cast<DataType>(proto.data_type());
  std::string label = tensor.name.empty() ? ("tensor of " + owner).str() : "tensor '" + tensor.name + "'";
  const TypeInfo *type = findType(tensor.type);
  size_t count = 1;
  for (int64_t size : proto.dims()) {
    // The limit keeps the number of bytes in range, too.
    if (size < 0 || __builtin_mul_overflow(count, static_cast<size_t>(size), &count) || count > (size_t(1) << 48))
      return fail(label + " has a shape with a size that is negative or too large");
    tensor.shape.push_back(size);
  }
  if (!type || type->bytes == 0)
    return Error::success();
  if (Error error = readElements(proto, *type, count, tensor.bytes))
    return fail(label + " " + toString(std::move(error)));
  return Error::success();
}

Expected<StringRef> Reader::openExternal(StringRef location) {
  std::unique_ptr<MemoryBuffer> &file = files[location];
  if (file)
    return file->getBuffer();
  auto components = make_range(sys::path::begin(location), sys::path::end(location));
  if (location.empty() || location.contains('\0') || sys::path::is_absolute(location) || is_contained(components, ".."))
    return fail("names the external file '" + location + "', which is not inside the model's folder");
  SmallString<256> path(folder), realFolder, realPath;
  sys::path::append(path, location);
  if (!sys::fs::exists(path))
    return fail("is stored in the external file '" + location + "', which is not there; keep it beside the model");
  // A symbolic link must not lead out either.
  if (sys::fs::real_path(folder, realFolder) || sys::fs::real_path(path, realPath))
    return fail("names the external file '" + location + "', which cannot be read");
  if (!sys::path::replace_path_prefix(realPath, realFolder, "") || !sys::fs::is_regular_file(path))
    return fail("names the external file '" + location + "', which is not a file inside the model's folder");
  auto buffer = MemoryBuffer::getFile(path, /*IsText=*/false, /*RequiresNullTerminator=*/false);
  if (!buffer)
    return fail("is stored in the external file '" + location +
                "', which cannot be read: " + buffer.getError().message());
  file = std::move(*buffer);
  return file->getBuffer();
}

Error Reader::readExternal(const ::onnx::TensorProto &proto, size_t size, std::string &bytes) {
  std::string location;
  uint64_t offset = 0, length = size;
  for (const ::onnx::StringStringEntryProto &entry : proto.external_data()) {
    if (entry.key() == "location")
      location = entry.value();
    else if (entry.key() == "offset" && StringRef(entry.value()).getAsInteger(10, offset))
      return fail("has an external offset '" + Twine(entry.value()) + "' that is no number");
    else if (entry.key() == "length" && StringRef(entry.value()).getAsInteger(10, length))
      return fail("has an external length '" + Twine(entry.value()) + "' that is no number");
  }
  if (length != size)
    return fail("has " + Twine(length) + " bytes of external data, but its shape and type need " + Twine(size));
  Expected<StringRef> file = openExternal(location);
  if (!file)
    return file.takeError();
  if (offset > file->size() || size > file->size() - offset)
    return fail("needs " + Twine(size) + " bytes at " + Twine(offset) + " of the external file '" + location +
                "', which has only " + Twine(file->size()));
  bytes = file->substr(offset, size).str();
  return Error::success();
}

//===----------------------------------------------------------------------===//
// Nodes, inputs and outputs
//===----------------------------------------------------------------------===//

Error Reader::readNode(::onnx::NodeProto &proto, Node &node) {
  node.name = proto.name();
  node.domain = proto.domain() == "ai.onnx" ? "" : proto.domain();
  node.opType = proto.op_type();
  node.inputs.assign(proto.input().begin(), proto.input().end());
  node.outputs.assign(proto.output().begin(), proto.output().end());
  for (::onnx::AttributeProto &from : *proto.mutable_attribute()) {
    Attribute &to = node.attributes.emplace_back();
    to.name = from.name();
    if (!from.ref_attr_name().empty())
      continue; // of a function's body: Other
    switch (from.type()) {
    case ::onnx::AttributeProto::FLOAT:
      to.kind = Attribute::Kind::Float;
      to.f = from.f();
      break;
    case ::onnx::AttributeProto::INT:
      to.kind = Attribute::Kind::Int;
      to.i = from.i();
      break;
    case ::onnx::AttributeProto::STRING:
      to.kind = Attribute::Kind::String;
      to.s = from.s();
      break;
    case ::onnx::AttributeProto::TENSOR: {
      to.kind = Attribute::Kind::Tensor;
      std::string owner = "attribute '" + to.name + "' of node '" +
                          (node.name.empty() ? node.opType + "#" + std::to_string(node.index) : node.name) + "'";
      if (Error error = readTensor(*from.mutable_t(), owner, to.tensor))
        return error;
      break;
    }
    case ::onnx::AttributeProto::FLOATS:
      to.kind = Attribute::Kind::Floats;
      to.floats.assign(from.floats().begin(), from.floats().end());
      break;
    case ::onnx::AttributeProto::INTS:
      to.kind = Attribute::Kind::Ints;
      to.ints.assign(from.ints().begin(), from.ints().end());
      break;
    case ::onnx::AttributeProto::STRINGS:
      to.kind = Attribute::Kind::Strings;
      break;
    default:
      break;
    }
  }
  return Error::success();
}

static ValueInfo readValueInfo(const ::onnx::ValueInfoProto &proto) {
  ValueInfo info;
  info.name = proto.name();
  if (!proto.has_type() || !proto.type().has_tensor_type())
    return info;
  const ::onnx::TypeProto_Tensor &type = proto.type().tensor_type();
  info.isTensor = true;
  info.type = static_cast<DataType>(type.elem_type());
  info.hasShape = type.has_shape();
  for (const ::onnx::TensorShapeProto_Dimension &dim : type.shape().dim()) {
    // Paddle writes -1 as a number.
    info.shape.push_back(dim.has_dim_value() && dim.dim_value() >= 0 ? dim.dim_value() : -1);
    info.symbols.push_back(dim.has_dim_param() ? dim.dim_param() : "");
  }
  return info;
}

Error Reader::read(const ::onnx::ModelProto &constProto, Model &model) {
  // Large strings are moved out of the message, not copied.
  auto &proto = const_cast<::onnx::ModelProto &>(constProto);
  model.producer = proto.producer_name();
  for (const ::onnx::OperatorSetIdProto &opset : proto.opset_import())
    if (opset.domain().empty() || opset.domain() == "ai.onnx")
      model.opset = std::max(model.opset, opset.version());
  for (const ::onnx::StringStringEntryProto &entry : proto.metadata_props())
    model.metadata.emplace_back(entry.key(), entry.value());
  ::onnx::GraphProto &graph = *proto.mutable_graph();
  if (graph.sparse_initializer_size() != 0)
    return fail("stores tensors as sparse initializers, which are not supported; store them densely");
  for (::onnx::TensorProto &tensor : *graph.mutable_initializer())
    if (Error error = readTensor(tensor, "the graph", model.initializers.emplace_back()))
      return error;
  for (::onnx::NodeProto &node : *graph.mutable_node()) {
    Node &to = model.nodes.emplace_back();
    to.index = model.nodes.size() - 1;
    if (Error error = readNode(node, to))
      return error;
  }
  for (const ::onnx::ValueInfoProto &value : graph.input())
    model.inputs.push_back(readValueInfo(value));
  for (const ::onnx::ValueInfoProto &value : graph.output())
    model.outputs.push_back(readValueInfo(value));
  for (const auto &file : files) {
    SmallString<256> path(folder);
    sys::path::append(path, file.getKey());
    model.externalFiles.push_back(path.str().str());
  }
  sort(model.externalFiles);
  return Error::success();
}

Expected<Model> bnc::onnx::readOnnxFile(StringRef path) {
  auto buffer = MemoryBuffer::getFile(path, /*IsText=*/false, /*RequiresNullTerminator=*/false);
  if (!buffer)
    return fail("cannot read the file: " + buffer.getError().message());
  StringRef bytes = (*buffer)->getBuffer();
  if (bytes.empty())
    return fail("file is empty");
  if (bytes.size() > INT_MAX)
    return fail("file is larger than 2 GiB, the limit of the format; export it with external data");
  google::protobuf::LogSilencer silencer;
  ::onnx::ModelProto proto;
  if (!proto.ParseFromArray(bytes.data(), static_cast<int>(bytes.size())))
    return fail("file is no ONNX model, or is truncated");
  // Almost any bytes parse as some message.
  if (!proto.has_graph() || !proto.has_ir_version() || proto.graph().node_size() + proto.graph().output_size() == 0)
    return fail("file is no ONNX model: it has no graph");
  Model model;
  if (Error error = Reader(path).read(proto, model))
    return error;
  return model;
}
