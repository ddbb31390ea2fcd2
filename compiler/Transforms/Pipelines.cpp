//===- Pipelines.cpp - from phase `import` to `training` and `inference` ----===//

#include "compiler/Transforms/Pipelines.h"

#include "mlir/Pass/PassOptions.h"
#include "mlir/Pass/PassRegistry.h"
#include "mlir/Transforms/Passes.h"

using namespace mlir;
using namespace bnc;

/// Last of all: no pass but the kernels' has to care what the application's inputs are like.
static void convertInputs(OpPassManager &manager, const InputOptions &inputs) {
  if (!inputs.empty())
    manager.addPass(createConvertInputsPass({llvm::to_vector(inputs.layouts), llvm::to_vector(inputs.types),
                                             llvm::to_vector(inputs.mean), llvm::to_vector(inputs.deviation)}));
}

void bnc::buildTrainingPipeline(OpPassManager &manager, const TrainingOptions &options) {
  manager.addPass(createSpecializePass({GraphKind::Training}));
  manager.addPass(createSimplifyPass());
  if (!options.freeze.empty())
    manager.addPass(createFreezePass({options.freeze}));
  if (!options.trainable.empty())
    manager.addPass(createSetTrainablePass({options.trainable}));
  if (options.loss)
    manager.addPass(createAddLossPass({*options.loss, options.labelSmoothing, options.probabilities}));
  else
    manager.addPass(createAddOutputGradientsPass());
  manager.addPass(createExpandBatchNormPass({GraphKind::Training}));
  manager.addPass(createExpandRunningAveragePass({GraphKind::Training}));
  manager.addPass(createExpandDropoutPass());
  manager.addPass(createDifferentiatePass());
  manager.addPass(createZeroGradientsPass());
  manager.addPass(createAddOptimizerPass({options.optimizer, options.noWeightDecay}));
  // Only now: equal batch_norm ops (a module called twice on one value) are two updates.
  manager.addPass(createCSEPass());
  manager.addPass(createSimplifyPass());
  convertInputs(manager, options.inputs);
  manager.addPass(createVerifyTrainingPass());
}

void bnc::buildInferencePipeline(OpPassManager &manager, const InferenceOptions &options) {
  manager.addPass(createSpecializePass({GraphKind::Inference}));
  manager.addPass(createRemoveDropoutPass());
  manager.addPass(createExpandRunningAveragePass({GraphKind::Inference}));
  manager.addPass(createSimplifyPass());
  manager.addPass(createCSEPass()); // two equal batch_norm ops are one use of what they normalize
  manager.addPass(createFoldBatchNormPass({options.fold}));
  manager.addPass(createExpandBatchNormPass({GraphKind::Inference})); // those without running statistics
  manager.addPass(createCSEPass());
  manager.addPass(createSimplifyPass());
  convertInputs(manager, options.inputs);
  manager.addPass(createReportCarriedPass({options.fold == FoldMode::Strict}));
  manager.addPass(createVerifyInferencePass());
}

void bnc::buildKernelsPipeline(OpPassManager &manager, StringRef target, bool directMath, int64_t threads) {
  manager.addPass(createLowerNormalizationPass());
  manager.addPass(createMergeUpdatesPass());
  manager.addPass(createFormKernelsPass({target.str()}));
  manager.addPass(createRecomputePass());
  manager.addPass(createLowerKernelsPass({target.str(), directMath, threads}));
  manager.addPass(createCSEPass()); // a weight that several kernels read is packed once
  manager.addPass(createPlanMemoryPass({target.str()}));
}

namespace {
struct TrainingPipelineOptions : PassPipelineOptions<TrainingPipelineOptions> {
  Option<LossKind> loss{*this, "loss", llvm::cl::desc("The loss to minimize"),
                        llvm::cl::init(LossKind::SoftmaxCrossEntropy),
                        llvm::cl::values(clEnumValN(LossKind::SoftmaxCrossEntropy, "softmax_cross_entropy", ""),
                                         clEnumValN(LossKind::Mse, "mse", ""),
                                         clEnumValN(LossKind::BceWithLogits, "bce_with_logits", ""))};
  Option<bool> custom{*this, "custom-loss", llvm::cl::desc("The application gives the gradients of the outputs")};
  Option<std::string> optimizer{*this, "optimizer", llvm::cl::desc("As ir/Optimizers.h spells it"), llvm::cl::init("sgd")};
  Option<std::string> noWeightDecay{*this, "no-weight-decay", llvm::cl::desc("Regular expression: parameters without weight decay")};
  Option<std::string> trainable{*this, "trainable", llvm::cl::desc("Regular expression: parameters to train")};
  Option<std::string> freeze{*this, "freeze", llvm::cl::desc("Regular expression: batch normalizations to freeze")};
};

struct InferencePipelineOptions : PassPipelineOptions<InferencePipelineOptions> {
  Option<FoldMode> fold{*this, "fold", llvm::cl::desc("What to fold"), llvm::cl::init(FoldMode::On),
                        llvm::cl::values(clEnumValN(FoldMode::On, "on", ""), clEnumValN(FoldMode::Off, "off", ""),
                                         clEnumValN(FoldMode::Strict, "strict", ""))};
};
} // namespace

void bnc::registerBncPipelines() {
  PassPipelineRegistration<TrainingPipelineOptions>(
      "bnc-training-pipeline", "From the model graph to the training step",
      [](OpPassManager &manager, const TrainingPipelineOptions &options) {
        TrainingOptions training;
        training.loss = options.custom ? std::nullopt : std::optional<LossKind>(options.loss);
        training.optimizer = options.optimizer;
        training.noWeightDecay = options.noWeightDecay;
        training.trainable = options.trainable;
        training.freeze = options.freeze;
        buildTrainingPipeline(manager, training);
      });
  PassPipelineRegistration<InferencePipelineOptions>(
      "bnc-inference-pipeline", "From the model graph to folded inference",
      [](OpPassManager &manager, const InferencePipelineOptions &options) {
        buildInferencePipeline(manager, {options.fold});
      });
}
