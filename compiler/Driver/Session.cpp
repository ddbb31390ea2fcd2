//===- Session.cpp - what the verbs that run a model have in common ----------------===//

#include "compiler/Driver/Session.h"

#include "compiler/Driver/Report.h"
#include "compiler/Driver/StepObserver.h"
#include "compiler/Support/Safetensors.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/ScopeExit.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/Threading.h"
#include "llvm/TargetParser/Host.h"
#include "llvm/TargetParser/Triple.h"

#include <utility>

using namespace llvm;
using namespace bnc;

void bnc::compileInputs(CompileOptions &options, Preprocessing &preprocessing) {
  if (options.inputs.empty())
    return;
  options.inputs.mean = std::exchange(preprocessing.mean, {});
  options.inputs.deviation = std::exchange(preprocessing.deviation, {});
}

int64_t ExecutionOptions::threadCount() const { return threads ? threads : hardware_concurrency().compute_thread_count(); }

FailureOr<std::unique_ptr<Session>> Session::open(CompileOptions options, const ExecutionOptions &execution,
                                                  Use use,
                                                  function_ref<LogicalResult(Compilation &)> prepare) {
  bool isText = !StringRef(options.model).ends_with(".onnx");
  if (!options.batch && !isText)
    options.batch = mlir::ShapedType::kDynamic;
  options.threads = execution.threadCount();
  if (std::optional<Target> target = lookupTarget(options.target))
    if (Triple(target->triple).getArch() != Triple(sys::getProcessTriple()).getArch())
      return reportError("code for '" + target->name + "' cannot run on this machine; leave --target out");
  if (!execution.weights.empty() && !sys::fs::exists(execution.weights))
    return reportError("no weights file '" + execution.weights + "'");
  std::unique_ptr<Session> session(new Session(options, execution));
  Compilation &compilation = session->compilation;
  if (failed(compilation.read()) || (prepare && failed(prepare(compilation))))
    return failure();
  CompiledModel compiled;
  if (failed(use == Use::Run         ? compilation.emitCached(compiled)
             : use == Use::Variables ? compilation.emitDescriptor(compiled)
                                     : compilation.emit(compiled)))
    return failure();
  FailureOr<std::unique_ptr<JitModel>> jit =
      JitModel::load(compiled, compilation.name(), use == Use::Observe ? observedSteps() : ArrayRef<RuntimeSymbol>());
  if (failed(jit))
    return failure();
  session->jit = std::move(*jit);
  if (int64_t fixed = session->descriptor().fixed_batch; fixed && execution.batch && execution.batch != fixed)
    return reportError("option '--batch': the model takes exactly " + Twine(fixed) + " samples at a time, found '" +
                       Twine(execution.batch) + "'; leave --batch out");
  return session;
}

LogicalResult Session::requireTraining(bool both) const {
  const bnc_model_descriptor &model = descriptor();
  if (model.train_forward && (!both || model.infer_run))
    return success();
  return reportError(compilation.modelFile() + ": holds no " + (model.train_forward ? "inference" : "training") +
                     " graph; start from the model file");
}

int64_t Session::batch(int64_t otherwise) const {
  if (execution.batch)
    return execution.batch;
  return descriptor().fixed_batch ? descriptor().fixed_batch : otherwise;
}

LogicalResult Session::withWeights(function_ref<LogicalResult(const char *)> use) {
  if (!execution.weights.empty())
    return use(execution.weights.c_str());
  if (failed(compilation.requireWeights()))
    return failure();
  SmallString<128> path;
  if (std::error_code error = sys::fs::createTemporaryFile("bnc", "safetensors", path))
    return reportError("cannot write a temporary file: " + error.message());
  llvm::scope_exit cleanup([&] { sys::fs::remove(path); });
  if (Error error = writeSafetensors(path, compilation.weights()))
    return reportError("cannot write '" + path + "': " + toString(std::move(error)));
  return use(path.c_str());
}

static bnc_options makeOptions(const ExecutionOptions &execution, int64_t batch) {
  bnc_options options;
  bnc_options_init(&options);
  options.threads = static_cast<int>(execution.threads);
  options.max_batch = batch;
  options.seed = execution.seed;
  return options;
}

LogicalResult Session::requireLoss() const {
  if (descriptor().loss != BNC_LOSS_CUSTOM)
    return success();
  return reportError(compilation.modelFile() + ": the loss is the program's own (--loss=custom), so only a program that links "
                                               "the model can compute it; choose another --loss");
}

FailureOr<TrainPointer> Session::createTrain(int64_t batch, bool resume) {
  bnc_options options = makeOptions(execution, batch);
  bnc_train *train = nullptr;
  if (bnc_train_create(&descriptor(), nullptr, &options, &train) != BNC_OK)
    return reportError(bnc_error_text());
  TrainPointer owned(train);
  auto fill = [&](const char *path) -> LogicalResult {
    if ((resume ? bnc_train_load(train, path) : bnc_train_load_variables(train, path)) != BNC_OK)
      return reportFailure(train);
    return success();
  };
  if (!execution.init)
    return failed(withWeights(fill)) ? FailureOr<TrainPointer>(failure()) : std::move(owned);
  if (bnc_train_init(train, execution.seed, *execution.init) != BNC_OK)
    return reportFailure(train);
  return owned;
}

FailureOr<InferPointer> Session::createInfer(int64_t batch, const bnc_train *train) {
  bnc_options options = makeOptions(execution, batch);
  bnc_infer *infer = nullptr;
  auto create = [&](const char *path) -> LogicalResult {
    if (bnc_infer_create(&descriptor(), path, &options, &infer) != BNC_OK)
      return reportError(bnc_error_text());
    return success();
  };
  if (failed(train ? create(nullptr) : withWeights(create)))
    return failure();
  InferPointer owned(infer);
  if (train && bnc_fold(train, infer) != BNC_OK)
    return reportError(bnc_infer_error(infer));
  return owned;
}

LogicalResult bnc::reportFailure(const bnc_train *train, const Twine &context) {
  return reportError(context + bnc_train_error(train));
}

//===-- Data -----------------------------------------------------------------------===//

std::vector<int64_t> bnc::sampleShape(const bnc_tensor &tensor) {
  return std::vector<int64_t>(tensor.shape + (tensor.rank > 0), tensor.shape + tensor.rank);
}

FailureOr<std::vector<std::string>> bnc::matchTensors(ArrayRef<bnc_tensor> tensors, ArrayRef<std::string> arguments,
                                                      StringRef option, StringRef kind) {
  std::vector<std::string> names, paths(tensors.size());
  for (const bnc_tensor &tensor : tensors)
    names.push_back(tensor.name);
  std::string all = join(map_range(names, [](const std::string &name) { return "'" + name + "'"; }), ", ");
  for (const std::string &argument : arguments) {
    NamedPath named = parseNamedPath(argument);
    size_t index = 0;
    if (!named.name.empty()) {
      index = find(names, named.name) - names.begin();
      if (index == names.size())
        return reportError("option '" + option + "': the model has no " + kind + " '" + named.name + "'; it has " +
                           all + didYouMean(named.name, names));
    } else if (tensors.size() != 1) {
      return reportError("option '" + option + "': the model has " + Twine(tensors.size()) + " " + kind + "s (" + all +
                         "); say which one: " + option + " NAME=" + named.path);
    }
    if (!paths[index].empty())
      return reportError("option '" + option + "' names the " + kind + " '" + names[index] + "' twice");
    paths[index] = named.path;
  }
  return paths;
}

FailureOr<DataSet> bnc::readDataSet(const bnc_model_descriptor &model, StringRef option, ArrayRef<std::string> data,
                                    StringRef labels, const Preprocessing &preprocessing) {
  ArrayRef<bnc_tensor> inputs(model.inputs, model.input_count);
  FailureOr<std::vector<std::string>> paths = matchTensors(inputs, data, option, "input");
  if (failed(paths))
    return failure();
  DataSet set;
  for (auto [input, path] : zip(inputs, *paths)) {
    if (path.empty())
      return reportError("no data for input '" + StringRef(input.name) + "' of the model; give " + option + " " +
                         (inputs.size() > 1 ? StringRef(input.name).str() + "=" : "") + "FILE");
    FailureOr<Array> array = readArray(path);
    if (failed(array))
      return failure();
    FailureOr<Samples> samples = Samples::create(
        std::move(*array), {input.name, sampleShape(input), input.element == 2, input.layout == 1}, preprocessing);
    if (failed(samples))
      return failure();
    if (!set.inputs.empty() && samples->count() != set.count)
      return reportError("'" + samples->path() + "' holds " + withSeparators(samples->count()) + " samples, but '" +
                         set.inputs.front().path() + "' holds " + withSeparators(set.count) +
                         "; expected the same number");
    set.count = samples->count();
    set.inputs.push_back(std::move(*samples));
  }
  if (labels.empty())
    return set;
  FailureOr<Array> array = readArray(labels);
  if (failed(array))
    return failure();
  FailureOr<Labels> read = Labels::create(*array, model.labels.element == 1 ? model.class_count : 0, model.labels.count);
  if (failed(read))
    return failure();
  if (read->count() != set.count)
    return reportError("'" + read->path() + "' holds " + withSeparators(read->count()) + " labels, but '" +
                       set.inputs.front().path() + "' holds " + withSeparators(set.count) +
                       " samples; expected one label per sample");
  set.labels = std::move(*read);
  return set;
}

Batch::Batch(const DataSet &data, int64_t capacity) : data(data) {
  for (const Samples &samples : data.inputs)
    buffers.emplace_back(capacity * samples.bytesPerSample());
  for (const std::vector<char> &buffer : buffers)
    pointers.push_back(buffer.data());
  if (data.labels)
    labelBytes.resize(capacity * data.labels->bytesPerSample());
}

void Batch::fill(ArrayRef<int64_t> indices) {
  for (auto [position, index] : enumerate(indices)) {
    for (auto [samples, buffer] : zip(data.inputs, buffers))
      samples.copy(index, buffer.data() + position * samples.bytesPerSample());
    if (data.labels)
      data.labels->copy(index, labelBytes.data() + position * data.labels->bytesPerSample());
  }
}
