//===- Importer.cpp - ONNX model file to bnc ------------------------------===//
//
// Order of work: names, live nodes in an order that follows the data, unsupported op types (all at once), inputs, one
// node after another, outputs. Nothing here knows what an op means.
//
//===----------------------------------------------------------------------===//

#include "compiler/Import/Onnx/BatchStatistics.h"
#include "compiler/Import/Onnx/Importer.h"

#include "compiler/Import/Onnx/GraphImporter.h"
#include "compiler/Import/Onnx/Producer.h"
#include "compiler/Support/Locations.h"

#include "mlir/IR/Iterators.h"
#include "mlir/IR/Verifier.h"
#include "mlir/Interfaces/SideEffectInterfaces.h"
#include "llvm/ADT/MapVector.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/Support/Path.h"

#include <queue>

using namespace mlir;
using namespace bnc;
using namespace bnc::onnx;

GraphImporter::GraphImporter(MLIRContext &context, StringRef path, const Model &model, const ImportOptions &options)
    : model(model), options(options), builder(&context), runningVariance(RunningVariance::Population), context(context),
      file(llvm::sys::path::filename(path)),
      graphName(makeIdentifier(options.name.empty() ? llvm::sys::path::stem(path) : StringRef(options.name))),
      fileLoc(getFileLocation(&context, file)) {
  weightsAreConstantNodes =
      llvm::none_of(model.initializers, [](const Tensor &tensor) { return isFloat(tensor.type); });
}

Location GraphImporter::locate(const Node &node) {
  return getNodeLocation(&context, file, node.name, node.opType, node.index);
}

//===----------------------------------------------------------------------===//
// Names and order
//===----------------------------------------------------------------------===//

LogicalResult GraphImporter::indexNames() {
  for (const Tensor &tensor : model.initializers) {
    if (tensor.name.empty())
      return emitError(fileLoc) << "has an initializer without a name";
    if (!initializers.try_emplace(tensor.name, &tensor).second)
      return emitError(fileLoc) << "has two initializers called '" << tensor.name << "'";
  }
  llvm::StringMap<const ValueInfo *> inputs;
  for (const ValueInfo &input : model.inputs)
    if (input.name.empty() || !inputs.try_emplace(input.name, &input).second)
      return emitError(fileLoc) << "has two inputs called '" << input.name << "', or one without a name";
  for (const Node &node : model.nodes)
    for (const std::string &output : node.outputs)
      if (!output.empty() &&
          (initializers.count(output) || inputs.count(output) || !producers.try_emplace(output, &node).second))
        return emitError(locate(node)) << "'onnx." << node.opType << "' op writes '" << output
                                       << "', which something else in the graph already defines";
  if (model.outputs.empty())
    return emitError(fileLoc) << "has a graph without outputs";
  auto isDefined = [&](StringRef name) {
    return producers.count(name) || initializers.count(name) || inputs.count(name);
  };
  llvm::StringMap<bool> outputs;
  for (const ValueInfo &output : model.outputs) {
    if (!isDefined(output.name))
      return emitError(fileLoc) << "has the output '" << output.name
                                << "', which no node, input or initializer provides";
    if (!outputs.try_emplace(output.name, true).second)
      return emitError(fileLoc) << "has two outputs called '" << output.name << "'";
  }
  for (const Node &node : model.nodes)
    for (const std::string &input : node.inputs)
      if (!input.empty() && !isDefined(input))
        return emitError(locate(node)) << "'onnx." << node.opType << "' op reads '" << input
                                       << "', which no node, input or initializer provides";
  return success();
}

LogicalResult GraphImporter::orderNodes() {
  // Live: an output of the graph depends on it.
  llvm::DenseSet<const Node *> live;
  SmallVector<const Node *> worklist;
  auto use = [&](StringRef name) {
    ++numUses[name];
    if (const Node *node = producers.lookup(name); node && live.insert(node).second)
      worklist.push_back(node);
  };
  for (const ValueInfo &output : model.outputs)
    use(output.name);
  while (!worklist.empty()) {
    const Node *node = worklist.pop_back_val();
    for (const std::string &input : node->inputs)
      if (!input.empty())
        use(input);
  }

  // Producers first, otherwise in the file's order.
  llvm::DenseMap<const Node *, unsigned> numWaiting;
  llvm::DenseMap<const Node *, SmallVector<const Node *, 2>> readers;
  std::priority_queue<unsigned, std::vector<unsigned>, std::greater<unsigned>> ready;
  for (const Node &node : model.nodes) {
    if (!live.contains(&node))
      continue;
    unsigned &waiting = numWaiting[&node];
    for (const std::string &input : node.inputs)
      if (const Node *producer = producers.lookup(input)) {
        readers[producer].push_back(&node);
        ++waiting;
      }
    if (waiting == 0)
      ready.push(node.index);
  }
  while (!ready.empty()) {
    const Node *node = &model.nodes[ready.top()];
    ready.pop();
    order.push_back(node);
    for (const Node *reader : readers[node])
      if (--numWaiting[reader] == 0)
        ready.push(reader->index);
  }
  if (order.size() == live.size())
    return success();
  for (const Node &node : model.nodes)
    if (live.contains(&node) && numWaiting[&node] > 0)
      return emitError(locate(node)) << "'onnx." << node.opType
                                     << "' op is part of a cycle: its inputs depend on its own output";
  llvm_unreachable("a node is waiting for nothing");
}

LogicalResult GraphImporter::checkOps() {
  if (model.opset < kOldestOpset || model.opset > kNewestOpset) {
    InFlightDiagnostic diag = emitError(fileLoc);
    if (model.opset == 0)
      return diag << "does not say which ONNX opset it uses";
    return diag << "uses ONNX opset " << model.opset << "; expected " << kOldestOpset << " to " << kNewestOpset
                << " (onnx.version_converter converts)";
  }
  struct Unsupported {
    unsigned count = 0;
    const Node *first = nullptr;
  };
  llvm::MapVector<StringRef, Unsupported> unsupported;
  std::deque<std::string> names;
  for (const Node *node : order) {
    names.push_back(nameOfOp(*node));
    if (findImportRule(names.back(), model.opset) || findFoldRule(names.back()))
      continue;
    Unsupported &entry = unsupported[names.back()];
    if (entry.count++ == 0)
      entry.first = node;
  }
  if (unsupported.empty())
    return success();
  InFlightDiagnostic diag = emitError(fileLoc);
  diag << "uses " << unsupported.size()
       << (unsupported.size() == 1 ? " op type that is not supported" : " op types that are not supported")
       << " in opset " << model.opset << ": ";
  std::string hints;
  llvm::interleaveComma(unsupported, diag, [&](const auto &item) {
    const auto &[name, entry] = item;
    std::string first = entry.first->name;
    if (first.empty())
      first = entry.first->opType + "#" + std::to_string(entry.first->index);
    diag << name << (entry.count == 1 ? " (1 node" : " (" + std::to_string(entry.count) + " nodes, first") << " '"
         << first << "')";
    StringRef hint = getUnsupportedOpHint(name);
    if (!hint.empty() && hints.find(hint) == std::string::npos)
      hints += "; " + hint.str();
  });
  return diag << hints;
}

//===----------------------------------------------------------------------===//
// Inputs, nodes, outputs
//===----------------------------------------------------------------------===//

LogicalResult GraphImporter::bindInputs() {
  SmallVector<Type> types;
  SmallVector<mlir::Attribute> attributes;
  SmallVector<StringRef> names;
  for (const ValueInfo &input : model.inputs) {
    if (initializers.count(input.name))
      continue;
    if (numUses.lookup(input.name) == 0) {
      emitRemark(fileLoc) << "input '" << input.name << "' is dropped: no output depends on it";
      continue;
    }
    auto error = [&] { return emitError(fileLoc) << "input '" << input.name << "' "; };
    if (!input.isTensor)
      return error() << "is no tensor; sequences, maps and optional values are not supported";
    if (!isFloat(input.type))
      return error() << "holds " << getTypeName(input.type) << " elements; expected float";
    if (input.type != DataType::Float)
      emitWarning(fileLoc) << "input '" << input.name << "' holds " << getTypeName(input.type)
                           << " elements in the file; here it takes float, and everything is computed in float";
    if (!input.hasShape)
      return error() << "has no shape in the file; its rank must be known";
    SmallVector<int64_t> shape(input.shape);
    for (auto [dim, size] : llvm::enumerate(input.shape))
      if (dim > 0 && size < 0)
        return error() << "has unknown size in dimension " << dim
                       << (input.symbols[dim].empty() ? "" : " ('" + input.symbols[dim] + "')")
                       << "; only the batch, dimension 0, may be unknown: export with fixed sizes";
    if (!shape.empty()) {
      if (names.empty())
        fileBatch = shape[0];
      if (options.batch && (shape[0] < 0 || shape[0] == fileBatch))
        shape[0] = *options.batch;
      else if (shape[0] < 0)
        shape[0] = ShapedType::kDynamic;
    }
    SmallVector<int64_t> sizes(shape);
    if (!sizes.empty() && ShapedType::isDynamic(sizes[0]))
      sizes[0] = 1;
    if (countElements(sizes).value_or(0) == 0 || llvm::any_of(sizes, [](int64_t size) { return size > INT32_MAX; }))
      return error() << "has the shape " << formatShape(shape)
                     << "; expected sizes that are positive and fit in memory";
    names.push_back(input.name);
    types.push_back(RankedTensorType::get(shape, builder.getF32Type()));
    attributes.push_back(builder.getDictionaryAttr(builder.getNamedAttr(kNameAttr, builder.getStringAttr(input.name))));
  }

  module = ModuleOp::create(fileLoc);
  (*module)->setAttr(kPhaseAttr, builder.getStringAttr("import"));
  (*module)->setAttr(kWeightsAttr, builder.getStringAttr(file));
  builder.setInsertionPointToEnd(module->getBody());
  graph = GraphOp::create(builder, fileLoc, GraphKind::Model, graphName, builder.getFunctionType(types, {}));
  graph.setArgAttrsAttr(builder.getArrayAttr(attributes));
  Block &body = graph.getBody().emplaceBlock();
  for (auto [name, type] : llvm::zip(names, types))
    bindings[name] = Binding::computed(body.addArgument(type, fileLoc), /*fromData=*/true);
  for (const Tensor &tensor : model.initializers)
    bindings[tensor.name] = Binding::of(StoredView{&tensor, tensor.name, /*isConstantNode=*/false, {}, tensor.shape});
  builder.setInsertionPointToEnd(&body);
  return success();
}

/// Computes the node at import if everything it reads is known. None if it is not to be (an error may be reported).
static std::optional<HostTensor> foldNode(NodeImporter &importer) {
  const FoldRule *rule = findFoldRule(importer.node.opType);
  if (!rule)
    return std::nullopt;
  SmallVector<const HostTensor *> inputs;
  for (unsigned index = 0; index < importer.getNumInputs(); ++index) {
    inputs.push_back(nullptr);
    if (!importer.hasInput(index))
      continue;
    Binding *binding = importer.input(index);
    if (!binding)
      return std::nullopt;
    bool isStored = binding->kind == Binding::Kind::Stored && isFloat(binding->stored->tensor->type);
    if (isStored && (rule->keepsStored || importer.isParameter(*binding->stored)))
      return std::nullopt;
    if (!(inputs.back() = importer.asConstant(*binding)))
      return std::nullopt;
  }
  return rule->fold(importer, inputs);
}

LogicalResult GraphImporter::importNodes() {
  for (const Node *node : order) {
    NodeImporter importer(*this, *node, locate(*node));
    if (std::optional<HostTensor> folded = foldNode(importer)) {
      if (failed(importer.bind(0, Binding::of(std::move(*folded)))))
        return failure();
      continue;
    }
    if (importer.hasFailed())
      return failure();
    if (const ImportRule *rule = findImportRule(nameOfOp(*node), model.opset)) {
      if (failed(rule->import(importer)) || importer.hasFailed())
        return failure();
      continue;
    }
    return importer.error() << "is supported only where its inputs are known when the model is compiled, but they "
                               "depend on the graph's inputs or on parameters";
  }
  return success();
}

LogicalResult GraphImporter::importOutputs() {
  SmallVector<Value> values;
  SmallVector<Type> types;
  SmallVector<mlir::Attribute> attributes;
  for (const ValueInfo &output : model.outputs) {
    Binding &binding = bindings[output.name];
    if (binding.kind == Binding::Kind::Sequence || binding.kind == Binding::Kind::Comparison)
      return emitError(fileLoc) << "output '" << output.name << "' is a sequence or boolean; expected a float tensor";
    if (binding.kind == Binding::Kind::Unsupported)
      return emitError(fileLoc) << "output '" << output.name
                                << "' is one that its node has but the importer does not support";
    if (!binding.fromData) {
      emitRemark(fileLoc) << "output '" << output.name << "' is dropped: it does not depend on the values of any input";
      continue;
    }
    Value value = binding.value;
    if (const Node *producer = producers.lookup(output.name)) {
      NodeImporter importer(*this, *producer, locate(*producer));
      if (!(value = importer.materialize(binding)))
        return failure();
    }
    values.push_back(value);
    types.push_back(value.getType());
    attributes.push_back(
        builder.getDictionaryAttr(builder.getNamedAttr(kNameAttr, builder.getStringAttr(output.name))));
  }
  if (values.empty())
    return emitError(fileLoc) << "has no output that depends on an input";
  ReturnOp::create(builder, fileLoc, values);
  graph.setFunctionType(builder.getFunctionType(graph.getArgumentTypes(), types));
  graph.setResAttrsAttr(builder.getArrayAttr(attributes));
  return success();
}

Value GraphImporter::readVariable(NodeImporter &node, const StoredView &view, Collection collection) {
  auto [entry, isNew] = variables.try_emplace(view.name);
  Variable &variable = entry->second;
  if (!isNew) {
    if (variable.collection == collection)
      return variable.read;
    node.error() << "uses '" << view.name << "' as a parameter and as a running statistic; exporters merge equal "
                 << "tensors of an untrained model: export with optimize=False, or with trained values";
    return {};
  }
  if (view.name == graphName) {
    node.error() << "uses '" << view.name << "', a tensor with the name of the model; give the model another name";
    return {};
  }
  if (view.tensor->getNumElements() == 0) {
    node.error() << "uses '" << view.name << "', which has no elements";
    return {};
  }
  auto type = RankedTensorType::get(view.tensor->shape, builder.getF32Type());
  OpBuilder atModule(graph);
  VariableOp::create(atModule, node.loc, collection, view.name, type);
  variable = {collection, ReadOp::create(builder, node.loc, type, view.name)};
  weights.add({view.name, view.tensor->shape, std::move(decode(*view.tensor)->floats)});
  return variable.read;
}

//===----------------------------------------------------------------------===//
// Remarks and warnings
//===----------------------------------------------------------------------===//

void GraphImporter::remarkOnUnused() {
  const Tensor *first = nullptr;
  unsigned count = 0;
  for (const Tensor &tensor : model.initializers)
    if (numUses.lookup(tensor.name) == 0 && count++ == 0)
      first = &tensor;
  if (first)
    emitRemark(fileLoc) << count << (count == 1 ? " initializer is" : " initializers are")
                        << " dropped: no output depends on " << (count == 1 ? "'" : "them, the first is '")
                        << first->name << "'";
}

void GraphImporter::warnAboutMomentum() {
  auto warn = [](const OddMomentum &odd, StringRef consequence) {
    if (odd.count == 0)
      return;
    InFlightDiagnostic diag = emitWarning(*odd.first) << "'onnx.BatchNormalization' op " << consequence;
    if (odd.count > 1)
      diag << " (" << odd.count << " such nodes, this is the first)";
  };
  warn(momentumOne, "has momentum 1: training will leave its running statistics as they are");
  warn(momentumZero, "has momentum 0: its running statistics will be those of the last batch");
}

FailureOr<ImportedModel> GraphImporter::run() {
  llvm::Expected<RunningVarianceChoice> choice = chooseRunningVariance(model, options.runningVariance);
  if (!choice)
    return emitError(fileLoc) << toString(choice.takeError());
  runningVariance = choice->variance;
  if (failed(indexNames()) || failed(orderNodes()) || failed(checkOps()) || failed(bindInputs()) ||
      failed(importNodes()) || failed(importOutputs()))
    return failure();
  // Reads that only folding looked at, and what was built for values that nobody took.
  graph.walk<WalkOrder::PostOrder, ReverseIterator>([](Operation *op) {
    if (isOpTriviallyDead(op))
      op->erase();
  });
  if (failed(verify(*module)))
    return failure();

  if (movesStatistics)
    emitRemark(fileLoc) << "running variances follow the " << stringifyRunningVariance(runningVariance)
                        << " variance of a batch: " << choice->reason;
  warnAboutMomentum();
  remarkOnUnused();
  ImportedModel result;
  result.batchNormFolded = isBatchNormFolded(model);
  if (result.batchNormFolded)
    (*module)->setAttr(kBatchNormFoldedAttr, builder.getUnitAttr());
  result.module = std::move(module);
  result.weights = std::move(weights);
  return result;
}

static void appendFiles(StringRef path, const Model &model, std::vector<std::string> &files) {
  files.push_back(path.str());
  llvm::append_range(files, model.externalFiles);
}

FailureOr<ImportedModel> bnc::importOnnx(MLIRContext &context, StringRef path, const ImportOptions &options) {
  context.loadDialect<BncDialect>();
  llvm::Expected<Model> model = readOnnxFile(path);
  if (!model)
    return emitError(getFileLocation(&context, llvm::sys::path::filename(path))) << toString(model.takeError());
  dropBatchStatistics(*model);
  FailureOr<ImportedModel> imported = GraphImporter(context, path, *model, options).run();
  if (succeeded(imported))
    appendFiles(path, *model, imported->files);
  return imported;
}

llvm::Expected<Weights> bnc::readOnnxWeights(StringRef path, std::vector<std::string> &files) {
  llvm::Expected<Model> model = readOnnxFile(path);
  if (!model)
    return model.takeError();
  appendFiles(path, *model, files);
  Weights weights;
  auto add = [&](const std::string &name, const Tensor &tensor) {
    if (isFloat(tensor.type))
      weights.add({name, tensor.shape, std::move(decode(tensor)->floats)});
  };
  for (const Tensor &tensor : model->initializers)
    add(tensor.name, tensor);
  for (const Node &node : model->nodes)
    if (const bnc::onnx::Attribute *value = node.find("value");
        value && node.opType == "Constant" && node.outputs.size() == 1)
      add(node.outputs[0], value->tensor);
  return weights;
}
