//===- BncGradientUtils.h - what the rules of differentiation share -*- C++ -*-===//
//
// Private to ir/BncGradients*.cpp.
//
//===----------------------------------------------------------------------===//

#ifndef IR_BNCGRADIENTUTILS_H
#define IR_BNCGRADIENTUTILS_H

#include "ir/BncOps.h"

#include "mlir/IR/Builders.h"

namespace bnc {

inline llvm::ArrayRef<int64_t> shapeOf(mlir::Value value) {
  return llvm::cast<mlir::RankedTensorType>(value.getType()).getShape();
}

/// A constant of the given static float type whose elements are all `value`.
inline mlir::Value splat(mlir::OpBuilder &builder, mlir::Location loc, double value, mlir::RankedTensorType type) {
  auto element = mlir::FloatAttr::get(type.getElementType(), value);
  return ConstantOp::create(builder, loc, mlir::DenseElementsAttr::get(type, element.getValue()));
}

/// A rank-0 constant with the element type of `like`; it broadcasts to anything.
inline mlir::Value scalarLike(mlir::OpBuilder &builder, mlir::Location loc, double value, mlir::Value like) {
  mlir::Type element = llvm::cast<mlir::RankedTensorType>(like.getType()).getElementType();
  return splat(builder, loc, value, mlir::RankedTensorType::get({}, element));
}

/// bnc.reshape's attribute for a shape: -1 for the batch.
inline llvm::SmallVector<int64_t> reshapeSizes(llvm::ArrayRef<int64_t> shape) {
  return llvm::map_to_vector(shape, [](int64_t size) { return mlir::ShapedType::isDynamic(size) ? -1 : size; });
}

/// The elements of `value` under the shape of `like`.
inline mlir::Value reshapeLike(mlir::OpBuilder &builder, mlir::Location loc, mlir::Value value, mlir::Value like) {
  if (value.getType() == like.getType())
    return value;
  return ReshapeOp::create(builder, loc, value, reshapeSizes(shapeOf(like)));
}

/// `sizes` elements of every dimension from `starts` on; an unknown size is the whole of its dimension.
inline mlir::Value sliceFrom(mlir::OpBuilder &builder, mlir::Location loc, mlir::Value value,
                             llvm::ArrayRef<int64_t> starts, llvm::ArrayRef<int64_t> sizes) {
  if (shapeOf(value) == sizes)
    return value;
  llvm::SmallVector<int64_t> steps(sizes.size(), 1);
  return SliceOp::create(builder, loc, value, starts, reshapeSizes(sizes), steps);
}

/// Sum over every dimension but `feature`.
inline mlir::Value sumPerChannel(mlir::OpBuilder &builder, mlir::Location loc, mlir::Value value, int64_t feature) {
  llvm::SmallVector<int64_t> axes;
  for (int64_t i = 0, e = shapeOf(value).size(); i < e; ++i)
    if (i != feature)
      axes.push_back(i);
  return axes.empty() ? value : ReduceSumOp::create(builder, loc, value, axes);
}

} // namespace bnc

#endif // IR_BNCGRADIENTUTILS_H
