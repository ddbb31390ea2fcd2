//===- bnc-evaluate.cpp - evaluate a graph, check its gradients -------------------===//
//
// A tool for tests: runs the reference evaluator on the graph of an .mlir file.
//
//===----------------------------------------------------------------------===//

#include "compiler/Reference/CheckGradients.h"
#include "compiler/Reference/Random.h"
#include "compiler/Support/Diagnostics.h"
#include "compiler/Support/Npy.h"
#include "compiler/Support/Safetensors.h"
#include "compiler/Transforms/Passes.h"
#include "compiler/Transforms/ReverseSweep.h"

#include "mlir/IR/Verifier.h"
#include "mlir/Parser/Parser.h"
#include "mlir/Pass/PassManager.h"
#include "llvm/Support/CommandLine.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/FormatVariadic.h"
#include "llvm/Support/InitLLVM.h"
#include "llvm/Support/Path.h"

using namespace mlir;
using namespace bnc;
namespace cl = llvm::cl;

static cl::opt<std::string> modelPath(cl::Positional, cl::Required, cl::desc("<graph.mlir>"));
static cl::opt<std::string> graphName("graph", cl::desc("the graph to evaluate; the only one if not given"));
static cl::list<std::string> inputFiles("input", cl::desc("value of an input: NAME=x.npy"));
static cl::list<std::string> variableFiles("variable", cl::desc("value of a variable: NAME=x.npy"));
static cl::opt<std::string> weightsPath("variables", cl::desc("values of variables: w.safetensors"));
static cl::opt<bool> fillRandom("random", cl::desc("give what has no value a random one: floats in [-1, 1), variances "
                                                   "and statistics in [0.5, 1.5), integers 0 or 1, labels class ids"));
static cl::opt<uint64_t> seed("seed", cl::init(0), cl::desc("seed of random values"));
static cl::opt<int64_t> batchSize("batch", cl::init(2), cl::desc("batch of random inputs"));
static cl::opt<std::string> outputDir("output-dir", cl::desc("folder for results and assigned variables, each a .npy"));
static cl::opt<bool> gradients("check-gradients", cl::desc("compare the gradients of a model graph with respect to its "
                                                           "float inputs and params with finite differences"));
static cl::opt<double> tolerance("tolerance", cl::init(1e-6), cl::desc("largest relative error of a gradient"));
static cl::opt<unsigned> directions("directions", cl::init(3), cl::desc("random directions per operand"));

static TrainingNumbers numbers;
static cl::opt<double, true> lr("lr", cl::location(numbers.learningRate), cl::desc("learning rate"));
static cl::list<std::string> optimizerNumbers("number", cl::desc("a number of the optimizer: NAME=VALUE"));
static cl::opt<int64_t, true> step("step", cl::location(numbers.step), cl::desc("1 in the first step"));
static cl::opt<uint64_t, true> dropoutSeed("dropout-seed", cl::location(numbers.seed), cl::desc("seed of dropout"));
static cl::opt<uint64_t, true> passes("passes", cl::location(numbers.passes), cl::desc("forward passes before this one"));

static LogicalResult error(const Twine &message) {
  llvm::errs() << "error: " << message << "\n";
  return failure();
}

//===----------------------------------------------------------------------===//
// Values
//===----------------------------------------------------------------------===//

static std::string inputName(GraphOp graph, unsigned index) {
  StringRef name = graph.getInputName(index);
  return name.empty() ? "input" + std::to_string(index) : name.str();
}

static FailureOr<Tensor> readTensor(StringRef path, Type elementType) {
  llvm::Expected<NpyArray> array = readNpy(path);
  if (!array)
    return error(path + ": " + llvm::toString(array.takeError()));
  Tensor tensor(elementType, array->shape);
  bool isInteger = array->type != NpyType::F32 && array->type != NpyType::F64;
  if (tensor.isReal())
    tensor.reals = array->toDoubles();
  else if (!isInteger)
    return error(path + ": has elements of type " + getNpyTypeName(array->type) + "; expected integers");
  else
    for (auto [to, from] : llvm::zip_equal(tensor.integers, array->toIntegers()))
      to = wrap(from, cast<IntegerType>(elementType));
  return tensor;
}

/// The files of a list of NAME=FILE. Each name is taken out when it is used; what is left names nothing.
static FailureOr<std::map<std::string, std::string>> parseFiles(StringRef option, ArrayRef<std::string> arguments) {
  std::map<std::string, std::string> files;
  for (StringRef argument : arguments) {
    auto [name, path] = argument.rsplit('=');
    if (path.empty() || !files.emplace(name.str(), path.str()).second)
      return error("--" + option + "=" + argument + ": expected NAME=FILE, each name once");
  }
  return files;
}

/// Random values that suit what uses `value`: positive variances, class ids as labels.
static Tensor randomFor(Value value, std::mt19937_64 &generator) {
  auto type = cast<RankedTensorType>(value.getType());
  auto shape =
      llvm::map_to_vector(type.getShape(), [](int64_t size) { return ShapedType::isDynamic(size) ? batchSize : size; });
  double low = isa<FloatType>(type.getElementType()) ? -1 : 0, high = low + 2;
  auto positive = [&](Value variance) {
    if (variance == value)
      low = 0.5, high = 1.5;
  };
  for (Operation *user : value.getUsers()) {
    if (auto op = dyn_cast<NormalizeOp>(user))
      positive(op.getVariance());
    if (auto op = dyn_cast<BatchNormOp>(user))
      positive(op.getVariance());
    if (auto op = dyn_cast<LossOp>(user); op && op.getLabels() == value && isa<IntegerType>(type.getElementType()))
      high = op.getOutput().getType().getShape().back();
  }
  return randomTensor(type.getElementType(), shape, generator, low, high);
}

static FailureOr<SmallVector<Tensor>> makeInputs(GraphOp graph, std::mt19937_64 &generator) {
  auto files = parseFiles("input", inputFiles);
  if (failed(files))
    return failure();
  SmallVector<Tensor> inputs;
  for (BlockArgument argument : graph.getArguments()) {
    std::string name = inputName(graph, argument.getArgNumber());
    if (auto file = files->find(name); file != files->end()) {
      FailureOr<Tensor> tensor = readTensor(file->second, cast<RankedTensorType>(argument.getType()).getElementType());
      if (failed(tensor))
        return failure();
      inputs.push_back(std::move(*tensor));
      files->erase(file);
    } else if (fillRandom || gradients) {
      inputs.push_back(randomFor(argument, generator));
    } else {
      return error("input '" + name + "' has no value; give --input=" + name + "=FILE or --random");
    }
  }
  if (!files->empty())
    return error("--input=" + files->begin()->first + ": @" + graph.getSymName() + " has no input of that name");
  return inputs;
}

static FailureOr<std::map<std::string, Tensor>> makeVariables(ModuleOp module, std::mt19937_64 &generator) {
  auto files = parseFiles("variable", variableFiles);
  if (failed(files))
    return failure();
  SafetensorsFile weights;
  if (!weightsPath.empty()) {
    llvm::Expected<SafetensorsFile> file = readSafetensors(weightsPath);
    if (!file)
      return error(weightsPath + ": " + llvm::toString(file.takeError()));
    weights = std::move(*file);
  }
  std::map<std::string, Tensor> variables;
  for (auto variable : module.getOps<VariableOp>()) {
    auto type = cast<RankedTensorType>(variable.getType());
    std::string name = variable.getSymName().str();
    Tensor tensor(type.getElementType(), type.getShape());
    if (auto file = files->find(name); file != files->end()) {
      FailureOr<Tensor> read = readTensor(file->second, type.getElementType());
      if (failed(read))
        return failure();
      tensor = std::move(*read);
      files->erase(file);
    } else if (const NamedTensor *weight = weights.findWeight(name); weight && tensor.isReal()) {
      tensor.shape = weight->shape;
      tensor.reals.assign(weight->data.begin(), weight->data.end());
    } else if (fillRandom || gradients) {
      double low = variable.getCollection() == Collection::BatchStats ? 0.5 : -1;
      tensor = randomTensor(type.getElementType(), type.getShape(), generator, low, low < 0 ? 1 : 1.5);
    } else {
      return error("variable '" + name + "' has no value; give --variables=FILE, --variable=" + name +
                   "=FILE or --random");
    }
    if (ArrayRef<int64_t>(tensor.shape) != type.getShape())
      return error("variable '" + name + "' has shape " + shapeText(type.getShape()) + ", found a value of shape " +
                   shapeText(tensor.shape));
    variables[name] = std::move(tensor);
  }
  if (!files->empty())
    return error("--variable=" + files->begin()->first + ": the module has no variable of that name");
  return variables;
}

//===----------------------------------------------------------------------===//
// Evaluation
//===----------------------------------------------------------------------===//

static LogicalResult writeTensors(GraphOp graph, const Evaluation &evaluation) {
  std::map<std::string, const Tensor *> files;
  auto add = [&](std::string name, const Tensor &tensor) {
    std::replace(name.begin(), name.end(), '/', '_');
    return files.emplace(name, &tensor).second;
  };
  for (auto [index, result] : llvm::enumerate(evaluation.results)) {
    StringRef name = graph.getOutputName(index);
    if (!add(name.empty() ? "result" + std::to_string(index) : name.str(), result))
      return error("two values would be written to '" + name + ".npy'");
  }
  for (const auto &[name, tensor] : evaluation.assigned)
    if (!add(name, tensor))
      return error("two values would be written to '" + name + ".npy'");
  if (std::error_code code = llvm::sys::fs::create_directories(outputDir))
    return error(outputDir + ": cannot be created: " + code.message());
  for (const auto &[name, tensor] : files) {
    SmallString<128> path(outputDir);
    llvm::sys::path::append(path, name + ".npy");
    NpyArray array = tensor->isReal() ? makeNpyArray(tensor->shape, tensor->reals)
                                      : makeNpyArray(tensor->shape, ArrayRef<int64_t>(tensor->integers));
    if (llvm::Error failure = writeNpy(path, array))
      return error(path + ": " + llvm::toString(std::move(failure)));
  }
  return success();
}

//===----------------------------------------------------------------------===//
// Gradients
//===----------------------------------------------------------------------===//

/// Replaces every batch normalization by its training form.
static LogicalResult expandBatchNorm(ModuleOp module) {
  PassManager passes(module.getContext());
  SpecializePassOptions options;
  options.phase = GraphKind::Training;
  passes.addPass(createSpecializePass(options));
  passes.addPass(createExpandBatchNormPass());
  return passes.run(module);
}

/// A graph that takes the inputs of `graph` and a gradient for each of its float results, and returns the gradients
/// with respect to `operands`.
static FailureOr<GraphOp> buildBackward(GraphOp graph, ArrayRef<GradientOperand> operands) {
  OpBuilder builder(graph);
  GraphOp backward = graph.clone();
  backward.setSymName((graph.getSymName() + "_gradients").str());
  builder.insert(backward);
  Block &body = backward.getBody().front();
  for (auto assign : llvm::make_early_inc_range(body.getOps<AssignOp>()))
    assign.erase();
  auto terminator = cast<ReturnOp>(body.getTerminator());
  SmallVector<Value> outputs, outputGradients, wanted;
  for (Value value : terminator.getValues())
    if (isa<FloatType>(cast<RankedTensorType>(value.getType()).getElementType())) {
      outputs.push_back(value);
      outputGradients.push_back(body.addArgument(value.getType(), value.getLoc()));
    }
  // Every read of a variable is a value of its own.
  std::map<std::string, SmallVector<Value>> reads;
  for (auto read : body.getOps<ReadOp>())
    reads[read.getVariable().str()].push_back(read);
  for (const GradientOperand &operand : operands)
    if (operand.isVariable)
      wanted.append(reads[operand.name]);
    else
      wanted.push_back(body.getArgument(operand.input));

  builder.setInsertionPoint(terminator);
  FailureOr<SmallVector<Value>> gradients = differentiate(builder, outputs, outputGradients, wanted);
  if (failed(gradients))
    return failure();
  SmallVector<Value> results;
  size_t next = 0;
  for (const GradientOperand &operand : operands) {
    Value like = wanted[next], sum;
    for (size_t i = 0, e = operand.isVariable ? reads[operand.name].size() : 1; i < e; ++i)
      if (Value gradient = (*gradients)[next++])
        sum = sum ? AddOp::create(builder, terminator.getLoc(), sum, gradient) : gradient;
    if (!sum)
      sum = SubOp::create(builder, terminator.getLoc(), like, like);
    results.push_back(sum);
  }
  terminator.getValuesMutable().assign(results);
  backward.setFunctionType(builder.getFunctionType(body.getArgumentTypes(), ValueRange(results).getTypes()));
  backward.removeArgAttrsAttr();
  backward.removeResAttrsAttr();
  return backward;
}

static LogicalResult runGradientCheck(const Evaluator &evaluator, GraphOp graph, ArrayRef<Tensor> inputs) {
  auto module = graph->getParentOfType<ModuleOp>();
  SmallVector<GradientOperand> operands;
  for (auto [index, input] : llvm::enumerate(inputs))
    if (input.isReal())
      operands.push_back({inputName(graph, index), false, static_cast<unsigned>(index)});
  for (auto variable : module.getOps<VariableOp>()) {
    bool isRead = llvm::any_of(graph.getBody().getOps<ReadOp>(),
                               [&](ReadOp read) { return read.getVariable() == variable.getSymName(); });
    if (isRead && variable.getCollection() == Collection::Params)
      operands.push_back({variable.getSymName().str(), true, 0});
  }
  FailureOr<GraphOp> backward = buildBackward(graph, operands);
  if (failed(backward) || failed(mlir::verify(*backward)))
    return failure();
  auto errors = checkGradients(evaluator, graph, *backward, inputs, operands, seed, directions);
  if (failed(errors))
    return failure();
  bool passed = true;
  for (const GradientError &row : *errors) {
    bool good = row.error <= tolerance;
    passed &= good;
    llvm::outs() << llvm::formatv("{0}: relative error {1:e2}{2}{3}\n", row.name, row.error,
                                  row.kinks ? llvm::formatv(", {0} kinks skipped", row.kinks).str() : "",
                                  good ? "" : llvm::formatv(" exceeds {0:e2}", tolerance.getValue()).str());
  }
  return success(passed);
}

//===----------------------------------------------------------------------===//
// Main
//===----------------------------------------------------------------------===//

/// The graph to evaluate; null, with an error, if it is not clear which.
static GraphOp findGraphToEvaluate(ModuleOp module) {
  SmallVector<GraphOp> graphs;
  for (auto graph : module.getOps<GraphOp>())
    if (graphName.empty() || graph.getSymName() == graphName)
      graphs.push_back(graph);
  if (graphs.size() == 1)
    return graphs.front();
  (void)error(modelPath + ": holds " + Twine(graphs.size()) + " graphs" +
              (graphName.empty() ? "; expected one, or its name in --graph=" : " of the name @" + graphName));
  return nullptr;
}

static LogicalResult run(MLIRContext &context) {
  OwningOpRef<ModuleOp> module = parseSourceFile<ModuleOp>(modelPath, &context);
  if (!module)
    return failure();
  if (gradients && module->walk([](BatchNormOp) { return WalkResult::interrupt(); }).wasInterrupted() &&
      failed(expandBatchNorm(*module)))
    return failure();
  GraphOp graph = findGraphToEvaluate(*module);
  if (!graph)
    return failure();
  std::mt19937_64 generator(seed);
  FailureOr<SmallVector<Tensor>> inputs = makeInputs(graph, generator);
  if (failed(inputs))
    return failure();
  FailureOr<std::map<std::string, Tensor>> variables = makeVariables(*module, generator);
  if (failed(variables))
    return failure();
  for (StringRef argument : optimizerNumbers) {
    auto [name, text] = argument.split('=');
    double value;
    if (text.getAsDouble(value))
      return error("--number=" + argument + ": expected NAME=VALUE");
    numbers.optimizer[name.str()] = value;
  }
  Evaluator evaluator(std::move(*variables), numbers);
  if (gradients)
    return runGradientCheck(evaluator, graph, *inputs);
  FailureOr<Evaluation> evaluation = evaluator.evaluate(graph, *inputs);
  if (failed(evaluation))
    return failure();
  return outputDir.empty() ? success() : writeTensors(graph, *evaluation);
}

int main(int argc, char **argv) {
  llvm::InitLLVM init(argc, argv);
  cl::ParseCommandLineOptions(argc, argv, "evaluate a graph in double\n");
  DialectRegistry registry;
  registry.insert<BncDialect>();
  MLIRContext context(registry, MLIRContext::Threading::DISABLED);
  DiagnosticPrinter printer(context);
  return failed(run(context));
}
