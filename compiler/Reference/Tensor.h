//===- Tensor.h - the values the evaluator computes with --------*- C++ -*-===//

#ifndef COMPILER_REFERENCE_TENSOR_H
#define COMPILER_REFERENCE_TENSOR_H

#include "mlir/IR/BuiltinTypes.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/SmallVector.h"
#include "llvm/ADT/StringRef.h"

#include <string>
#include <vector>

namespace bnc {

/// A dense tensor in row-major order. Floats of every width are held, and computed with, in double; integers are
/// exact, each in the range of its type (booleans 0 or 1, unsigned 64 bits by their bit pattern). The vector that fits
/// the element type has one element per index, the other is empty.
struct Tensor {
  mlir::Type elementType;
  llvm::SmallVector<int64_t> shape;
  std::vector<double> reals;
  std::vector<int64_t> integers;

  Tensor() = default;
  /// All zeros.
  Tensor(mlir::Type elementType, llvm::ArrayRef<int64_t> shape);

  bool isReal() const { return llvm::isa<mlir::FloatType>(elementType); }
  int64_t rank() const { return shape.size(); }
  int64_t size() const;
  /// The largest absolute value of a float tensor; NaN if one is.
  double largest() const;
  mlir::RankedTensorType type() const { return mlir::RankedTensorType::get(shape, elementType); }
};

/// Product of the sizes.
int64_t countElements(llvm::ArrayRef<int64_t> shape);

/// `value` brought into the range of `type` by dropping its high bits.
int64_t wrap(int64_t value, mlir::IntegerType type);

/// "(2, 3, 4)"
std::string shapeText(llvm::ArrayRef<int64_t> shape);

/// Calls visit(index, linear) for every index of a shape in row-major order.
template <typename Visit> void forEachIndex(llvm::ArrayRef<int64_t> shape, Visit visit) {
  llvm::SmallVector<int64_t> index(shape.size(), 0);
  for (int64_t linear = 0, end = countElements(shape); linear < end; ++linear) {
    visit(llvm::ArrayRef<int64_t>(index), linear);
    for (int64_t dim = shape.size() - 1; dim >= 0 && ++index[dim] == shape[dim]; --dim)
      index[dim] = 0;
  }
}

/// Position of an index in row-major order.
inline int64_t linearize(llvm::ArrayRef<int64_t> shape, llvm::ArrayRef<int64_t> index) {
  int64_t linear = 0;
  for (auto [size, i] : llvm::zip_equal(shape, index))
    linear = linear * size + i;
  return linear;
}

/// The element that a result's `index` reads of an operand that broadcasts in the NumPy sense: shapes aligned at the
/// last dimension, sizes of 1 repeated.
int64_t broadcastIndex(llvm::ArrayRef<int64_t> shape, llvm::ArrayRef<int64_t> index);

/// A tensor of the given shape whose element at `linear` is element source(index, linear) of `input`.
template <typename Source> Tensor gather(const Tensor &input, llvm::ArrayRef<int64_t> shape, Source source) {
  Tensor result(input.elementType, shape);
  forEachIndex(shape, [&](llvm::ArrayRef<int64_t> index, int64_t linear) {
    int64_t from = source(index, linear);
    if (input.isReal())
      result.reals[linear] = input.reals[from];
    else
      result.integers[linear] = input.integers[from];
  });
  return result;
}

} // namespace bnc

#endif // COMPILER_REFERENCE_TENSOR_H
