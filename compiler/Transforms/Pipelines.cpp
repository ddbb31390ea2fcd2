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
  manager.addPass(createAddLossPass({options.loss}));
  manager.addPass(createExpandBatchNormPass({GraphKind::Training}));
  manager.addPass(createExpandRunningAveragePass({GraphKind::Training}));
  manager.addPass(createDifferentiatePass());
  manager.addPass(createZeroGradientsPass());
  manager.addPass(createAddOptimizerPass({options.optimizer, options.momentum, options.nesterov}));
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
  manager.addPass(createVerifyInferencePass());
}

void bnc::buildKernelsPipeline(OpPassManager &manager, StringRef target) {
  manager.addPass(createLowerNormalizationPass());
  manager.addPass(createMergeUpdatesPass());
  manager.addPass(createFormKernelsPass());
  manager.addPass(createLowerKernelsPass({target.str()}));
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
  Option<Optimizer> optimizer{*this, "optimizer", llvm::cl::desc("The optimizer"), llvm::cl::init(Optimizer::Sgd),
                              llvm::cl::values(clEnumValN(Optimizer::Sgd, "sgd", ""),
                                               clEnumValN(Optimizer::Adam, "adam", ""),
                                               clEnumValN(Optimizer::AdamW, "adamw", ""))};
  Option<bool> momentum{*this, "momentum", llvm::cl::desc("sgd keeps a momentum slot")};
  Option<bool> nesterov{*this, "nesterov", llvm::cl::desc("sgd looks ahead along its momentum")};
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
        buildTrainingPipeline(manager, {options.loss, options.optimizer, options.momentum, options.nesterov,
                                        options.trainable, options.freeze});
      });
  PassPipelineRegistration<InferencePipelineOptions>(
      "bnc-inference-pipeline", "From the model graph to folded inference",
      [](OpPassManager &manager, const InferencePipelineOptions &options) {
        buildInferencePipeline(manager, {options.fold});
      });
}
