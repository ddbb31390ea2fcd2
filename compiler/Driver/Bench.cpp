//===- Bench.cpp - bnc bench ----------------------------------------------------------===//

#include "compiler/Codegen/Records.h"
#include "compiler/Driver/AtomicFile.h"
#include "compiler/Driver/MachinePeak.h"
#include "compiler/Driver/ProgressBar.h"
#include "compiler/Driver/RandomSamples.h"
#include "compiler/Driver/Report.h"
#include "compiler/Driver/StepObserver.h"
#include "compiler/Driver/Table.h"
#include "compiler/Driver/Verbs.h"
#include "compiler/Kernels/Schedule.h"
#include "compiler/Support/Locations.h"

#include "llvm/ADT/MapVector.h"
#include "llvm/Support/FormatVariadic.h"
#include "llvm/Support/JSON.h"

#include <chrono>

using namespace mlir;
using namespace bnc;
using Clock = std::chrono::steady_clock;

namespace {
/// What a kernel adds up for a weight: in registers, and in how many slices of how many bytes.
struct WeightGradient {
  WeightGradientTile tile;
  int64_t slices;
  double bytes;
};

/// One call of a program: what it is, what it costs at least, and how long it took in every repetition.
struct Row {
  std::string node, work;
  std::string function; // bnc_rt_*
  int64_t tasks = 0;    // of a kernel
  double flops = 0;     // multiply-adds of convolutions and dense layers, two each
  double bytes = 0;     // every operand read once, every result written once
  std::vector<WeightGradient> weightGradients = {};
  std::vector<double> seconds = {};

  bool isKernel() const { return function == "bnc_rt_launch"; }
};

double median(std::vector<double> values) {
  if (values.empty())
    return 0;
  auto middle = values.begin() + values.size() / 2;
  std::nth_element(values.begin(), middle, values.end());
  return *middle;
}

double elementsOf(Value value, int64_t batch) {
  double elements = 1;
  for (int64_t size : cast<RankedTensorType>(value.getType()).getShape())
    elements *= ShapedType::isDynamic(size) ? batch : size;
  return elements;
}

double bytesOf(ValueRange values, int64_t batch) {
  double bytes = 0;
  for (Value value : values)
    bytes += elementsOf(value, batch) * cast<RankedTensorType>(value.getType()).getElementTypeBitWidth() / 8;
  return bytes;
}

//===-- What a kernel does -------------------------------------------------------------===//

std::string spellConvolution(StringRef what, ArrayRef<int64_t> weight, int64_t groups, int64_t stride, Value image) {
  // weight: (blocks, KH, KW, C / groups, block); image: (N, C, H, W), whose pixels are shown.
  ArrayRef<int64_t> shape = cast<RankedTensorType>(image.getType()).getShape();
  std::string text = llvm::formatv("{0} {1}x{2}", what, weight[1], weight[2]);
  if (stride != 1)
    text += "/" + std::to_string(stride);
  text += llvm::formatv(" {0}->{1}", weight[3] * groups, weight[0] * weight[4]);
  if (groups > 1)
    text += llvm::formatv(" in {0} groups", groups);
  if (shape.size() == 4 && shape[2] * shape[3] > 1)
    text += llvm::formatv(" at {0}x{1}", shape[2], shape[3]);
  return text;
}

/// The group of a kernel: its anchor first, then what goes with it.
void describe(KernelOp kernel, const Target &target, int64_t batch, Row &row) {
  std::string anchor;
  llvm::MapVector<StringRef, int> rest;
  WinogradProductOp winograd;
  // Slices of chains that have no task stay as they are.
  int64_t chains = std::min<int64_t>(row.tasks / kernel.getBlocks(), kernel.getChains());
  auto packOf = [&](Value weight) {
    auto argument = dyn_cast<BlockArgument>(weight);
    return argument ? kernel.getInputs()[argument.getArgNumber()].getDefiningOp<PackOp>() : PackOp();
  };
  for (Operation &op : kernel.getBody().front().without_terminator()) {
    if (auto conv = dyn_cast<PackedConvOp>(op)) {
      ArrayRef<int64_t> weight = conv.getWeight().getType().getShape();
      row.flops += 2 * elementsOf(conv.getResult(), batch) * weight[1] * weight[2] * weight[3];
      PackOp pack = packOf(conv.getWeight());
      anchor = spellConvolution(pack && (pack.getBackward() || pack.getColumns()) ? "dX" : "conv", weight,
                                conv.getGroups(), conv.getStrides()[0], conv.getResult());
    } else if (auto product = dyn_cast<WinogradProductOp>(op)) {
      winograd = product;
    } else if (auto image = dyn_cast<WinogradOutputOp>(op)) {
      // What the convolution would have to multiply without the transforms.
      ArrayRef<int64_t> weight = winograd.getWeight().getType().getShape();
      row.flops += 2 * elementsOf(image.getResult(), batch) * 9 * weight[3];
      PackOp pack = packOf(winograd.getWeight());
      int64_t window[] = {weight[0], 3, 3, weight[3], weight[4]};
      anchor = spellConvolution(pack && pack.getBackward() ? "winograd dX" : "winograd", window, 1, 1, image.getResult());
    } else if (auto gradient = dyn_cast<WeightGradientOp>(op)) {
      ArrayRef<int64_t> slices = gradient.getResult().getType().getShape(), weight = slices.drop_front();
      ArrayRef<int64_t> output = gradient.getOutputShape();
      row.flops += 2.0 * batch * weight[0] * weight[1] * weight[2] * weight[3] * weight[4] *
                   output[output.size() - 2] * output.back();
      row.weightGradients.push_back({weightGradientTile(target, gradient, weight[3] / kernel.getBlocks()), chains,
                                     bytesOf(gradient.getResult(), batch) * double(chains) / kernel.getChains()});
      anchor += (anchor.empty() ? "" : ", ") +
                spellConvolution("dW", weight, gradient.getGroups(), gradient.getStrides()[0], gradient.getGradient());
    } else if (!isa<StageOp, WinogradInputOp>(op)) {
      ++rest[op.getName().stripDialect()];
    }
  }
  row.work = anchor;
  for (auto [name, count] : rest)
    row.work += (row.work.empty() ? "" : " + ") + name.str() + (count > 1 ? "*" + std::to_string(count) : "");
  row.bytes = bytesOf(kernel.getInputs(), batch);
  auto yield = cast<YieldOp>(kernel.getBody().front().getTerminator());
  for (auto [value, result] : llvm::zip(yield.getValues(), kernel.getResults())) {
    bool isSlices = value.getDefiningOp<WeightGradientOp>() != nullptr;
    row.bytes += bytesOf(result, batch) * (isSlices ? double(chains) / kernel.getChains() : 1);
  }
}

/// The calls of a graph's programs `first` to `last`, in order.
FailureOr<std::vector<Row>> rowsOf(GraphOp graph, int64_t first, int64_t last, const Target &target, int64_t batch) {
  std::vector<Row> rows;
  for (int64_t program = first; program <= last; ++program) {
    FailureOr<std::vector<std::pair<Operation *, Step>>> calls = callsOf(graph, program, target);
    if (failed(calls))
      return failure();
    for (auto &[op, step] : *calls) {
      bool isLoss = isa<ReturnOp>(op);
      Row row{isLoss ? "" : getNodeName(op->getLoc()).str(), isLoss ? "loss" : op->getName().stripDialect().str(), step.function};
      if (row.isKernel())
        row.tasks = bnc_rt_task_count(reinterpret_cast<const bnc_launch *>(step.words.data()), batch);
      if (auto kernel = dyn_cast<KernelOp>(op))
        describe(kernel, target, batch, row);
      else if (!isLoss)
        row.bytes = bytesOf(op->getOperands(), batch) + bytesOf(op->getResults(), batch);
      rows.push_back(std::move(row));
    }
  }
  return rows;
}

//===-- One graph ------------------------------------------------------------------------===//

/// What the steps of one run took.
struct StepTimes : StepObserver {
  void after(const char *function, const bnc_exec &, double seconds) override { steps.push_back({function, seconds}); }
  std::vector<std::pair<const char *, double>> steps;
};

struct Timing {
  std::string title;
  int64_t batch;
  std::vector<Row> rows;
  std::vector<double> wall;

  /// Runs `step` often enough, after two runs that nobody counts.
  LogicalResult measure(int64_t repetitions, function_ref<bool()> step) {
    ProgressBar bar("timing " + title);
    for (int64_t i = -2; i < repetitions; ++i) {
      StepTimes times;
      Clock::time_point start = Clock::now();
      if (!step())
        return failure();
      double seconds = std::chrono::duration<double>(Clock::now() - start).count();
      assert(times.steps.size() == rows.size() && "a step of a program is not the one that its graph says");
      if (i < 0)
        continue;
      wall.push_back(seconds);
      for (auto [row, step] : llvm::zip(rows, times.steps)) {
        assert(row.function == step.first && "steps come in another order than the graph says");
        row.seconds.push_back(step.second);
      }
      bar.show(i + 1, repetitions);
    }
    return success();
  }

  /// Steps that are not kernels, together with others of their kind.
  std::vector<Row> merged() const {
    std::vector<Row> result;
    llvm::MapVector<StringRef, std::pair<Row, int>> others;
    for (const Row &row : rows) {
      if (row.isKernel()) {
        result.push_back(row);
        continue;
      }
      auto [found, isNew] = others.try_emplace(row.work, row, 1);
      if (isNew)
        continue;
      auto &[sum, count] = found->second;
      ++count;
      sum.bytes += row.bytes;
      for (auto [a, b] : llvm::zip(sum.seconds, row.seconds))
        a += b;
    }
    for (auto &[work, entry] : others) {
      entry.first.node = "";
      if (entry.second > 1)
        entry.first.work += " * " + std::to_string(entry.second);
      result.push_back(std::move(entry.first));
    }
    return result;
  }
};

std::string share(double part, double whole) { return whole > 0 ? llvm::formatv("{0:f0} %", 100 * part / whole).str() : ""; }
std::string rate(double amount, double seconds) {
  return amount > 0 && seconds > 0 ? llvm::formatv("{0:f1}", amount / seconds * 1e-9).str() : "";
}

void print(const Timing &timing, const MachinePeak &peak) {
  double total = median(timing.wall), inSteps = 0, flops = 0;
  llvm::outs() << "\n" << timing.title << ", batch " << timing.batch << ":\n";
  Table table({"node", "work", "tasks", "ms", "of step", "GFLOP/s", "of peak", "GB/s", "of peak"}, 2);
  for (const Row &row : timing.merged()) {
    double seconds = median(row.seconds);
    inSteps += seconds;
    flops += row.flops;
    table.add({row.node, row.work, row.tasks ? withSeparators(row.tasks) : "", llvm::formatv("{0:f3}", seconds * 1e3),
               share(seconds, total), rate(row.flops, seconds), row.flops > 0 ? share(row.flops / seconds, peak.flops) : "",
               rate(row.bytes, seconds), share(row.bytes / seconds, peak.bytes)});
  }
  table.print(llvm::outs());
  auto [least, most] = std::minmax_element(timing.wall.begin(), timing.wall.end());
  llvm::outs() << llvm::formatv("  step: {0:f3} ms (median of {1}, {2:f3} to {3:f3}), {4:f1} samples/s, {5} GFLOP/s{6}\n",
                                total * 1e3, timing.wall.size(), *least * 1e3, *most * 1e3,
                                timing.batch / total, rate(flops, total).empty() ? "0" : rate(flops, total),
                                peak.flops > 0 ? " (" + share(flops / total, peak.flops) + " of peak)" : "");
  llvm::outs() << llvm::formatv("  between the steps: {0:f3} ms\n", std::max(0.0, total - inSteps) * 1e3);
}

llvm::json::Value toJson(const Timing &timing) {
  llvm::json::Array steps;
  for (const Row &row : timing.rows) {
    llvm::json::Object step{{"node", row.node}, {"work", row.work}, {"function", row.function},
                            {"seconds", median(row.seconds)}, {"bytes", row.bytes}};
    if (row.isKernel()) {
      step["tasks"] = row.tasks;
      step["flops"] = row.flops;
    }
    for (const WeightGradient &gradient : row.weightGradients) {
      const WeightGradientTile &tile = gradient.tile;
      llvm::json::Object sums{{"outputs", tile.lanes * tile.vectors}, {"inputs", tile.inputs}, {"width", tile.width}, {"height", tile.height}};
      if (!step.get("weight_gradients"))
        step["weight_gradients"] = llvm::json::Array();
      step["weight_gradients"].getAsArray()->push_back(llvm::json::Object{
          {"tile", std::move(sums)}, {"slices", gradient.slices}, {"slice_bytes", gradient.bytes}});
    }
    steps.push_back(std::move(step));
  }
  return llvm::json::Object{{"batch", timing.batch},
                            {"seconds", llvm::json::Object{{"median", median(timing.wall)},
                                                           {"least", *llvm::min_element(timing.wall)},
                                                           {"most", *llvm::max_element(timing.wall)}}},
                            {"steps", std::move(steps)}};
}
} // namespace

LogicalResult bnc::runBench(const BenchCommand &command) {
  if (!command.json.empty() && failed(checkWritable(command.json)))
    return failure();
  FailureOr<std::unique_ptr<Session>> opened = Session::open(command.compile, command.execution, Use::Observe);
  if (failed(opened))
    return failure();
  Session &session = **opened;
  if (failed(session.requireLoss()))
    return failure();
  const bnc_model_descriptor &model = session.descriptor();
  std::optional<Target> target = lookupTarget(model.target);
  int64_t batch = session.batch(16);
  if (model.train_forward && batch < model.minimum_train_batch)
    return reportError("node '" + StringRef(model.minimum_train_batch_node) + "' (batch_norm) normalizes a single value "
                       "per sample and needs batches of at least " + Twine(model.minimum_train_batch) +
                       "; give --batch, or --phase=infer");
  RandomSamples sample(model, batch, /*seed=*/0);
  std::vector<std::vector<char>> outputBuffers;
  std::vector<void *> outputs;
  for (const bnc_tensor &output : ArrayRef(model.outputs, model.output_count)) {
    outputBuffers.emplace_back(batch * output.count * sizeof(float));
    outputs.push_back(outputBuffers.back().data());
  }

  std::vector<Timing> timings;
  TrainPointer train;
  if (model.train_forward) {
    FailureOr<TrainPointer> created = session.createTrain(batch);
    if (failed(created))
      return failure();
    train = std::move(*created);
    FailureOr<std::vector<Row>> rows = rowsOf(graphOf(session.module(), GraphKind::Training), 0, 3, *target, batch);
    if (failed(rows))
      return failure();
    Timing &timing = timings.emplace_back(Timing{"training", batch, std::move(*rows), {}});
    // A learning rate of 0: every repetition is the same work on the same numbers.
    if (failed(timing.measure(command.repetitions, [&] {
          return bnc_train_step(train.get(), sample.pointers.data(), sample.labels.data(), batch, 0, nullptr) == BNC_OK;
        })))
      return reportFailure(train.get());
  }
  if (model.infer_run) {
    FailureOr<InferPointer> infer = session.createInfer(batch, train.get());
    FailureOr<std::vector<Row>> rows = rowsOf(graphOf(session.module(), GraphKind::Inference), 1, 1, *target, batch);
    if (failed(infer) || failed(rows))
      return failure();
    Timing &timing = timings.emplace_back(Timing{"inference", batch, std::move(*rows), {}});
    if (failed(timing.measure(command.repetitions, [&] {
          return bnc_infer_run(infer->get(), sample.pointers.data(), batch, outputs.data()) == BNC_OK;
        })))
      return reportError(bnc_infer_error(infer->get()));
  }

  int threads = static_cast<int>(command.execution.threadCount());
  MachinePeak peak = measurePeak(threads, *target);
  llvm::outs() << llvm::formatv("{0} for {1}, {2} threads; this machine: {3} GFLOP/s, {4} GB/s read\n", model.name,
                                model.target, threads, rate(peak.flops, 1), rate(peak.bytes, 1));
  for (const Timing &timing : timings)
    print(timing, peak);
  if (command.json.empty())
    return success();
  llvm::json::Object json{{"model", model.name},
                          {"target", model.target},
                          {"threads", threads},
                          {"peak", llvm::json::Object{{"flops", peak.flops}, {"bytes", peak.bytes}}}};
  for (const Timing &timing : timings)
    json[timing.title] = toJson(timing);
  return writeFile(command.json, llvm::formatv("{0:2}\n", llvm::json::Value(std::move(json))).str());
}
