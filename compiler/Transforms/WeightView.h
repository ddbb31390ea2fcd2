//===- WeightView.h - a weight as kernels see it ------------------*- C++ -*-===//

#ifndef COMPILER_TRANSFORMS_WEIGHTVIEW_H
#define COMPILER_TRANSFORMS_WEIGHTVIEW_H

#include "ir/BncOps.h"

namespace bnc {

/// A tensor read in place under another shape: reshapes and transposes of a variable never move data.
struct WeightView {
  mlir::Value base;                     // dense in memory
  llvm::SmallVector<int64_t> shape;     // logical shape
  llvm::SmallVector<int64_t> strides;   // in elements of base

  /// Follows reshapes, transposes and a final rounding of folded weights back to what they read. Where a reshape
  /// would have to move elements, the view starts there.
  static WeightView of(mlir::Value value);

  /// The same for a weight (K, C, kernel...): a line of taps is a window of one row.
  static WeightView ofImage(mlir::Value value);
  void toImage();

  /// A dimension of size 1 before dimension `dim`.
  void insertDim(int64_t dim);

  /// Splits and joins dimensions; false if the elements would have to move.
  bool reshape(llvm::ArrayRef<int64_t> newShape);
  void transpose(llvm::ArrayRef<int64_t> permutation);
};

} // namespace bnc

#endif // COMPILER_TRANSFORMS_WEIGHTVIEW_H
