//===- Codegen.h - from phase `kernels` to objects ------------------*- C++ -*-===//

#ifndef COMPILER_CODEGEN_CODEGEN_H
#define COMPILER_CODEGEN_CODEGEN_H

#include "compiler/Support/Target.h"
#include "ir/BncOps.h"

#include <functional>
#include <string>
#include <vector>

namespace bnc {

struct CodegenOptions {
  std::string name;            // C identifier that prefixes the model's functions
  std::string target = "host"; // one of targetNames()
  int jobs = 0;                // processes that compile kernels, 0: one per processor
  std::string cacheDir;        // of compiled kernels, "": no cache
  std::vector<double> hyperDefaults;    // learning rate, then the optimizer's numbers in order; empty: its own defaults
  bool embedWeights = false; // the library holds values, folded ones for inference
  bool programs = true;      // false: objects whose programs do nothing, for who needs the descriptor alone
  std::function<void(size_t, size_t)> progress; // kernels compiled, kernels in all
};

struct CompiledObject {
  std::string name; // of the archive's member
  std::string bytes;
};

/// A symbol of constant bytes, with which objects of one model refer to one another.
struct DataSymbol {
  std::string name;
  llvm::StringRef bytes;
};

struct CompiledModel {
  std::vector<CompiledObject> objects;
  std::string header; // of the model: NAME.h
};

/// Phase `kernels` to phase `llvm`: programs, records and the descriptor of model_abi.h as LLVM dialect beside the graphs,
/// which keep the kernels' regions.
mlir::LogicalResult lowerToLLVM(mlir::ModuleOp module, const CodegenOptions &options);

/// Phase `llvm` to object files: one per kernel, one for `data` if there is any, one for the rest; and the header.
mlir::LogicalResult emitObjects(mlir::ModuleOp module, const CodegenOptions &options, llvm::ArrayRef<DataSymbol> data,
                                CompiledModel &model);

/// The symbols that the descriptor refers to where weights are embedded: BNC_SPACE_VARIABLES and BNC_SPACE_FOLDED.
std::string valuesSymbol(llvm::StringRef model);
std::string foldedSymbol(llvm::StringRef model);

/// The model's C header, from the graphs of a module in phase `kernels` or `llvm`.
std::string emitHeader(mlir::ModuleOp module, llvm::StringRef name);

/// How many of a graph's last arguments are gradients of outputs, which the application gives in the place of labels.
unsigned outputGradientsOf(GraphOp graph);
/// How many of its first arguments are the model's inputs.
unsigned inputsOf(GraphOp graph);
/// The graph whose results are the model's outputs; null if only a training graph with its own loss was compiled.
GraphOp graphWithOutputs(GraphOp training, GraphOp inference);

/// The graph of a kind, null if there is none.
GraphOp graphOf(mlir::ModuleOp module, GraphKind kind);

} // namespace bnc

#endif // COMPILER_CODEGEN_CODEGEN_H
