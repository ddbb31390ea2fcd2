//===- StoredValues.h - what programs store, by the op that it is the value of ---*- C++ -*-===//

#ifndef COMPILER_DRIVER_STOREDVALUES_H
#define COMPILER_DRIVER_STOREDVALUES_H

#include "compiler/Codegen/Records.h"
#include "compiler/Driver/StepObserver.h"

#include <map>

namespace bnc {

/// Gives every op of the module's graphs, in phase `training` or `inference`, a number. It is part of the location and
/// so goes with the value into the kernels. An op whose value kernels see with its dimensions in another order gets none.
void numberOps(mlir::ModuleOp module);

/// The number in a location, -1 if there is none.
int64_t numberOf(mlir::Location location);

/// Result `result` of op number `op`.
using ValueId = std::pair<int64_t, unsigned>;

/// Takes down what programs store while they run. Memory is used again, so each value is read after the step that wrote it.
class StoredValues : public StepObserver {
public:
  /// Watches programs `first` to `last` of a graph in phase `llvm`, run once, one after the other.
  static llvm::FailureOr<std::unique_ptr<StoredValues>> watch(GraphOp graph, int64_t first, int64_t last,
                                                              const Target &target);

  void after(const char *function, const bnc_exec &exec, double seconds) override;

  std::map<ValueId, std::vector<float>> values;           // dense, row-major in the logical layout
  std::map<std::string, std::vector<float>> gradients; // of parameters, as the optimizer found them

private:
  explicit StoredValues(std::vector<std::pair<mlir::Operation *, Step>> calls) : calls(std::move(calls)) {}
  void readResults(KernelOp kernel, const bnc_exec &exec);
  void readGradients(OptimizeOp optimize, const bnc_exec &exec);

  std::vector<std::pair<mlir::Operation *, Step>> calls;
  size_t next = 0;
};

} // namespace bnc

#endif // COMPILER_DRIVER_STOREDVALUES_H
