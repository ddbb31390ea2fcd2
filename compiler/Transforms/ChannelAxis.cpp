//===- ChannelAxis.cpp - where a tensor keeps its channels ------------------===//

#include "compiler/Transforms/ChannelAxis.h"

using namespace mlir;
using namespace bnc;

ChannelAxis bnc::getPlainAxis(RankedTensorType type, int64_t dim) { return {dim, 1, type.getDimSize(dim), 1}; }

std::optional<ChannelAxis> bnc::reshapeAxis(const ChannelAxis &axis, RankedTensorType from, RankedTensorType to) {
  // In row-major order the channels are a digit of the element's number: (number / stride) % channels.
  int64_t stride = axis.inner;
  for (int64_t size : from.getShape().drop_front(axis.dim + 1)) {
    if (ShapedType::isDynamic(size))
      return std::nullopt;
    stride *= size;
  }
  std::optional<ChannelAxis> merged;
  int64_t below = 1; // elements per step of dimension `dim`
  for (int64_t dim = to.getRank() - 1; dim >= 0; --dim) {
    int64_t size = to.getDimSize(dim);
    if (ShapedType::isDynamic(size))
      break;
    if (size == axis.channels && below == stride)
      return ChannelAxis{dim, 1, axis.channels, 1};
    if (!merged && stride % below == 0 && (below * size) % (stride * axis.channels) == 0)
      merged = ChannelAxis{dim, below * size / (stride * axis.channels), axis.channels, stride / below};
    below *= size;
  }
  return merged;
}

ChannelAxis bnc::transposeAxis(const ChannelAxis &axis, ArrayRef<int64_t> permutation) {
  ChannelAxis result = axis;
  result.dim = llvm::find(permutation, axis.dim) - permutation.begin();
  return result;
}

ChannelAxis bnc::transposeAxisBack(const ChannelAxis &axis, ArrayRef<int64_t> permutation) {
  ChannelAxis result = axis;
  result.dim = permutation[axis.dim];
  return result;
}
