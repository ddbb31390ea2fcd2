//===- ConvolutionCost.h - which algorithm a convolution takes ----*- C++ -*-===//
//
// Estimates from shapes and target alone. Weights have the shape (K, C, KH, KW).
//
//===----------------------------------------------------------------------===//

#ifndef COMPILER_TRANSFORMS_CONVOLUTIONCOST_H
#define COMPILER_TRANSFORMS_CONVOLUTIONCOST_H

#include "compiler/Support/Target.h"

#include "llvm/ADT/ArrayRef.h"

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

/// The gradient's convolution multiplies the zeros of the border and between strided elements, and fills vectors with the
/// few channels of one tap. A product with all taps at once does neither, but has to add up its columns afterwards.
bool columnsAreCheaper(const Target &target, llvm::ArrayRef<int64_t> weight, Plane gradient, Plane input);

/// The tile, 2 or 4, with which Winograd's algorithm computes a convolution of step 1 in less time than the direct one;
/// 0 if there is none. `output`: of the convolution; `backward`: of the gradient with respect to its input; `most`: the
/// largest tile to take.
int64_t cheapestWinogradTile(const Target &target, llvm::ArrayRef<int64_t> weight, bool backward, Plane output, int64_t most);

} // namespace bnc

#endif // COMPILER_TRANSFORMS_CONVOLUTIONCOST_H
