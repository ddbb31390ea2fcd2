//===- FoldPlacement.h - where a per-channel affine may go --------*- C++ -*-===//
//
// The legality half of folding: which ops absorb a value * slope + intercept per channel, which let it pass, and the
// sentence that says why one does neither. Nothing here looks at a value or changes the graph.
//
//===----------------------------------------------------------------------===//

#ifndef COMPILER_TRANSFORMS_FOLDPLACEMENT_H
#define COMPILER_TRANSFORMS_FOLDPLACEMENT_H

#include "compiler/Transforms/ChannelAxis.h"
#include "ir/BncOps.h"

#include <string>

namespace bnc {

/// Which of the original channels arrive somewhere: first, first + step, ... (count of them).
struct ChannelRange {
  int64_t first, count, step;
};

/// An op that absorbs (part of) the affine. Forward: its operand 0 is to be read as operand * slope + intercept;
/// backward: its result is to be multiplied by slope and, with `intercept`, moved by intercept. An add absorbs in its
/// bias alone; its other operand has absorbers of its own.
struct Absorber {
  mlir::Operation *op;
  bool forward;
  bool intercept;
  ChannelAxis axis;
  ChannelRange range;
};

/// All absorbers that together take the affine, or why there are none.
struct Placement {
  bool legal = false;
  llvm::SmallVector<Absorber> absorbers;
  std::string rule; // if not legal: the rule that forbids it

  explicit operator bool() const { return legal; }
};

/// The operand of an add that holds one value per element of the channels' dimension and depends on variables only: a
/// bias written apart from its layer. Null if there is none.
mlir::OpOperand *findBias(AddOp op, const ChannelAxis &axis);

/// Places the affine of the channels along `dim` of `value` into the producers of `value`, which one op uses.
Placement placeBackward(mlir::Value value, int64_t dim);

/// Places it into the users of `value`.
Placement placeForward(mlir::Value value, int64_t dim);

} // namespace bnc

#endif // COMPILER_TRANSFORMS_FOLDPLACEMENT_H
