//===- Session.h - what the verbs that run a model have in common --------*- C++ -*-===//

#ifndef COMPILER_DRIVER_SESSION_H
#define COMPILER_DRIVER_SESSION_H

#include "compiler/Driver/Compile.h"
#include "compiler/Driver/Data.h"
#include "compiler/Driver/JitModel.h"

#include "bnc/runtime.h"

#include <optional>

namespace bnc {

/// Options of every verb that runs a model.
struct ExecutionOptions {
  std::string weights;          // file; "": the model's own values
  std::optional<bnc_init> init; // fresh values instead
  uint64_t seed = 0;
  int64_t threads = 0, batch = 0; // 0: all that this process may use; the verb's default

  /// Threads, all of them counted where none were asked for.
  int64_t threadCount() const;
};

struct TrainDeleter {
  void operator()(bnc_train *train) const { bnc_train_destroy(train); }
};
struct InferDeleter {
  void operator()(bnc_infer *infer) const { bnc_infer_destroy(infer); }
};
using TrainPointer = std::unique_ptr<bnc_train, TrainDeleter>;
using InferPointer = std::unique_ptr<bnc_infer, InferDeleter>;

/// Where the options convert inputs, preprocessing is compiled in with that; what is left is done to the data.
void compileInputs(CompileOptions &options, Preprocessing &preprocessing);

/// What a session is opened for.
enum class Use {
  Run,       // the model, from the cache if it is there
  Variables, // what its descriptor says; the programs do nothing
  Observe    // the steps of its programs (StepObserver.h), with the graphs at hand in module()
};

/// A model compiled and loaded into this process.
class Session {
public:
  /// Compiles (or takes from the cache) and loads. The batch is left open unless the options fix it. `prepare` sees the
  /// model once it is read.
  static llvm::FailureOr<std::unique_ptr<Session>>
  open(CompileOptions options, const ExecutionOptions &execution, Use use = Use::Run,
       llvm::function_ref<llvm::LogicalResult(Compilation &)> prepare = nullptr);

  const bnc_model_descriptor &descriptor() const { return jit->descriptor(); }
  /// For Use::Observe: the graphs that the programs were made from, in phase `llvm`.
  mlir::ModuleOp module() const { return compilation.module(); }

  /// Samples of a call: the --batch given, the compiled batch, or `otherwise`.
  int64_t batch(int64_t otherwise) const;

  /// Fails if the model was compiled without a training graph, or (with `both`) without inference.
  llvm::LogicalResult requireTraining(bool both) const;

  /// Fails if the model was compiled with a loss of the application's own.
  llvm::LogicalResult requireLoss() const;

  /// A training object with its values: from --init, --weights or the model, in this order. With `resume` the
  /// optimizer's state comes from --weights too.
  llvm::FailureOr<TrainPointer> createTrain(int64_t batch, bool resume = false);
  /// With the values of `train`, or its own where there is none.
  llvm::FailureOr<InferPointer> createInfer(int64_t batch, const bnc_train *train = nullptr);

private:
  Session(const CompileOptions &options, const ExecutionOptions &execution)
      : execution(execution), compilation(options) {}
  /// Calls `use` with a file that holds the values; the model's own go through a temporary one.
  llvm::LogicalResult withWeights(llvm::function_ref<llvm::LogicalResult(const char *)> use);

  ExecutionOptions execution;
  Compilation compilation;
  std::unique_ptr<JitModel> jit;
};

/// Samples and labels that belong together.
struct DataSet {
  std::vector<Samples> inputs; // in the model's order
  std::optional<Labels> labels;
  int64_t count = 0;
};

/// Reads one array per input of the model ("[NAME=]PATH"; the name may be left out where there is one input) and the
/// labels, if a file is given, and checks that they fit the model and each other. `option` gave the arrays.
llvm::FailureOr<DataSet> readDataSet(const bnc_model_descriptor &model, llvm::StringRef option,
                                     llvm::ArrayRef<std::string> data, llvm::StringRef labels,
                                     const Preprocessing &preprocessing);

/// Buffers for the samples of one call.
class Batch {
public:
  Batch(const DataSet &data, int64_t capacity);
  /// Gathers the samples `indices`.
  void fill(llvm::ArrayRef<int64_t> indices);
  const void *const *inputs() const { return pointers.data(); }
  const void *labels() const { return labelBytes.data(); }

private:
  const DataSet &data;
  std::vector<std::vector<char>> buffers;
  std::vector<const void *> pointers;
  std::vector<char> labelBytes;
};

/// Resolves "[NAME=]PATH" options against tensors of a model: one path per tensor, "" where none is given.
llvm::FailureOr<std::vector<std::string>> matchTensors(llvm::ArrayRef<bnc_tensor> tensors,
                                                       llvm::ArrayRef<std::string> arguments, llvm::StringRef option,
                                                       llvm::StringRef kind);

/// Shape of one sample.
std::vector<int64_t> sampleShape(const bnc_tensor &tensor);

/// The object's last error as a reported one.
llvm::LogicalResult reportFailure(const bnc_train *train, const llvm::Twine &context = "");

} // namespace bnc

#endif // COMPILER_DRIVER_SESSION_H
