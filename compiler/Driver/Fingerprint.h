//===- Fingerprint.h - tells tensors apart ------------------------*- C++ -*-===//

#ifndef COMPILER_DRIVER_FINGERPRINT_H
#define COMPILER_DRIVER_FINGERPRINT_H

#include "compiler/Reference/Tensor.h"

#include <cmath>

namespace bnc {

/// Tells tensors apart without keeping them: two sums with random signs and sizes.
struct Fingerprint {
  explicit Fingerprint(const Tensor &tensor) : shape(tensor.shape), scale(tensor.largest() * std::sqrt(tensor.reals.size())) {
    uint64_t state = 0;
    for (double value : tensor.reals) {
      state = state * 6364136223846793005u + 1442695040888963407u; // Knuth's MMIX
      sums[0] += value * static_cast<int32_t>(state >> 32) * 0x1p-31;
      sums[1] += value * static_cast<int16_t>(state >> 16) * 0x1p-15;
    }
  }
  bool operator==(const Fingerprint &other) const {
    double near = 1e-9 * std::max(scale, other.scale);
    return shape == other.shape && std::fabs(sums[0] - other.sums[0]) <= near && std::fabs(sums[1] - other.sums[1]) <= near;
  }

  llvm::SmallVector<int64_t> shape;
  double scale, sums[2] = {0, 0};
};

} // namespace bnc

#endif // COMPILER_DRIVER_FINGERPRINT_H
