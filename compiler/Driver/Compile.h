//===- Compile.h - from a model file to any phase --------------------*- C++ -*-===//

#ifndef COMPILER_DRIVER_COMPILE_H
#define COMPILER_DRIVER_COMPILE_H

#include "compiler/Codegen/Codegen.h"
#include "compiler/Driver/Phases.h"
#include "compiler/Import/Model.h"
#include "compiler/Support/Diagnostics.h"
#include "compiler/Transforms/Pipelines.h"
#include "ir/Optimizers.h"

#include "mlir/IR/MLIRContext.h"

#include <memory>
#include <set>
#include <string>
#include <vector>

namespace bnc {

/// The optimizer as --optimizer gives it: what is compiled in, and its numbers.
struct OptimizerSpec {
  OptimizerKind kind;
  std::vector<double> numbers; // the learning rate, then in the order of kind.numbers()

  OptimizerSpec(); // plain sgd
  /// Reads "NAME[:flavor=FLAVOR,key=number,...,feature]". Returns what was expected instead, or "".
  std::string parse(llvm::StringRef text);
};

/// The loss as --loss gives it.
struct LossSpec {
  std::optional<LossKind> kind = LossKind::SoftmaxCrossEntropy; // none: custom
  double labelSmoothing = 0;
  bool probabilities = false; // labels are a probability for each class

  /// Reads "NAME[:label-smoothing=number,labels=classes|probabilities]". Returns what was expected instead, or "".
  std::string parse(llvm::StringRef text);
  static std::vector<std::string> names();
};

enum class Part { Both, Train, Infer };

/// What the options that all verbs share say. Where a verb has no such option, the default holds.
struct CompileOptions {
  std::string model;
  std::string name;             // C identifier; "": from the model
  std::optional<int64_t> batch; // mlir::ShapedType::kDynamic: any; unset: as the model has it
  std::string target = "host";
  Part part = Part::Both;
  LossSpec loss;
  OptimizerSpec optimizer;
  std::string noWeightDecay, trainable, freeze; // regular expressions
  FoldMode fold = FoldMode::On;
  bool directMath = false; // no Winograd
  int64_t threads = 8;     // that one image should keep busy in inference
  std::optional<RunningVariance> runningVariance;
  double bnDecay = -1, bnEpsilon = -1; // negative: as the model has them
  bool bnCumulative = false;
  InputOptions inputs;
  std::string dumpDir; // "": nowhere
  bool remarks = false;
  int64_t jobs = 0;
  bool useCache = true;
  bool progress = true;                           // a line on the terminal while kernels compile
  bool traced = false;                            // MLIR flags ask to see the compilation itself
  llvm::raw_ostream *diagnostics = &llvm::errs(); // where the module's errors, warnings and remarks go
  std::set<std::string> given;                    // names of the options on the command line
};

/// One model on its way through the phases. Everything that goes wrong is reported once, by whoever sees it.
class Compilation {
public:
  explicit Compilation(const CompileOptions &options);

  /// Reads the model file. Its phase is then phase().
  mlir::LogicalResult read();

  /// Brings the module to `target`, by way of every phase between. `training` and `inference` are reached from `import`
  /// only; for `kernels` both graphs are made and merged into one module, each variable once.
  mlir::LogicalResult advanceTo(Phase target);

  /// Objects and header, from whatever phase the module is in. Kernels that are in the cache are not compiled again.
  /// `embedded` are values that the library is to hold.
  mlir::LogicalResult emit(CompiledModel &model, const Weights *embedded = nullptr);

  /// The same with programs that do nothing, in a moment: for what needs the model's descriptor alone.
  mlir::LogicalResult emitDescriptor(CompiledModel &model);

  /// emit() through a cache of whole models; for verbs that run the model in this process.
  mlir::LogicalResult emitCached(CompiledModel &model);

  /// The module as text. `weightsFile` is what its attribute bnc.weights will say; "" leaves the model's own file.
  std::string print(llvm::StringRef weightsFile, bool locations) const;

  /// Fails, with a sentence that says what to do, if the values of the variables are not at hand.
  mlir::LogicalResult requireWeights();

  mlir::ModuleOp module() const { return *imported.module; }
  Phase phase() const { return current; }
  const Weights &weights() const { return imported.weights; }
  /// Why there are no weights, "" if there are.
  const std::string &weightsError() const { return imported.weightsError; }
  /// What was read: the model file, then files that hold its values.
  llvm::ArrayRef<std::string> files() const { return imported.files; }
  /// Name of the model file, without folders.
  llvm::StringRef modelFile() const;
  /// The C identifier that prefixes the model's functions.
  const std::string &name() const { return modelName; }

private:
  mlir::LogicalResult checkOptions();
  /// What --bn-decay, --bn-epsilon and --running-variance say, for every batch normalization.
  mlir::LogicalResult setBatchNorm();
  mlir::LogicalResult makeGraph(mlir::ModuleOp module, Phase phase);
  mlir::LogicalResult makeGraphs();
  mlir::LogicalResult run(mlir::ModuleOp module, llvm::function_ref<void(mlir::OpPassManager &)> build);
  mlir::LogicalResult dump(mlir::ModuleOp module, Phase phase);
  void recordOptions(mlir::ModuleOp module);
  CodegenOptions codegenOptions() const;
  mlir::LogicalResult advanceTo(Phase target, const CodegenOptions &codegen);
  mlir::LogicalResult emit(CompiledModel &model, CodegenOptions codegen, const Weights *embedded);
  mlir::LogicalResult fail(const llvm::Twine &message);

  CompileOptions options;
  std::unique_ptr<mlir::MLIRContext> context;
  std::unique_ptr<DiagnosticPrinter> printer;
  ImportedModel imported;
  Phase current = Phase::Import;
  std::string modelName;
};

/// Folder for what can be computed again: $XDG_CACHE_HOME/bnc, else ~/.cache/bnc; "" if there is no home.
std::string cacheFolder();

/// Adds what `from` has and `to` lacks: variables (an optimizer's and a changed `trainable` come with the training
/// module, which must be `to`) and graphs.
void mergeModules(mlir::ModuleOp to, mlir::ModuleOp from);

} // namespace bnc

#endif // COMPILER_DRIVER_COMPILE_H
