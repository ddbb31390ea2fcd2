//===- Producer.h - what the exporter of a file means -----------*- C++ -*-===//
//
// ONNX does not say which variance moves a running variance, nor whether an exporter has folded batch normalizations
// away. The producer, and the names it gives, do.
//
//===----------------------------------------------------------------------===//

#ifndef COMPILER_IMPORT_ONNX_PRODUCER_H
#define COMPILER_IMPORT_ONNX_PRODUCER_H

#include "compiler/Import/Onnx/OnnxFile.h"
#include "ir/BncOps.h"

#include <optional>

namespace bnc::onnx {

struct RunningVarianceChoice {
  RunningVariance variance;
  std::string reason; // "the producer is PyTorch"
};

/// In this order: `option`, metadata_props["bnc.running_variance"], names of a Keras or Flax origin, the producer
/// (PyTorch), ONNX's own rule. An error (one sentence) for an unknown word in the metadata.
llvm::Expected<RunningVarianceChoice> chooseRunningVariance(const Model &model, std::optional<RunningVariance> option);

/// True if the file has names that exporters give to the weights they folded a batch normalization into (it may have
/// others that were kept).
bool isBatchNormFolded(const Model &model);

} // namespace bnc::onnx

#endif // COMPILER_IMPORT_ONNX_PRODUCER_H
