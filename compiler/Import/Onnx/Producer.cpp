//===- Producer.cpp - what the exporter of a file means -------------------===//

#include "compiler/Import/Onnx/Producer.h"

#include "llvm/ADT/STLExtras.h"

using namespace bnc;
using namespace bnc::onnx;
using namespace llvm;

/// Keras through its torch backend keeps Keras' variable paths; Flax trees flatten to collections.
static bool isKerasOrFlaxName(StringRef name) {
  static constexpr StringLiteral kPrefixes[] = {"batch_stats.", "batch_stats/", "params.", "params/"};
  static constexpr StringLiteral kParts[] = {"_torch_params."};
  static constexpr StringLiteral kSuffixes[] = {"/moving_mean", "/moving_variance", "/gamma", "/beta"};
  return any_of(kPrefixes, [&](StringRef prefix) { return name.starts_with(prefix); }) ||
         any_of(kParts, [&](StringRef part) { return name.contains(part); }) ||
         any_of(kSuffixes, [&](StringRef suffix) { return name.ends_with(suffix); });
}

Expected<RunningVarianceChoice> bnc::onnx::chooseRunningVariance(const Model &model,
                                                                 std::optional<RunningVariance> option) {
  if (option)
    return RunningVarianceChoice{*option, "an option says so"};
  for (const auto &[key, value] : model.metadata) {
    if (key != "bnc.running_variance")
      continue;
    std::optional<RunningVariance> variance = symbolizeRunningVariance(value);
    if (!variance)
      return createStringError(inconvertibleErrorCode(),
                               "metadata property bnc.running_variance is '%s'; expected population or sample",
                               value.c_str());
    return RunningVarianceChoice{*variance, "the file's metadata property bnc.running_variance says so"};
  }
  // Only statistics are looked at: a PyTorch module may well be called `params`.
  for (const Node &node : model.nodes) {
    if (node.opType != "BatchNormalization")
      continue;
    for (const std::string &name : drop_begin(node.inputs, std::min<size_t>(3, node.inputs.size())))
      if (isKerasOrFlaxName(name))
        return RunningVarianceChoice{RunningVariance::Population,
                                     "the name '" + name + "' shows that the model comes from Keras or Flax"};
  }
  if (model.producer == "pytorch")
    return RunningVarianceChoice{RunningVariance::Sample, "the producer is PyTorch"};
  return RunningVarianceChoice{RunningVariance::Population, "it is ONNX's own rule"};
}

bool bnc::onnx::isBatchNormFolded(const Model &model) {
  bool isPyTorch = model.producer == "pytorch";
  auto isFolded = [&](StringRef name) {
    return (isPyTorch && name.ends_with(".weight_bias")) || name.ends_with("_weights_fused_bn") ||
           name.ends_with("merged_input:0") || name.contains("/batchnorm/mul");
  };
  // A weight with a bias of its own keeps its names. But what PyTorch's new exporter calls `getitem` is an element of a
  // tuple, such as its batch normalization returns, and no layer with weights does.
  auto returnsElement = [&](const Node &node) {
    return isPyTorch && is_contained({"Conv", "ConvTranspose", "Gemm"}, node.opType) && !node.outputs.empty() &&
           StringRef(node.outputs.front()).starts_with("getitem");
  };
  return any_of(model.initializers, [&](const Tensor &tensor) { return isFolded(tensor.name); }) ||
         any_of(model.nodes, returnsElement);
}
