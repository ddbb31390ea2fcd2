//===- HostTensor.h - tensors known at import -------------------*- C++ -*-===//

#ifndef COMPILER_IMPORT_ONNX_HOSTTENSOR_H
#define COMPILER_IMPORT_ONNX_HOSTTENSOR_H

#include "compiler/Import/Onnx/OnnxFile.h"

#include "llvm/ADT/ArrayRef.h"
#include "llvm/ADT/STLFunctionalExtras.h"

#include <optional>

namespace bnc::onnx {

/// An integer of a shape computation: constant + batches * N, where N is the size of the batch, known only at run
/// time (and at least 1).
struct Integer {
  int64_t constant = 0;
  int64_t batches = 0;

  bool isKnown() const { return batches == 0; }
  bool operator==(const Integer &other) const { return constant == other.constant && batches == other.batches; }
};

/// A tensor whose values the importer works with: floats (as f32) or integers (booleans are 0 and 1).
struct HostTensor {
  DataType type = DataType::Float; // Float, or the integer type
  llvm::SmallVector<int64_t> shape;
  std::vector<float> floats;     // if isFloat(type)
  std::vector<Integer> integers; // else

  bool holdsFloats() const { return isFloat(type); }
  size_t getNumElements() const { return holdsFloats() ? floats.size() : integers.size(); }

  /// A tensor of that shape whose element at `index` is this tensor's element number source(index).
  HostTensor take(llvm::ArrayRef<int64_t> shape, llvm::function_ref<size_t(llvm::ArrayRef<int64_t>)> source) const;
  /// The same elements under another shape of the same size.
  HostTensor reshape(llvm::ArrayRef<int64_t> shape) const;
  HostTensor transpose(llvm::ArrayRef<int64_t> permutation) const;

  static HostTensor makeIntegers(llvm::ArrayRef<int64_t> shape, std::vector<Integer> values);
};

/// Product of sizes; none if it is negative or beyond 2^48.
std::optional<int64_t> countElements(llvm::ArrayRef<int64_t> shape);

/// Calls `visit` with every index of a shape in row-major order.
void forEachIndex(llvm::ArrayRef<int64_t> shape, llvm::function_ref<void(llvm::ArrayRef<int64_t>)> visit);

/// The values of a stored tensor; none for a type that has no place here (strings, complex numbers, 8-bit floats).
std::optional<HostTensor> decode(const Tensor &tensor);

/// The same values as another type (any float is f32 here). None if a value does not fit or the type has no place here.
std::optional<HostTensor> convert(const HostTensor &from, DataType type);

} // namespace bnc::onnx

#endif // COMPILER_IMPORT_ONNX_HOSTTENSOR_H
