//===- Evaluate.cpp - bnc evaluate and bnc calibrate ----------------------------------===//

#include "compiler/Driver/AtomicFile.h"
#include "compiler/Driver/Output.h"
#include "compiler/Driver/ProgressBar.h"
#include "compiler/Driver/Report.h"
#include "compiler/Driver/Verbs.h"

#include "llvm/Support/FileSystem.h"
#include "llvm/Support/FormatVariadic.h"
#include "llvm/Support/Path.h"
#include "llvm/Support/raw_ostream.h"

#include <cmath>
#include <numeric>
#include <unistd.h>

using namespace llvm;
using namespace bnc;

constexpr int64_t kDefaultBatch = 256;

LogicalResult bnc::checkWritable(StringRef path) {
  SmallString<128> folder(sys::path::parent_path(path));
  if (folder.empty())
    folder = ".";
  if (!sys::fs::is_directory(folder))
    return reportError("cannot write '" + path + "': folder '" + folder + "' does not exist");
  if (sys::fs::is_directory(path))
    return reportError("cannot write '" + path + "': it is a folder");
  if (::access(folder.c_str(), W_OK) != 0 && !(sys::fs::exists(path) && !sys::fs::is_regular_file(path)))
    return reportError("cannot write '" + path + "': folder '" + folder + "' is not writable");
  return success();
}

std::string bnc::formatScore(double loss, double accuracy) {
  std::string text = formatv("loss {0:f4}", loss);
  if (!std::isnan(accuracy))
    text += formatv(", accuracy {0:f2} %", accuracy * 100);
  return text;
}

/// Calls use(size) for consecutive batches of the data set, gathered into `buffers`.
static LogicalResult forEachBatch(const DataSet &data, int64_t batch, StringRef title, bool progress,
                                  function_ref<LogicalResult(const Batch &, int64_t)> use) {
  Batch buffers(data, batch);
  ProgressBar bar(title, progress);
  std::vector<int64_t> indices;
  for (int64_t first = 0; first < data.count; first += batch) {
    indices.resize(std::min(batch, data.count - first));
    std::iota(indices.begin(), indices.end(), first);
    buffers.fill(indices);
    bar.show(first, data.count);
    if (failed(use(buffers, indices.size())))
      return failure();
  }
  return success();
}

FailureOr<Score> bnc::evaluate(bnc_train *train, const DataSet &data, int64_t batch, bool progress) {
  Score total;
  double share = 0;
  if (failed(forEachBatch(data, batch, "evaluating", progress, [&](const Batch &buffers, int64_t size) {
        bnc_metrics metrics;
        if (bnc_train_eval_step(train, buffers.inputs(), buffers.labels(), size, &metrics) != BNC_OK)
          return reportFailure(train);
        total.loss += metrics.loss * size;
        share += metrics.accuracy * size;
        total.correct += metrics.correct;
        return success();
      })))
    return failure();
  total.loss /= data.count;
  total.accuracy = share / data.count;
  return total;
}

LogicalResult bnc::runEvaluate(const EvaluateCommand &command) {
  if (command.data.data.empty() || command.data.labels.empty())
    return reportError("'bnc evaluate' needs --data FILE and --labels FILE");
  FailureOr<std::unique_ptr<Session>> session = Session::open(command.compile, command.execution);
  if (failed(session) || failed((*session)->requireTraining(/*both=*/true)) || failed((*session)->requireLoss()))
    return failure();
  FailureOr<DataSet> data =
      readDataSet((*session)->descriptor(), "--data", command.data.data, command.data.labels, command.preprocessing);
  if (failed(data))
    return failure();
  int64_t batch = (*session)->batch(std::min(kDefaultBatch, data->count));
  FailureOr<TrainPointer> train = (*session)->createTrain(batch);
  if (failed(train))
    return failure();
  FailureOr<Score> score = evaluate(train->get(), *data, batch, /*progress=*/true);
  if (failed(score))
    return failure();
  outs() << formatScore(score->loss, score->accuracy);
  if (!std::isnan(score->accuracy))
    outs() << " (" << withSeparators(score->correct) << " of " << withSeparators(data->count) << ")";
  outs() << "\n";
  return success();
}

/// Writes the file of --weights again with the object's running statistics: the state of an optimizer, whichever it was,
/// and all else that is in the file stays.
static LogicalResult saveStatistics(const CalibrateCommand &command, const bnc_model_descriptor &model, bnc_train *train) {
  if (command.execution.weights.empty())
    return bnc_train_save(train, command.output.c_str()) == BNC_OK ? success() : reportFailure(train);
  Expected<SafetensorsFile> file = readSafetensors(command.execution.weights);
  if (!file)
    return reportError("'" + command.execution.weights + "': " + toString(file.takeError()));
  for (const bnc_running &running : ArrayRef(model.running, model.running_count))
    for (int64_t variable : {running.mean_variable, running.variance_variable}) {
      NamedTensor *tensor = file->weights.find(model.variables[variable].name);
      if (!tensor || bnc_train_get_variable(train, tensor->name.c_str(), tensor->data.data(), tensor->data.size()) != BNC_OK)
        return reportError("'" + command.execution.weights + "' changed while it was read; calibrate again");
    }
  FailureOr<std::string> bytes = weightsFile(*file);
  return succeeded(bytes) ? writeFile(command.output, *bytes) : failure();
}

LogicalResult bnc::runCalibrate(const CalibrateCommand &command) {
  if (command.data.data.empty())
    return reportError("'bnc calibrate' needs --data FILE");
  if (command.output.empty())
    return reportError("'bnc calibrate' needs -o FILE for the weights with the new statistics");
  if (failed(checkWritable(command.output)) ||
      failed(checkOverwrites(command.output, command.compile.model, command.data.data)))
    return failure();
  FailureOr<std::unique_ptr<Session>> session = Session::open(command.compile, command.execution);
  if (failed(session) || failed((*session)->requireTraining(/*both=*/false)))
    return failure();
  const bnc_model_descriptor &model = (*session)->descriptor();
  if (model.running_count == 0)
    return reportError("'" + command.compile.model +
                       "' has no batch normalization with running statistics: there is nothing to calibrate");
  FailureOr<DataSet> data = readDataSet(model, "--data", command.data.data, "", command.preprocessing);
  if (failed(data))
    return failure();
  int64_t batch = (*session)->batch(std::min(kDefaultBatch, data->count));
  if (int64_t last = data->count % batch ? data->count % batch : batch; last < model.minimum_train_batch)
    return reportError("node '" + StringRef(model.minimum_train_batch_node) +
                       "' (batch_norm) normalizes a single value per sample and needs batches of at least " +
                       Twine(model.minimum_train_batch) + ", but " + withSeparators(data->count) + " samples in batches of " +
                       Twine(batch) + " leave one of " + Twine(last) + "; choose another --batch");
  FailureOr<TrainPointer> train = (*session)->createTrain(batch);
  if (failed(train))
    return failure();
  if (bnc_train_calibrate_begin(train->get()) != BNC_OK)
    return reportFailure(train->get());
  if (failed(forEachBatch(*data, batch, "calibrating", /*progress=*/true, [&](const Batch &buffers, int64_t size) {
        if (bnc_train_calibrate_add(train->get(), buffers.inputs(), size) != BNC_OK)
          return reportFailure(train->get());
        return success();
      })))
    return failure();
  if (bnc_train_calibrate_end(train->get()) != BNC_OK)
    return reportFailure(train->get());
  if (failed(saveStatistics(command, model, train->get())))
    return failure();
  outs() << "running statistics of " << model.running_count
         << (model.running_count == 1 ? " batch normalization" : " batch normalizations") << " from "
         << withSeparators(data->count) << " samples, in '" << command.output << "'\n";
  return success();
}
