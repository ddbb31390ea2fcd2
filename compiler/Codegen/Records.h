//===- Records.h - steps as the records of model_abi.h ---------------*- C++ -*-===//

#ifndef COMPILER_CODEGEN_RECORDS_H
#define COMPILER_CODEGEN_RECORDS_H

#include "compiler/Support/Target.h"
#include "ir/BncOps.h"

#include <string>
#include <vector>

namespace bnc {

/// One call of a program: a bnc_rt_* function and the words of its record; kernels are called through bnc_rt_launch.
struct Step {
  std::string function;
  std::vector<int64_t> words;
  std::string kernel; // symbol of a kernel, for bnc_rt_launch
};

/// The calls that execute an op of a planned graph, in order; none for ops that only name a value.
mlir::FailureOr<std::vector<Step>> stepsOf(mlir::Operation *op, const Target &target);

/// The calls of one of a planned graph's programs (attribute `program` of its ops) in order, each with the op it is for;
/// the sum of the losses, which ends the forward pass with a loss, is the return op's.
mlir::FailureOr<std::vector<std::pair<mlir::Operation *, Step>>> callsOf(GraphOp graph, int64_t program,
                                                                         const Target &target);

/// Scratch bytes that a worker needs for an op.
int64_t scratchOf(mlir::Operation *op, const Target &target);

} // namespace bnc

#endif // COMPILER_CODEGEN_RECORDS_H
