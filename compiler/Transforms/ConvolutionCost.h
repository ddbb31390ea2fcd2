//===- ConvolutionCost.h - which algorithm a convolution takes ----*- C++ -*-===//
//
// Estimates from shapes and target alone. Weights have the shape (K, C, KH, KW).
//
//===----------------------------------------------------------------------===//

#ifndef COMPILER_TRANSFORMS_CONVOLUTIONCOST_H
#define COMPILER_TRANSFORMS_CONVOLUTIONCOST_H

#include "compiler/Support/Target.h"

#include "llvm/ADT/ArrayRef.h"
#include "llvm/ADT/SmallVector.h"

#include <string>

namespace bnc {

struct Plane {
  int64_t height, width;
  int64_t pixels() const { return height * width; }
};

/// How the columns of one pixel, (tap, input channel), are cut into blocks that are computed and added up one after the
/// other: `channels` of the input in each, in `block` columns (whole register tiles), for `pixels` of a row of `width` at
/// a time.
struct Columns {
  int64_t channels, block, blocks, pixels;

  static Columns of(const Target &target, llvm::ArrayRef<int64_t> weight, int64_t width);
};

/// How a convolution or the gradient with respect to its input is computed. Winograd's algorithm: by tiles of 2x2 or 4x4
/// outputs. `Columns`: of a gradient, a product with all taps at once, whose columns are added up afterwards; it multiplies
/// no zeros of the border and between strided elements, and fills vectors with more than the few channels of one tap.
/// `Cheapest` is none of them, but asks for the one with the least cost.
enum class ConvolutionAlgorithm { Cheapest, Direct, Columns, Winograd2, Winograd4 };

/// Outputs in a row of a tile of Winograd's algorithm; 0 for other algorithms.
int64_t winogradTile(ConvolutionAlgorithm algorithm);

/// A convolution, or the gradient with respect to its input.
struct ConvolutionShape {
  llvm::SmallVector<int64_t> weight;
  int64_t groups;
  llvm::SmallVector<int64_t> strides, dilations; // y, x
  bool backward;                                 // the gradient
  Plane input, output;                           // of the convolution

  /// True for the gradient of a window of one pixel that steps over others: those have none.
  bool leavesOut() const { return backward && weight[2] * weight[3] == 1 && strides[0] * strides[1] > 1; }

  /// "convolution 3x3/2 64->128 at 28x28": window, stride, channels, size of the output; behind "input gradient of" it is
  /// the same convolution's.
  std::string describe() const;
};

/// An algorithm with the cycles that one core is estimated to take for one image with it.
struct ConvolutionCost {
  ConvolutionAlgorithm algorithm;
  double cycles;
};

/// The algorithms that can compute `shape`, the direct one first, each with its cost; Winograd's with tiles up to
/// `largestTile`. `alone`: an image may come alone, and other layers between it and the next one; else there are batches, in
/// which weights stay in the cache if they fit.
llvm::SmallVector<ConvolutionCost> convolutionCosts(const Target &target, const ConvolutionShape &shape, bool alone,
                                                    int64_t largestTile);

/// The cheapest of `costs`, where one that rounds more or needs more memory has to gain enough to pay for that. If
/// `request` is one of them, that one.
ConvolutionCost chooseAlgorithm(llvm::ArrayRef<ConvolutionCost> costs, ConvolutionAlgorithm request);

/// "Winograd F(4x4, 3x3) at an estimated 1617.2 kcycles (direct: 4816.9)": the chosen algorithm, then the others, the best
/// of them first.
std::string describeChoice(llvm::ArrayRef<ConvolutionCost> costs, ConvolutionCost chosen);

} // namespace bnc

#endif // COMPILER_TRANSFORMS_CONVOLUTIONCOST_H
