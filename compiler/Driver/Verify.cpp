//===- Verify.cpp - bnc verify ---------------------------------------------------------------===//
//
// Three programs (folded inference, unfolded inference, a training step) run once on the same samples, and what each of
// them stores is compared with evaluations in double. A stored value is one of the graph that the program was made from.
// That graph is evaluated, too: it tells which value of the imported model this is (the one that is the same in double),
// and with that it is compared.
//
//===----------------------------------------------------------------------===//

#include "compiler/Driver/AtomicFile.h"
#include "compiler/Driver/Fingerprint.h"
#include "compiler/Driver/ProgressBar.h"
#include "compiler/Driver/RandomSamples.h"
#include "compiler/Driver/Report.h"
#include "compiler/Driver/StoredValues.h"
#include "compiler/Driver/Verbs.h"
#include "compiler/Driver/VerifyReport.h"
#include "compiler/Reference/CheckGradients.h"
#include "compiler/Support/Locations.h"
#include "compiler/Support/Safetensors.h"

#include "llvm/Support/FormatVariadic.h"

#include <cmath>
#include <limits>

using namespace mlir;
using namespace bnc;

namespace {
/// Samples by default: statistics of a single value per sample need more of them, or they say little about it.
constexpr int64_t kBatch = 2, kBatchOfVectors = 32;
/// Rounding stored values alone is the least that float32 loses; the sums of kernels round, too, in another order than
/// anybody else's.
constexpr double kFloat32Share = 4;
/// How near to a kink, as a share of the tensor's largest element, float32 may find itself on the other side.
constexpr double kKinkReach = 4e-6;
/// How near to a kink a value lies on it, as far as finite differences can tell.
constexpr double kOnKink = 1e-9;
/// Of finite differences: what kinks and rounding leave of them at their step.
constexpr double kDifferenceTolerance = 1e-3;
constexpr double kFloat32Most = 10;     // times the tolerance, in inference
constexpr double kGradientFloor = 1e-7; // of the largest gradient of the network

//===-- Errors ---------------------------------------------------------------------------===//

/// The largest difference as a share of the largest element.
template <typename Range> double errorOf(const Range &found, const Tensor &expected) {
  constexpr double infinity = std::numeric_limits<double>::infinity();
  double largest = expected.largest(), difference = 0;
  for (auto [element, reference] : llvm::zip_equal(found, expected.reals)) {
    double value = element;
    if (std::isfinite(value) != std::isfinite(reference))
      return infinity;
    if (std::isfinite(value))
      difference = std::max(difference, std::fabs(value - reference));
  }
  return difference == 0 ? 0 : largest == 0 ? infinity : difference / largest;
}

//===-- Programs ---------------------------------------------------------------------------===//

/// A compiled graph, what it stored, and the graph it was made from.
struct Program {
  std::string title;
  std::unique_ptr<Session> session;
  OwningOpRef<ModuleOp> reference; // ops are numbered
  std::map<ValueId, std::vector<float>> values;

  GraphOp graph() { return *reference->getOps<GraphOp>().begin(); }
};

/// What all programs and evaluations are fed.
struct Samples {
  std::vector<const void *> inputs;
  const void *labels;
  int64_t batch;
};

/// A value of a program on its way to a row.
struct StoredValue {
  size_t program;
  const std::vector<float> *value;
  Fingerprint fingerprint;
  std::string node, operation;
  SmallVector<StringRef> nodes; // of the location
  double largest, error;        // against the graph it was compiled from
  double float32 = 0;           // the error of that graph with every result rounded
  int64_t imported = -1;        // position of the op of the model whose value it is
  bool named = false;           // ... and the node is one of `nodes`
};

class Verification {
public:
  explicit Verification(const VerifyCommand &command) : command(command), imported(command.compile) {}
  LogicalResult run();

private:
  LogicalResult open(StringRef title, Phase phase, FoldMode fold);
  LogicalResult readValues();
  LogicalResult makeSamples();
  LogicalResult runInference(Program &program);
  LogicalResult runTraining(Program &program);
  LogicalResult compareInference();
  LogicalResult compareTraining();
  LogicalResult compareDifferences(GraphOp graph, const std::map<std::string, Tensor> &gradients,
                                   const std::map<std::string, Tensor> &otherSide);
  void printHead() const;
  LogicalResult finish();

  FailureOr<Evaluation> evaluate(const Evaluator &evaluator, GraphOp graph, StringRef what, Evaluator::Visitor visit);
  Evaluator evaluatorFor(GraphOp graph, Precision precision = Precision::Double) const;
  SmallVector<Tensor> inputsOf(GraphOp graph) const;
  std::string nodeOf(Operation *op) const;

  const VerifyCommand &command;
  Compilation imported;
  std::vector<Program> programs; // of inference: the first two, or none
  std::optional<Program> training;
  std::map<std::string, ArrayRef<float>> variables;
  SafetensorsFile file;
  std::optional<DataSet> data;
  std::unique_ptr<RandomSamples> random;
  std::unique_ptr<Batch> buffers;
  Samples samples;
  std::vector<std::vector<std::vector<float>>> outputs; // of every program
  std::map<std::string, std::vector<float>> gradients, statistics;
  double loss = 0;
  std::string trainingError; // why the step was not taken
  size_t evaluations = 0, allEvaluations = 0;
  std::unique_ptr<ProgressBar> bar;
  ValueTable inferenceTable{"inference", {}, {}}, trainingTable{"training", {"training"}, {}, true};
  std::optional<DirectionalDerivative> derivative;
};
} // namespace

//===-- Compiling ----------------------------------------------------------------------------===//

LogicalResult Verification::open(StringRef title, Phase phase, FoldMode fold) {
  CompileOptions options = command.compile;
  options.fold = fold;
  Program program{title.str(), nullptr, nullptr, {}};
  auto prepare = [&](Compilation &compilation) -> LogicalResult {
    if (failed(compilation.advanceTo(phase)))
      return failure();
    numberOps(compilation.module());
    program.reference = compilation.module().clone();
    return success();
  };
  FailureOr<std::unique_ptr<Session>> session = Session::open(options, command.execution, Use::Observe, prepare);
  if (failed(session))
    return failure();
  program.session = std::move(*session);
  if (phase == Phase::Training)
    training = std::move(program);
  else
    programs.push_back(std::move(program));
  return success();
}

//===-- Values and samples ---------------------------------------------------------------------===//

LogicalResult Verification::readValues() {
  if (!command.execution.weights.empty()) {
    llvm::Expected<SafetensorsFile> read = readSafetensors(command.execution.weights);
    if (!read)
      return reportError("'" + command.execution.weights + "': " + llvm::toString(read.takeError()));
    file = std::move(*read);
  } else if (failed(imported.requireWeights())) {
    return failure();
  }
  for (VariableOp variable : imported.module().getOps<VariableOp>()) {
    StringRef name = variable.getSymName();
    const NamedTensor *tensor = command.execution.weights.empty() ? imported.weights().find(name) : file.findWeight(name);
    if (tensor) // the programs have refused a file where one is missing, or has another shape
      variables[name.str()] = tensor->data;
  }
  return success();
}

LogicalResult Verification::makeSamples() {
  Session &session = training ? *training->session : *programs.front().session;
  const bnc_model_descriptor &model = session.descriptor();
  bool vectors = model.train_forward && model.minimum_train_batch > 1;
  samples.batch = session.batch(vectors ? kBatchOfVectors : kBatch);
  if (model.train_forward && samples.batch < model.minimum_train_batch)
    return reportError("node '" + StringRef(model.minimum_train_batch_node) + "' (batch_norm) normalizes a single value "
                       "per sample and needs batches of at least " + Twine(model.minimum_train_batch) +
                       "; give --batch, or --phase=infer");
  random = std::make_unique<RandomSamples>(model, samples.batch, command.execution.seed);
  samples.inputs = random->pointers;
  samples.labels = random->labels.data();
  if (command.data.data.empty()) {
    if (!command.data.labels.empty())
      return reportError("option '--labels' needs the samples that it labels; give --data");
    return success();
  }
  FailureOr<DataSet> read = readDataSet(model, "--data", command.data.data, training ? command.data.labels : "",
                                        command.preprocessing);
  if (failed(read))
    return failure();
  data = std::move(*read);
  if (data->count < samples.batch)
    return reportError("'" + data->inputs.front().path() + "' holds " + withSeparators(data->count) + " samples, but " +
                       withSeparators(samples.batch) + " are compared; give --batch");
  buffers = std::make_unique<Batch>(*data, samples.batch);
  buffers->fill(llvm::to_vector(llvm::seq<int64_t>(0, samples.batch)));
  samples.inputs.assign(buffers->inputs(), buffers->inputs() + model.input_count);
  if (data->labels)
    samples.labels = buffers->labels();
  return success();
}

SmallVector<Tensor> Verification::inputsOf(GraphOp graph) const {
  SmallVector<Tensor> inputs;
  for (auto [index, argument] : llvm::enumerate(graph.getArguments())) {
    auto type = cast<RankedTensorType>(argument.getType());
    SmallVector<int64_t> shape(type.getShape());
    shape[0] = samples.batch;
    Tensor tensor(type.getElementType(), shape);
    const void *source = index < samples.inputs.size() ? samples.inputs[index] : samples.labels;
    for (auto [i, value] : llvm::enumerate(tensor.reals))
      value = static_cast<const float *>(source)[i];
    for (auto [i, value] : llvm::enumerate(tensor.integers))
      value = static_cast<const int32_t *>(source)[i];
    inputs.push_back(std::move(tensor));
  }
  return inputs;
}

Evaluator Verification::evaluatorFor(GraphOp graph, Precision precision) const {
  std::map<std::string, Tensor> values;
  for (VariableOp variable : graph->getParentOfType<ModuleOp>().getOps<VariableOp>()) {
    auto found = variables.find(variable.getSymName().str());
    if (found == variables.end())
      continue;
    auto type = cast<RankedTensorType>(variable.getType());
    Tensor tensor(type.getElementType(), type.getShape());
    tensor.reals.assign(found->second.begin(), found->second.end());
    values[found->first] = std::move(tensor);
  }
  TrainingNumbers numbers;
  numbers.seed = command.execution.seed;
  return Evaluator(std::move(values), numbers, precision);
}

FailureOr<Evaluation> Verification::evaluate(const Evaluator &evaluator, GraphOp graph, StringRef what,
                                             Evaluator::Visitor visit) {
  bar->show(evaluations++, allEvaluations, what);
  return evaluator.evaluate(graph, inputsOf(graph), visit);
}

//===-- Running ---------------------------------------------------------------------------------===//

LogicalResult Verification::runInference(Program &program) {
  const bnc_model_descriptor &model = program.session->descriptor();
  std::vector<std::vector<float>> &results = outputs.emplace_back();
  std::vector<void *> pointers;
  for (const bnc_tensor &output : ArrayRef(model.outputs, model.output_count))
    results.emplace_back(samples.batch * output.count);
  for (std::vector<float> &result : results)
    pointers.push_back(result.data());
  FailureOr<InferPointer> infer = program.session->createInfer(samples.batch);
  if (failed(infer))
    return failure();
  FailureOr<std::unique_ptr<StoredValues>> stored = StoredValues::watch(
      graphOf(program.session->module(), GraphKind::Inference), 1, 1, *lookupTarget(model.target));
  if (failed(stored))
    return failure();
  if (bnc_infer_run(infer->get(), samples.inputs.data(), samples.batch, pointers.data()) != BNC_OK)
    return reportError(bnc_infer_error(infer->get()));
  program.values = std::move((*stored)->values);
  return success();
}

LogicalResult Verification::runTraining(Program &program) {
  const bnc_model_descriptor &model = program.session->descriptor();
  FailureOr<TrainPointer> train = program.session->createTrain(samples.batch);
  if (failed(train))
    return failure();
  FailureOr<std::unique_ptr<StoredValues>> stored = StoredValues::watch(
      graphOf(program.session->module(), GraphKind::Training), 0, 3, *lookupTarget(model.target));
  if (failed(stored))
    return failure();
  bnc_metrics metrics;
  // A step that is not taken has stored values, too: they show where it went wrong.
  if (bnc_train_step(train->get(), samples.inputs.data(), samples.labels, samples.batch, -1, &metrics) != BNC_OK)
    trainingError = bnc_train_error(train->get());
  else
    loss = metrics.loss;
  program.values = std::move((*stored)->values);
  gradients = std::move((*stored)->gradients);
  for (const bnc_variable &variable : ArrayRef(model.variables, model.variable_count))
    if (variable.collection == BNC_COLLECTION_BATCH_STATS && trainingError.empty()) {
      std::vector<float> &value = statistics[variable.name];
      value.resize(variable.count);
      if (bnc_train_get_variable(train->get(), variable.name, value.data(), value.size()) != BNC_OK)
        return reportFailure(train->get());
    }
  return success();
}

//===-- Inference -----------------------------------------------------------------------------------===//

std::string Verification::nodeOf(Operation *op) const { return getNodeName(op->getLoc()).str(); }

LogicalResult Verification::compareInference() {
  std::vector<StoredValue> stored;
  std::vector<SmallVector<Tensor>> roundedOutputs; // of each program
  auto allowed = [&](double float32) {
    return command.tolerance + (std::isfinite(float32) ? std::min(kFloat32Share * float32, kFloat32Most * command.tolerance) : 0);
  };
  for (auto [index, program] : llvm::enumerate(programs)) {
    inferenceTable.programs.push_back(program.title);
    std::map<ValueId, std::pair<size_t, Tensor>> exact; // what is stored, and where `stored` has it
    auto idOf = [](Value value) {
      return ValueId{numberOf(value.getDefiningOp()->getLoc()), cast<OpResult>(value).getResultNumber()};
    };
    auto visit = [&](Value value, const Tensor &tensor) {
      Operation *op = value.getDefiningOp();
      auto found = program.values.find(idOf(value));
      if (found == program.values.end())
        return;
      exact.try_emplace(found->first, stored.size(), tensor);
      stored.push_back({index, &found->second, Fingerprint(tensor), nodeOf(op), op->getName().stripDialect().str(),
                        getNodeNames(op->getLoc()), tensor.largest(), errorOf(found->second, tensor)});
    };
    auto visitRounded = [&](Value value, const Tensor &tensor) {
      if (auto found = exact.find(idOf(value)); found != exact.end())
        stored[found->second.first].float32 = errorOf(tensor.reals, found->second.second);
    };
    FailureOr<Evaluation> rounded = failure();
    if (failed(evaluate(evaluatorFor(program.graph()), program.graph(), program.title, visit)) ||
        failed(rounded = evaluate(evaluatorFor(program.graph(), Precision::Stored), program.graph(),
                                  program.title + ", rounded to float32", visitRounded)))
      return failure();
    roundedOutputs.push_back(std::move(rounded->results));
  }

  // The values of the model itself, each in one row.
  GraphOp graph = *imported.module().getOps<GraphOp>().begin();
  std::map<std::pair<int64_t, std::string>, ValueRow> rows; // by position, then what is no value of the model by name
  llvm::StringMap<int64_t> positions;                        // of nodes
  int64_t position = 0;
  auto visit = [&](Value value, const Tensor &tensor) {
    Operation *op = value.getDefiningOp();
    if (!tensor.isReal() || isa<ReadOp, ConstantOp>(op))
      return;
    ++position;
    StringRef node = getNodeName(op->getLoc());
    positions[node] = position;
    std::optional<Fingerprint> fingerprint;
    for (StoredValue &candidate : stored) {
      bool named = llvm::is_contained(candidate.nodes, node);
      if (candidate.imported >= 0 && (candidate.named || !named))
        continue;
      if (!fingerprint && ArrayRef(candidate.fingerprint.shape) == ArrayRef(tensor.shape))
        fingerprint = Fingerprint(tensor);
      if (!fingerprint || !(candidate.fingerprint == *fingerprint))
        continue;
      candidate.imported = position;
      candidate.named = named;
      candidate.node = node.str();
      candidate.operation = op->getName().stripDialect().str();
      candidate.error = errorOf(*candidate.value, tensor);
    }
  };
  FailureOr<Evaluation> evaluation = evaluate(evaluatorFor(graph), graph, "the model", visit);
  if (failed(evaluation))
    return failure();

  for (const StoredValue &value : stored) {
    bool isOfModel = value.imported >= 0;
    std::string what = isOfModel ? value.operation : value.operation + " of folding";
    ValueRow &row = rows[{isOfModel ? value.imported : positions.lookup(value.node), isOfModel ? "" : what}];
    row.node = value.node;
    row.what = what;
    row.largest = value.largest;
    row.errors.resize(programs.size());
    row.errors[value.program] = ValueError{value.error, allowed(value.float32), value.float32};
  }
  for (auto &[key, row] : rows)
    inferenceTable.rows.push_back(std::move(row));
  for (auto [index, result] : llvm::enumerate(evaluation->results)) {
    Operation *op = graph.getBody().front().getTerminator()->getOperand(index).getDefiningOp();
    ValueRow row{op ? nodeOf(op) : "", ("output '" + graph.getOutputName(index) + "'").str(), result.largest(), {}};
    for (auto [found, rounded] : llvm::zip_equal(outputs, roundedOutputs)) {
      double float32 = errorOf(rounded[index].reals, result);
      row.errors.push_back(ValueError{errorOf(found[index], result), allowed(float32), float32});
    }
    inferenceTable.rows.push_back(std::move(row));
  }
  return success();
}

//===-- Training --------------------------------------------------------------------------------------===//

namespace {
/// The values of one evaluation of the training graph that are compared.
struct TrainingValues {
  std::map<ValueId, Tensor> stored;
  std::map<std::string, Tensor> gradients, statistics;
  double loss = 0;
};
} // namespace

LogicalResult Verification::compareTraining() {
  GraphOp graph = training->graph();
  // The optimizer's own arithmetic is not compared, and its state has no values.
  llvm::DenseMap<Value, SmallVector<std::string>> gradientOf;
  for (auto update : llvm::make_early_inc_range(graph.getBody().front().getOps<OptimizerUpdateOp>())) {
    gradientOf[update.getGradient()].push_back(update.getValue().getDefiningOp<ReadOp>().getVariable().str());
    for (Operation *user : llvm::make_early_inc_range(update->getUsers()))
      user->erase();
    update.erase();
  }
  std::vector<std::pair<ValueId, Operation *>> order;
  auto evaluateStep = [&](StringRef what, const Evaluator &evaluator, TrainingValues &values) -> LogicalResult {
    order.clear();
    auto visit = [&](Value value, const Tensor &tensor) {
      Operation *op = value.getDefiningOp();
      ValueId id{numberOf(op->getLoc()), cast<OpResult>(value).getResultNumber()};
      if (training->values.count(id)) {
        order.push_back({id, op});
        values.stored[id] = tensor;
      }
      if (auto found = gradientOf.find(value); found != gradientOf.end())
        for (const std::string &name : found->second)
          values.gradients[name] = tensor;
    };
    FailureOr<Evaluation> evaluation = evaluate(evaluator, graph, what, visit);
    if (failed(evaluation))
      return failure();
    values.statistics = std::move(evaluation->assigned);
    for (double loss : evaluation->results.front().reals)
      values.loss += loss / samples.batch;
    return success();
  };
  TrainingValues exact, rounded, kinked;
  Evaluator inDouble = evaluatorFor(graph), otherSide = inDouble;
  otherSide.kinkReach = kKinkReach;
  if (failed(evaluateStep("training", inDouble, exact)) ||
      failed(evaluateStep("training, rounded to float32", evaluatorFor(graph, Precision::Stored), rounded)) ||
      failed(evaluateStep("training, beyond kinks", otherSide, kinked)))
    return failure();

  auto add = [&](std::string node, std::string what, ArrayRef<float> found, const Tensor &expected, const Tensor &rounded,
                 const Tensor &kinked, double floor = 0) {
    ValueError error{errorOf(found, expected), 0, errorOf(rounded.reals, expected), errorOf(kinked.reals, expected)};
    error.allowed = command.tolerance; // float32 that ends in no number excuses nothing
    if (std::isfinite(error.float32) && std::isfinite(error.kinks))
      error.allowed += kFloat32Share * error.float32 + error.kinks;
    if (expected.largest() > 0)
      error.allowed = std::max(error.allowed, floor / expected.largest());
    trainingTable.rows.push_back({std::move(node), std::move(what), expected.largest(), {error}});
  };
  for (auto [id, op] : order)
    add(nodeOf(op), op->getName().stripDialect().str(), training->values[id], exact.stored[id], rounded.stored[id],
        kinked.stored[id]);
  if (!trainingError.empty())
    return success();
  auto scalar = [&](double value) {
    Tensor tensor(Float32Type::get(graph.getContext()), ArrayRef<int64_t>());
    tensor.reals.front() = value;
    return tensor;
  };
  add("", "loss", static_cast<float>(loss), scalar(exact.loss), scalar(rounded.loss), scalar(kinked.loss));
  llvm::StringMap<std::string> readers;
  for (auto read : (*imported.module().getOps<GraphOp>().begin()).getBody().getOps<ReadOp>())
    if (!read.use_empty())
      readers.try_emplace(read.getVariable(), nodeOf(*read->getUsers().begin()));
  // Gradients that cancel to next to nothing are what rounding left of far larger terms.
  double largestGradient = 0;
  for (auto &[name, value] : exact.gradients)
    largestGradient = std::max(largestGradient, value.largest());
  for (VariableOp variable : imported.module().getOps<VariableOp>()) {
    std::string name = variable.getSymName().str();
    if (auto found = gradients.find(name); found != gradients.end())
      add(readers.lookup(name), "gradient of " + name, found->second, exact.gradients[name], rounded.gradients[name],
          kinked.gradients[name], kGradientFloor * largestGradient);
  }
  for (auto &[name, value] : exact.statistics)
    add(readers.lookup(name), name, statistics[name], value, rounded.statistics[name], kinked.statistics[name]);
  TrainingValues tied;
  Evaluator onKinks = evaluatorFor(graph);
  onKinks.kinkReach = kOnKink;
  if (failed(evaluateStep("training, on kinks", onKinks, tied)))
    return failure();
  return compareDifferences(graph, exact.gradients, tied.gradients);
}

LogicalResult Verification::compareDifferences(GraphOp graph, const std::map<std::string, Tensor> &gradients,
                                               const std::map<std::string, Tensor> &otherSide) {
  if (gradients.empty())
    return success();
  // The forward pass alone.
  OwningOpRef<ModuleOp> module = training->reference->clone();
  Block &body = (*module->getOps<GraphOp>().begin()).getBody().front();
  for (auto assign : llvm::make_early_inc_range(body.getOps<AssignOp>()))
    assign.erase();
  for (Operation &op : llvm::make_early_inc_range(llvm::reverse(body)))
    if (isOpTriviallyDead(&op))
      op.erase();
  bar->show(evaluations++, allEvaluations, "finite differences");
  FailureOr<DirectionalDerivative> found =
      differentiateAlongDirection(evaluatorFor(graph), *module->getOps<GraphOp>().begin(), inputsOf(graph), gradients,
                                  otherSide, command.execution.seed);
  if (failed(found))
    return failure();
  derivative = *found;
  return success();
}

//===-- The whole ----------------------------------------------------------------------------------------===//

LogicalResult Verification::finish() {
  const bnc_model_descriptor &model = (training ? training->session : programs.front().session)->descriptor();
  llvm::outs() << llvm::formatv("{0} for {1}, batch {2}: largest errors, as shares of the largest element of what the model "
                                "gives in double precision\n",
                                model.name, model.target, samples.batch);
  for (const ValueTable *table : {&inferenceTable, &trainingTable})
    if (!table->rows.empty())
      table->print();
  if (training && !trainingTable.rows.empty())
    llvm::outs() << llvm::formatv("  allowed: {0} + {1} * float32, of inference {3} times {0} of that at most, + kinks of training: the errors "
                                  "in double with every result rounded, and with every kink taken from the other side that "
                                  "float32 may mistake (within {2} of the largest element)\n",
                                  formatNumber(command.tolerance), formatNumber(kFloat32Share), formatNumber(kKinkReach),
                                  formatNumber(kFloat32Most));
  bool agrees = !derivative || derivative->error() <= kDifferenceTolerance;
  if (derivative)
    llvm::outs() << llvm::formatv("  gradients along a random direction of {3} elements: {0}, finite differences: {1}, apart by "
                                  "{2:e1} of their scale; {4} elements on kinks are skipped\n",
                                  formatNumber(derivative->product, 9), formatNumber(derivative->difference, 9),
                                  derivative->error(), withSeparators(derivative->moved),
                                  withSeparators(derivative->skipped));
  std::string error = inferenceTable.firstError();
  if (error.empty())
    error = trainingTable.firstError();
  if (error.empty() && !trainingError.empty())
    error = "the training step is not taken: " + trainingError;
  if (error.empty() && !agrees)
    error = llvm::formatv("the gradients that were evaluated are no derivatives of the loss: along a random direction they give "
                          "{0}, finite differences {1}",
                          formatNumber(derivative->product, 9), formatNumber(derivative->difference, 9));
  if (!command.json.empty()) {
    llvm::json::Object json{{"model", model.name},         {"target", model.target}, {"batch", samples.batch},
                            {"tolerance", command.tolerance}, {"holds", error.empty()}};
    if (!programs.empty())
      json["inference"] = inferenceTable.toJson();
    if (training)
      json["training"] = trainingTable.toJson();
    if (derivative)
      json["finite_differences"] = llvm::json::Object{{"gradients", derivative->product},
                                                      {"differences", derivative->difference},
                                                      {"error", derivative->error()},
                                                      {"elements", derivative->moved},
                                                      {"skipped", derivative->skipped},
                                                      {"allowed", kDifferenceTolerance}};
    if (failed(writeFile(command.json, llvm::formatv("{0:2}\n", llvm::json::Value(std::move(json))).str())))
      return failure();
  }
  llvm::outs().flush();
  if (!error.empty())
    return reportError(imported.modelFile() + ": " + error);
  llvm::outs() << "everything holds\n";
  return success();
}

LogicalResult Verification::run() {
  if (!command.json.empty() && failed(checkWritable(command.json)))
    return failure();
  if (failed(imported.read()))
    return failure();
  if (imported.phase() != Phase::Import)
    return reportError(imported.modelFile() + ": is in phase '" + phaseName(imported.phase()) +
                       "', and what it was made from is not in it; verify the model file");
  Part part = command.compile.part;
  if (part != Part::Infer && (failed(open("training", Phase::Training, FoldMode::On)) ||
                              failed(training->session->requireLoss())))
    return failure();
  if (part != Part::Train && (failed(open("folded", Phase::Inference, FoldMode::On)) ||
                              failed(open("unfolded", Phase::Inference, FoldMode::Off))))
    return failure();
  if (failed(makeSamples()) || failed(readValues()))
    return failure();
  for (Program &program : programs)
    if (failed(runInference(program)))
      return failure();
  if (training && failed(runTraining(*training)))
    return failure();
  allEvaluations = (programs.empty() ? 0 : programs.size() + 1) + (training ? 5 : 0);
  bar = std::make_unique<ProgressBar>("evaluating");
  if ((!programs.empty() && failed(compareInference())) || (training && failed(compareTraining())))
    return failure();
  bar.reset();
  return finish();
}

LogicalResult bnc::runVerify(const VerifyCommand &command) { return Verification(command).run(); }
