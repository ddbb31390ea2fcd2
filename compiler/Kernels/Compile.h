//===- Compile.h - kernels to object files -------------------------*- C++ -*-===//

#ifndef COMPILER_KERNELS_COMPILE_H
#define COMPILER_KERNELS_COMPILE_H

#include "compiler/Support/Target.h"
#include "ir/BncOps.h"

#include <functional>
#include <string>
#include <vector>

namespace bnc {

struct KernelCompileOptions {
  int jobs = 0;         // worker processes; 0: one per processor
  std::string cacheDir; // folder of compiled kernels, "": none
  /// Called after each kernel with the number done and the number of all.
  std::function<void(size_t, size_t)> progress;
};

struct KernelObject {
  std::string symbol; // the function is <symbol>, its uniform entry <symbol>_argv
  std::string bytes;
};

/// Gives every kernel and optimizer step its `symbol`: bnc_k_<hash of algorithm, schedule, shapes, target, versions>.
/// Equal kernels get equal symbols. Needs bnc-plan-memory.
void nameKernels(mlir::ModuleOp module, const Target &target);

/// Compiles every different kernel of the module, in worker processes: a worker's Halide starts afresh, so an object's
/// bytes depend on the kernel alone. Sorted by symbol.
mlir::FailureOr<std::vector<KernelObject>> compileKernels(mlir::ModuleOp module, const Target &target, const KernelCompileOptions &options);

} // namespace bnc

#endif // COMPILER_KERNELS_COMPILE_H
