//===- Importer.h - ONNX model file to bnc ----------------------*- C++ -*-===//

#ifndef COMPILER_IMPORT_ONNX_IMPORTER_H
#define COMPILER_IMPORT_ONNX_IMPORTER_H

#include "compiler/Import/Model.h"

#include "llvm/Support/Error.h"

namespace bnc {

/// Imports an ONNX file (opset 7 and later) as a module in phase `import`: one `bnc.graph model`, variables under the
/// names of the file, every op with the location of its node. Constants and shape computations are folded; ops that
/// do not reach an output are dropped. Whatever the file contains, the outcome is a verified module or one error.
mlir::FailureOr<ImportedModel> importOnnx(mlir::MLIRContext &context, llvm::StringRef path,
                                          const ImportOptions &options);

/// Only the float tensors that an ONNX file stores, under their names; appends the files it was read from to `files`.
/// The error is one sentence without the file's name.
llvm::Expected<Weights> readOnnxWeights(llvm::StringRef path, std::vector<std::string> &files);

} // namespace bnc

#endif // COMPILER_IMPORT_ONNX_IMPORTER_H
