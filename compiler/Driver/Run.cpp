//===- Run.cpp - bnc run and bnc init --------------------------------------------------===//

#include "compiler/Driver/AtomicFile.h"
#include "compiler/Driver/ProgressBar.h"
#include "compiler/Driver/Report.h"
#include "compiler/Driver/Verbs.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/raw_ostream.h"

#include <cmath>
#include <cstring>
#include <numeric>

using namespace llvm;
using namespace bnc;

/// Shape of `count` samples of a tensor.
static SmallVector<int64_t> fullShape(const bnc_tensor &tensor, int64_t count) {
  SmallVector<int64_t> shape{count};
  append_range(shape, sampleShape(tensor));
  return shape;
}

/// Prints how far `values` are from the array in `path`; fails beyond the tolerance.
static LogicalResult compareOutput(const bnc_tensor &tensor, const std::vector<float> &values, int64_t count,
                                   StringRef path, double tolerance) {
  FailureOr<Array> expected = readArray(path);
  if (failed(expected))
    return failure();
  SmallVector<int64_t> shape = fullShape(tensor, count);
  if (expected->values.shape != shape)
    return reportError("'" + path + "' has shape " + formatShape(expected->values.shape) + ", but output '" +
                       StringRef(tensor.name) + "' has shape " + formatShape(shape));
  std::vector<double> reference = expected->values.toDoubles();
  double largest = 0, difference = 0;
  size_t where = 0;
  for (auto [index, value] : enumerate(reference)) {
    largest = std::max(largest, std::fabs(value));
    double off = std::fabs(values[index] - value);
    if (!(off <= difference)) { // NaN is as far as anything can be
      difference = off;
      where = index;
      if (std::isnan(off))
        break;
    }
  }
  outs() << "output '" << tensor.name << "': largest difference " << formatNumber(difference, 3) << ", largest element "
         << formatNumber(largest, 3) << "\n";
  if (difference <= tolerance * largest)
    return success();
  int64_t elements = tensor.count;
  return reportError("output '" + StringRef(tensor.name) + "' differs from '" + path + "' by " +
                     formatNumber(difference, 3) + " in sample " + Twine(where / elements) + " (element " +
                     Twine(where % elements) + " of the sample): found " + formatNumber(values[where], 9) +
                     ", expected " + formatNumber(reference[where], 9) + "; --tolerance=" + formatNumber(tolerance) +
                     " allows " + formatNumber(tolerance * largest, 3));
}

LogicalResult bnc::runRun(const RunCommand &command) {
  CompileOptions options = command.compile;
  options.part = Part::Infer;
  FailureOr<std::unique_ptr<Session>> session = Session::open(options, command.execution);
  if (failed(session))
    return failure();
  const bnc_model_descriptor &model = (*session)->descriptor();
  ArrayRef<bnc_tensor> tensors(model.outputs, model.output_count), inputs(model.inputs, model.input_count);
  FailureOr<std::vector<std::string>> outputPaths = matchTensors(tensors, command.outputs, "--output", "output");
  FailureOr<std::vector<std::string>> expected = failure();
  if (failed(outputPaths) || failed(expected = matchTensors(tensors, command.expected, "--expect", "output")))
    return failure();
  if (command.inputs.empty())
    return reportError("no input data; give --input " +
                       (inputs.size() > 1 ? StringRef(inputs[0].name).str() + "=" : "") + "FILE for " +
                       join(map_range(inputs,
                                      [](const bnc_tensor &tensor) {
                                        return "'" + StringRef(tensor.name).str() + "' of shape " +
                                               formatShape(fullShape(tensor, 1)).replace(1, 1, "N");
                                      }),
                            " and "));
  FailureOr<DataSet> data = readDataSet(model, "--input", command.inputs, "", command.preprocessing);
  if (failed(data))
    return failure();
  std::vector<std::string> read(command.inputs);
  append_range(read, command.expected);
  for (auto [path, tensor] : zip(*outputPaths, tensors))
    if (!path.empty() && (failed(checkWritable(path)) || failed(checkOverwrites(path, command.compile.model, read))))
      return failure();

  int64_t batch = std::min((*session)->batch(std::min<int64_t>(data->count, 64)), data->count);
  if (model.fixed_batch && data->count % model.fixed_batch != 0)
    return reportError("'" + data->inputs.front().path() + "' holds " + withSeparators(data->count) +
                       " samples, but the model takes exactly " + Twine(model.fixed_batch) +
                       " at a time; give a multiple, or compile with --batch=dynamic");
  FailureOr<InferPointer> infer = (*session)->createInfer(batch);
  if (failed(infer))
    return failure();

  std::vector<std::vector<float>> results;
  for (const bnc_tensor &tensor : tensors)
    results.emplace_back(data->count * tensor.count);
  Batch buffers(*data, batch);
  ProgressBar bar("running");
  std::vector<int64_t> indices;
  for (int64_t first = 0; first < data->count; first += batch) {
    int64_t size = std::min(batch, data->count - first);
    indices.resize(size);
    std::iota(indices.begin(), indices.end(), first);
    buffers.fill(indices);
    std::vector<void *> pointers;
    for (auto [tensor, result] : zip(tensors, results))
      pointers.push_back(result.data() + first * tensor.count);
    if (bnc_infer_run(infer->get(), buffers.inputs(), size, pointers.data()) != BNC_OK) {
      bar.clear();
      return reportError(bnc_infer_error(infer->get()));
    }
    bar.show(first + size, data->count);
  }
  bar.clear();

  for (auto [index, tensor] : enumerate(tensors)) {
    const std::vector<float> &result = results[index];
    if (const std::string &path = (*outputPaths)[index]; !path.empty()) {
      NpyArray array{NpyType::F32, fullShape(tensor, data->count), {}};
      array.bytes.resize(result.size() * sizeof(float));
      std::memcpy(array.bytes.data(), result.data(), array.bytes.size());
      if (failed(writeFile(path, formatNpy(array))))
        return failure();
    } else if ((*expected)[index].empty()) {
      auto [low, high] = std::minmax_element(result.begin(), result.end());
      outs() << "output '" << tensor.name << "' " << formatShape(fullShape(tensor, data->count)) << ": from "
             << formatNumber(*low) << " to " << formatNumber(*high) << "\n";
    }
  }
  for (auto [index, tensor] : enumerate(tensors))
    if (const std::string &path = (*expected)[index]; !path.empty())
      if (failed(compareOutput(tensor, results[index], data->count, path, command.tolerance)))
        return failure();
  return success();
}

LogicalResult bnc::runInit(const InitCommand &command) {
  if (command.output.empty())
    return reportError("'bnc init' needs -o FILE for the fresh weights");
  if (failed(checkWritable(command.output)) || failed(checkOverwrites(command.output, command.compile.model, {})))
    return failure();
  CompileOptions compile = command.compile;
  compile.loss.kind = std::nullopt; // none is needed, so any model will do
  FailureOr<std::unique_ptr<Session>> session = Session::open(compile, command.execution, Use::Variables);
  if (failed(session) || failed((*session)->requireTraining(/*both=*/false)))
    return failure();
  FailureOr<TrainPointer> train = (*session)->createTrain((*session)->batch(1));
  if (failed(train))
    return failure();
  if (bnc_train_save(train->get(), command.output.c_str()) != BNC_OK)
    return reportFailure(train->get());
  return success();
}
