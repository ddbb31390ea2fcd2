//===- EmbedWeights.h - values as a model's library holds them -----------*- C++ -*-===//

#ifndef COMPILER_DRIVER_EMBEDWEIGHTS_H
#define COMPILER_DRIVER_EMBEDWEIGHTS_H

#include "compiler/Support/Target.h"
#include "compiler/Support/Weights.h"
#include "ir/BncOps.h"

#include <string>

namespace bnc {

/// Contents of memory as model_abi.h describes it. "" without the graph that reads it.
struct EmbeddedWeights {
  std::string values; // BNC_SPACE_VARIABLES of the training graph
  std::string folded; // BNC_SPACE_FOLDED of the inference graph
};

/// From a module in phase `kernels` or `llvm` and the values of all its variables.
mlir::FailureOr<EmbeddedWeights> embedWeights(mlir::ModuleOp module, const Weights &weights, const Target &target);

} // namespace bnc

#endif // COMPILER_DRIVER_EMBEDWEIGHTS_H
