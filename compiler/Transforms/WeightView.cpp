//===- WeightView.cpp - a weight as kernels see it ---------------------------===//

#include "compiler/Transforms/WeightView.h"

using namespace mlir;
using namespace bnc;

static WeightView dense(Value value) {
  WeightView view{value, llvm::to_vector(cast<RankedTensorType>(value.getType()).getShape()), {}};
  view.strides.assign(view.shape.size(), 1);
  for (size_t i = view.shape.size(); i-- > 1;)
    view.strides[i - 1] = view.strides[i] * view.shape[i];
  return view;
}

WeightView WeightView::of(Value value) {
  if (auto cast = value.getDefiningOp<CastOp>(); cast && cast.getInput().getType().getElementType().isF64())
    return dense(cast.getInput());
  if (auto transpose = value.getDefiningOp<TransposeOp>()) {
    WeightView view = of(transpose.getInput());
    view.transpose(transpose.getPermutation());
    return view;
  }
  if (auto reshape = value.getDefiningOp<ReshapeOp>()) {
    WeightView view = of(reshape.getInput());
    if (view.reshape(reshape.getType().getShape()))
      return view;
  }
  return dense(value);
}

WeightView WeightView::ofImage(Value value) {
  WeightView view = of(value);
  view.toImage();
  return view;
}

void WeightView::toImage() {
  if (shape.size() == 3)
    insertDim(2);
}

void WeightView::insertDim(int64_t dim) {
  shape.insert(shape.begin() + dim, 1);
  strides.insert(strides.begin() + dim, 0);
}

void WeightView::transpose(ArrayRef<int64_t> permutation) {
  SmallVector<int64_t> newShape, newStrides;
  for (int64_t dim : permutation) {
    newShape.push_back(shape[dim]);
    newStrides.push_back(strides[dim]);
  }
  shape = newShape;
  strides = newStrides;
}

bool WeightView::reshape(ArrayRef<int64_t> newShape) {
  SmallVector<int64_t> newStrides(newShape.size(), 1);
  size_t from = 0, to = 0;
  while (from < shape.size() || to < newShape.size()) {
    // The smallest runs of old and new dimensions with the same number of elements.
    size_t fromEnd = from, toEnd = to;
    int64_t oldCount = fromEnd < shape.size() ? shape[fromEnd++] : 1;
    int64_t newCount = toEnd < newShape.size() ? newShape[toEnd++] : 1;
    while (oldCount != newCount) {
      if (oldCount < newCount ? fromEnd == shape.size() : toEnd == newShape.size())
        return false;
      (oldCount < newCount ? oldCount : newCount) *= oldCount < newCount ? shape[fromEnd++] : newShape[toEnd++];
    }
    // A run can be cut anew if it is contiguous; dimensions of size 1 do not count.
    int64_t inner = 1;
    bool first = true;
    for (size_t i = fromEnd, expected = 0; i-- > from;) {
      if (shape[i] == 1)
        continue;
      if (first)
        inner = strides[i];
      else if (strides[i] != static_cast<int64_t>(expected))
        return false;
      first = false;
      expected = strides[i] * shape[i];
    }
    for (size_t i = toEnd; i-- > to;) {
      newStrides[i] = inner;
      inner *= newShape[i];
    }
    from = fromEnd;
    to = toEnd;
  }
  shape.assign(newShape.begin(), newShape.end());
  strides = newStrides;
  return true;
}
