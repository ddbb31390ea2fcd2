//===- Pipelines.h - from phase `import` to `training` and `inference` -*- C++ -*-===//

#ifndef COMPILER_TRANSFORMS_PIPELINES_H
#define COMPILER_TRANSFORMS_PIPELINES_H

#include "compiler/Transforms/Passes.h"

#include "mlir/Pass/PassManager.h"

#include <optional>
#include <string>

namespace bnc {

/// What inputs are like for the application; see bnc-convert-inputs.
struct InputOptions {
  std::vector<std::string> layouts, types;
  std::vector<double> mean, deviation;
  bool empty() const { return layouts.empty() && types.empty() && mean.empty() && deviation.empty(); }
};

struct TrainingOptions {
  std::optional<LossKind> loss = LossKind::SoftmaxCrossEntropy; // none: the application's own
  double labelSmoothing = 0;
  bool probabilities = false;    // labels of softmax_cross_entropy are probabilities
  std::string optimizer = "sgd"; // as ir/Optimizers.h spells it
  // POSIX extended regular expressions.
  std::string noWeightDecay; // parameters; empty: none
  std::string trainable;     // parameters; empty: as the variables say
  std::string freeze;        // batch normalizations; empty: as the ops say
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
/// `directMath`: no Winograd. `threads`: those that one image should keep busy in inference.
void buildKernelsPipeline(mlir::OpPassManager &manager, llvm::StringRef target, bool directMath, int64_t threads);

/// Makes the first two known to bnc-opt, as --bnc-training-pipeline and --bnc-inference-pipeline.
void registerBncPipelines();

} // namespace bnc

#endif // COMPILER_TRANSFORMS_PIPELINES_H
