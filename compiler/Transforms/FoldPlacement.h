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

/// What becomes of the vector of coefficients on its way to an absorber.
struct RouteStep {
  enum Kind {
    Take,   // the elements first, first + step, ... (count of them)
    Repeat, // each `inner` times, and all of that `outer` times: the channels as a digit of a dimension
    Extend  // `before` and `after` elements around that change nothing: slope 1, intercept 0
  } kind;
  int64_t first = 0, count = 0, step = 1;
  int64_t outer = 1, inner = 1;
  int64_t before = 0, after = 0;

  static RouteStep take(int64_t first, int64_t count, int64_t step) { return {Take, first, count, step}; }
  static RouteStep repeat(const ChannelAxis &axis) { return {Repeat, 0, 0, 1, axis.outer, axis.inner}; }
  static RouteStep extend(int64_t before, int64_t after) { return {Extend, 0, 0, 1, 1, 1, before, after}; }
};
using Route = llvm::SmallVector<RouteStep, 2>;

/// An op that absorbs (part of) the affine. Forward: its operand 0 is to be read as operand * slope + intercept;
/// backward: its result is to be multiplied by slope and, with `intercept`, moved by intercept. There is one coefficient
/// per element of dimension `dim`, those of the channels by `route`. An add absorbs in its bias alone; its other operand
/// has absorbers of its own.
struct Absorber {
  mlir::Operation *op;
  bool forward;
  bool intercept;
  int64_t dim;
  Route route;
};

/// All absorbers that together take the affine, or why there are none.
struct Placement {
  bool legal = false;
  llvm::SmallVector<Absorber> absorbers;
  std::string rule; // if not legal: the rule that forbids it

  explicit operator bool() const { return legal; }
};

/// The operand of an add that holds one value per element of dimension `dim` of the sum and depends on variables only: a
/// bias written apart from its layer. Null if there is none.
mlir::OpOperand *findBias(AddOp op, int64_t dim);

/// Places the affine of the channels along `dim` of `value` into the producers of `value`, which one op uses.
Placement placeBackward(mlir::Value value, int64_t dim);

/// Places it into the users of `value`.
Placement placeForward(mlir::Value value, int64_t dim);

} // namespace bnc

#endif // COMPILER_TRANSFORMS_FOLDPLACEMENT_H
