//===- Model.h - a model file as a module and its weights -------*- C++ -*-===//

#ifndef COMPILER_IMPORT_MODEL_H
#define COMPILER_IMPORT_MODEL_H

#include "compiler/Support/Weights.h"
#include "ir/BncOps.h"

#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/OwningOpRef.h"

#include <optional>
#include <string>

namespace bnc {

/// Module attribute (unit): the exporter had already folded batch normalizations into weights, so that training this
/// model is not training the network that was written.
constexpr llvm::StringLiteral kBatchNormFoldedAttr = "bnc.batch_norm_folded";

struct ImportOptions {
  /// Name of the graph and prefix of the C symbols; made a C identifier. Empty: the stem of the file's name.
  std::string name;
  /// Which variance the running variance follows in training, for every batch normalization. Unset: what the file says
  /// or its producer does.
  std::optional<RunningVariance> runningVariance;
  /// Size of the batch dimension of every input, or mlir::ShapedType::kDynamic. Unset: as the file has it.
  std::optional<int64_t> batch;
};

struct ImportedModel {
  mlir::OwningOpRef<mlir::ModuleOp> module;
  /// Values of the module's variables (from a .mlir file: of whatever its weights file holds).
  Weights weights;
  /// Why `weights` is empty though there are variables: one sentence for whoever needs the values. Empty if they are
  /// there.
  std::string weightsError;
  /// The module has kBatchNormFoldedAttr.
  bool batchNormFolded = false;
  /// What it was read from: the model file, then files that hold its values.
  std::vector<std::string> files;
};

/// Reads a model: .onnx is imported, .mlir (or MLIR bytecode, .mlirbc) parsed, in whatever phase it is. The weights of
/// a .mlir file are in the file its attribute `bnc.weights` names, relative to the .mlir file (.safetensors or .onnx);
/// that it is missing is no error until values are needed. The context needs the bnc dialect loaded for .onnx; other
/// phases of .mlir need their own dialects registered. Reports what is wrong through the context's diagnostics.
mlir::FailureOr<ImportedModel> readModel(mlir::MLIRContext &context, llvm::StringRef path,
                                         const ImportOptions &options);

/// `text` as a C identifier: other characters become '_', a leading digit gets one in front.
std::string makeIdentifier(llvm::StringRef text);

} // namespace bnc

#endif // COMPILER_IMPORT_MODEL_H
