//===- Pipelines.h - from phase `import` to `training` and `inference` -*- C++ -*-===//

#ifndef COMPILER_TRANSFORMS_PIPELINES_H
#define COMPILER_TRANSFORMS_PIPELINES_H

#include "compiler/Transforms/Passes.h"

#include "mlir/Pass/PassManager.h"

#include <string>

namespace bnc {

/// What inputs are like for the application; see bnc-convert-inputs.
struct InputOptions {
  std::vector<std::string> layouts, types;
  std::vector<double> mean, deviation;
  bool empty() const { return layouts.empty() && types.empty() && mean.empty() && deviation.empty(); }
};

struct TrainingOptions {
  LossKind loss = LossKind::SoftmaxCrossEntropy;
  Optimizer optimizer = Optimizer::Sgd;
  bool momentum = false; // sgd keeps a momentum slot
  bool nesterov = false; // sgd with momentum looks ahead
  std::string trainable; // POSIX extended regular expression; empty: as the variables say
  std::string freeze;    // the same over batch normalizations; empty: as the ops say
  InputOptions inputs = {};
};

struct InferenceOptions {
  FoldMode fold = FoldMode::On;
  InputOptions inputs = {};
};

/// Turns the model graph of a module in phase `import` into the training graph @NAME_train, and the module's phase into
/// `training`; the contract is checked at the end. Errors are the user's, one sentence each.
void buildTrainingPipeline(mlir::OpPassManager &manager, const TrainingOptions &options);

/// The same for @NAME_infer and `inference`.
void buildInferencePipeline(mlir::OpPassManager &manager, const InferenceOptions &options);

/// Takes a module with a training graph, an inference graph, or both to phase `kernels`, for a target by its name.
void buildKernelsPipeline(mlir::OpPassManager &manager, llvm::StringRef target);

/// Makes the first two known to bnc-opt, as --bnc-training-pipeline and --bnc-inference-pipeline.
void registerBncPipelines();

} // namespace bnc

#endif // COMPILER_TRANSFORMS_PIPELINES_H
