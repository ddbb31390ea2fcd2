//===- Winograd.h - transforms of F(tile x tile, 3x3) -------------*- C++ -*-===//
//
// Winograd's minimal filtering (Winograd 1980; Lavin and Gray 2016): a tile of outputs from a tile of inputs with
// (tile + 2)^2 multiplications per channel instead of 9 * tile^2. The transforms evaluate polynomials at the points 0,
// +-a (and +-b), infinity. With a = 3/4, b = 3/2 for tiles of 4 the rounding error is half of that with 1 and 2, and every
// coefficient of the transforms of images is a short binary fraction.
//
//===----------------------------------------------------------------------===//

#ifndef COMPILER_KERNELS_WINOGRAD_H
#define COMPILER_KERNELS_WINOGRAD_H

#include <array>
#include <cstdint>
#include <vector>

namespace bnc {

struct WinogradPoints {
  double a, b; // b is not used for tiles of 2

  static WinogradPoints of(int64_t tile) { return tile == 2 ? WinogradPoints{1, 0} : WinogradPoints{0.75, 1.5}; }
};

/// Rows of the transform of weights: value i of a row of weights g is the sum of row[i][k] * g[k]. tile + 2 rows.
std::vector<std::array<double, 3>> winogradWeightTransform(int64_t tile);

} // namespace bnc

#endif // COMPILER_KERNELS_WINOGRAD_H
