//===- Random.h - seeded values for tests ------------------------*- C++ -*-===//

#ifndef COMPILER_REFERENCE_RANDOM_H
#define COMPILER_REFERENCE_RANDOM_H

#include "compiler/Reference/Tensor.h"

#include <cmath>
#include <random>

namespace bnc {

/// Floats uniform in [low, high), integers uniform in the whole numbers of [low, high). The same generator state gives
/// the same values on every machine.
inline Tensor randomTensor(mlir::Type elementType, llvm::ArrayRef<int64_t> shape, std::mt19937_64 &generator,
                           double low, double high) {
  Tensor tensor(elementType, shape);
  auto draw = [&] { return low + (high - low) * static_cast<double>(generator() >> 11) * 0x1p-53; };
  for (double &value : tensor.reals)
    value = draw();
  for (int64_t &value : tensor.integers)
    value = static_cast<int64_t>(std::floor(draw()));
  return tensor;
}

} // namespace bnc

#endif // COMPILER_REFERENCE_RANDOM_H
