//===- ChannelAxis.h - where a tensor keeps its channels ----------*- C++ -*-===//

#ifndef COMPILER_TRANSFORMS_CHANNELAXIS_H
#define COMPILER_TRANSFORMS_CHANNELAXIS_H

#include "mlir/IR/BuiltinTypes.h"

#include <optional>

namespace bnc {

/// The channels as one digit of a dimension: that dimension has size outer * channels * inner and index i belongs to
/// channel (i / inner) % channels. Plain (outer = inner = 1) in a convolution's result; after flattening (N, C, H, W)
/// to (N, C*H*W) it is {dim 1, outer 1, C, inner H*W}.
struct ChannelAxis {
  int64_t dim;
  int64_t outer = 1;
  int64_t channels;
  int64_t inner = 1;

  bool isPlain() const { return outer == 1 && inner == 1; }
};

/// The plain axis of dimension `dim`.
ChannelAxis getPlainAxis(mlir::RankedTensorType type, int64_t dim);

/// Where the channels of a tensor of type `from` are after a row-major reshape to `to`; nothing if the reshape spreads
/// them over several dimensions. The same function with the types exchanged goes back.
std::optional<ChannelAxis> reshapeAxis(const ChannelAxis &axis, mlir::RankedTensorType from, mlir::RankedTensorType to);

/// Through a transpose, from its input to its result and back.
ChannelAxis transposeAxis(const ChannelAxis &axis, llvm::ArrayRef<int64_t> permutation);
ChannelAxis transposeAxisBack(const ChannelAxis &axis, llvm::ArrayRef<int64_t> permutation);

} // namespace bnc

#endif // COMPILER_TRANSFORMS_CHANNELAXIS_H
