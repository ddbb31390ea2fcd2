//===- HostTensor.cpp - tensors known at import ---------------------------===//

#include "compiler/Import/Onnx/HostTensor.h"

#include "compiler/Support/Safetensors.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/bit.h"
#include "llvm/Support/Endian.h"

#include <cmath>

using namespace bnc::onnx;
using namespace llvm;

std::optional<int64_t> bnc::onnx::countElements(ArrayRef<int64_t> shape) {
  int64_t count = 1;
  for (int64_t size : shape)
    if (size < 0 || __builtin_mul_overflow(count, size, &count) || count > (int64_t(1) << 48))
      return std::nullopt;
  return count;
}

void bnc::onnx::forEachIndex(ArrayRef<int64_t> shape, function_ref<void(ArrayRef<int64_t>)> visit) {
  if (is_contained(shape, 0))
    return;
  SmallVector<int64_t> index(shape.size(), 0);
  while (true) {
    visit(index);
    size_t dim = shape.size();
    while (dim > 0 && ++index[dim - 1] == shape[dim - 1])
      index[--dim] = 0;
    if (dim == 0)
      return;
  }
}

HostTensor HostTensor::take(ArrayRef<int64_t> shape, function_ref<size_t(ArrayRef<int64_t>)> source) const {
  HostTensor result;
  result.type = type;
  result.shape.assign(shape.begin(), shape.end());
  forEachIndex(shape, [&](ArrayRef<int64_t> index) {
    if (holdsFloats())
      result.floats.push_back(floats[source(index)]);
    else
      result.integers.push_back(integers[source(index)]);
  });
  return result;
}

HostTensor HostTensor::reshape(ArrayRef<int64_t> shape) const {
  HostTensor result = *this;
  result.shape.assign(shape.begin(), shape.end());
  return result;
}

HostTensor HostTensor::transpose(ArrayRef<int64_t> permutation) const {
  SmallVector<int64_t> strides(shape.size(), 1), resultShape;
  for (size_t dim = shape.size(); dim-- > 1;)
    strides[dim - 1] = strides[dim] * shape[dim];
  for (int64_t dim : permutation)
    resultShape.push_back(shape[dim]);
  return take(resultShape, [&](ArrayRef<int64_t> index) {
    size_t offset = 0;
    for (auto [position, dim] : zip(index, permutation))
      offset += position * strides[dim];
    return offset;
  });
}

HostTensor HostTensor::makeIntegers(ArrayRef<int64_t> shape, std::vector<Integer> values) {
  HostTensor result;
  result.type = DataType::Int64;
  result.shape.assign(shape.begin(), shape.end());
  result.integers = std::move(values);
  return result;
}

template <typename T> static T load(const char *bytes) { return support::endian::read<T, endianness::little>(bytes); }

std::optional<HostTensor> bnc::onnx::decode(const Tensor &tensor) {
  size_t width = getElementBytes(tensor.type);
  if (width == 0)
    return std::nullopt;
  HostTensor result;
  result.type = isFloat(tensor.type) ? DataType::Float : tensor.type;
  result.shape = tensor.shape;
  size_t count = tensor.bytes.size() / width;
  auto fill = [&](auto &values, auto convert) {
    values.resize(count);
    for (size_t i = 0; i < count; ++i)
      values[i] = convert(tensor.bytes.data() + i * width);
  };
  auto fillIntegers = [&](auto zero) {
    fill(result.integers, [](const char *p) { return Integer{static_cast<int64_t>(load<decltype(zero)>(p)), 0}; });
  };
  switch (tensor.type) {
  case DataType::Float:
    fill(result.floats, [](const char *p) { return bit_cast<float>(load<uint32_t>(p)); });
    break;
  case DataType::Double:
    fill(result.floats, [](const char *p) { return static_cast<float>(bit_cast<double>(load<uint64_t>(p))); });
    break;
  case DataType::Float16:
    fill(result.floats, [](const char *p) { return halfToFloat(load<uint16_t>(p)); });
    break;
  case DataType::BFloat16:
    fill(result.floats, [](const char *p) { return bfloat16ToFloat(load<uint16_t>(p)); });
    break;
  case DataType::Bool:
  case DataType::UInt8:
    fillIntegers(uint8_t());
    break;
  case DataType::Int8:
    fillIntegers(int8_t());
    break;
  case DataType::UInt16:
    fillIntegers(uint16_t());
    break;
  case DataType::Int16:
    fillIntegers(int16_t());
    break;
  case DataType::Int32:
    fillIntegers(int32_t());
    break;
  case DataType::UInt32:
    fillIntegers(uint32_t());
    break;
  default:
    fillIntegers(int64_t()); // Int64, UInt64
  }
  return result;
}

/// True if an integer type holds `value`; the size of the batch is taken to fit in 32 bits.
static bool fits(Integer value, DataType type) {
  unsigned bits = 8 * getElementBytes(type);
  if (bits == 64)
    return true;
  if (!value.isKnown())
    return bits == 32;
  bool isSigned = type == DataType::Int8 || type == DataType::Int16 || type == DataType::Int32;
  int64_t low = isSigned ? -(int64_t(1) << (bits - 1)) : 0, high = low + (int64_t(1) << bits);
  return value.constant >= low && value.constant < high;
}

std::optional<HostTensor> bnc::onnx::convert(const HostTensor &from, DataType type) {
  if (getElementBytes(type) == 0)
    return std::nullopt;
  HostTensor to;
  to.type = isFloat(type) ? DataType::Float : type;
  to.shape = from.shape;
  auto addInteger = [&](Integer value) {
    if (type == DataType::Bool)
      value = {!(value == Integer()), 0}; // a size in terms of N is not 0
    if (!fits(value, type))
      return false;
    to.integers.push_back(value);
    return true;
  };
  for (Integer value : from.integers) {
    if (to.holdsFloats() && value.isKnown())
      to.floats.push_back(static_cast<float>(value.constant));
    else if (to.holdsFloats() || !addInteger(value))
      return std::nullopt;
  }
  for (float value : from.floats) {
    if (to.holdsFloats())
      to.floats.push_back(value);
    else if (type == DataType::Bool)
      to.integers.push_back({value != 0, 0});
    else if (!(std::fabs(value) < 0x1p62f) || !addInteger({static_cast<int64_t>(value), 0})) // NaN too
      return std::nullopt;
  }
  return to;
}
