//===- Tensor.cpp - the values the evaluator computes with --------------------===//

#include "compiler/Reference/Tensor.h"

#include "mlir/IR/BuiltinAttributes.h"
#include "llvm/Support/MathExtras.h"
#include "llvm/Support/raw_ostream.h"

#include <algorithm>
#include <cmath>

using namespace mlir;
using namespace bnc;

Tensor::Tensor(Type elementType, ArrayRef<int64_t> shape) : elementType(elementType), shape(shape) {
  if (isReal())
    reals.assign(countElements(shape), 0);
  else
    integers.assign(countElements(shape), 0);
}

int64_t Tensor::size() const { return countElements(shape); }

int64_t bnc::countElements(ArrayRef<int64_t> shape) {
  int64_t count = 1;
  for (int64_t size : shape)
    count *= size;
  return count;
}

int64_t bnc::wrap(int64_t value, IntegerType type) {
  unsigned width = type.getWidth();
  if (width >= 64)
    return value;
  // A boolean is 0 or 1, never -1.
  if (type.isUnsigned() || width == 1)
    return static_cast<uint64_t>(value) & llvm::maskTrailingOnes<uint64_t>(width);
  return llvm::SignExtend64(value, width);
}

std::string bnc::shapeText(ArrayRef<int64_t> shape) {
  std::string text;
  llvm::raw_string_ostream os(text);
  os << '(';
  llvm::interleaveComma(shape, os);
  os << ')';
  return text;
}

int64_t bnc::broadcastIndex(ArrayRef<int64_t> shape, ArrayRef<int64_t> index) {
  int64_t linear = 0;
  ArrayRef<int64_t> aligned = index.take_back(shape.size());
  for (auto [size, i] : llvm::zip_equal(shape, aligned))
    linear = linear * size + (size == 1 ? 0 : i);
  return linear;
}

double Tensor::largest() const {
  double result = 0;
  for (double value : reals) {
    if (std::isnan(value))
      return value;
    result = std::max(result, std::fabs(value));
  }
  return result;
}
