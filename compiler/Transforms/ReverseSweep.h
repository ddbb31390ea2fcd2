//===- ReverseSweep.h - reverse-mode differentiation of a block -*- C++ -*-===//

#ifndef COMPILER_TRANSFORMS_REVERSESWEEP_H
#define COMPILER_TRANSFORMS_REVERSESWEEP_H

#include "mlir/IR/Builders.h"

namespace bnc {

/// Builds, at the builder's insertion point, the gradients of L with respect to each of `wanted`, where L is a scalar
/// whose gradients with respect to `outputs` are `outputGradients` (one each, of the output's type; null: zero).
///
/// All values are of one block without nested regions, and the insertion point comes after the outputs. The ops
/// between `wanted` and `outputs` are differentiated by their DifferentiableOpInterface, last op first; where a value
/// has several uses the contributions are added. `wanted` may hold arguments, reads of variables and intermediate
/// values. An entry of the result is null where `outputs` do not depend on that value; values are told apart, not
/// variables: two bnc.read of one variable have a gradient each.
///
/// Fails, with a diagnostic at the op, where a gradient reaches an op that has no rule. Ops that are already built
/// then stay.
mlir::FailureOr<llvm::SmallVector<mlir::Value>> differentiate(mlir::OpBuilder &builder, mlir::ValueRange outputs,
                                                              mlir::ValueRange outputGradients,
                                                              mlir::ValueRange wanted);

} // namespace bnc

#endif // COMPILER_TRANSFORMS_REVERSESWEEP_H
