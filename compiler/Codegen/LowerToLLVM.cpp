//===- LowerToLLVM.cpp - programs, records and the descriptor ---------------------===//
//
// Phase `llvm`: each program is a function that calls one bnc_rt_* step after the other with a constant record; the
// descriptor of model_abi.h ties them together; the model's public functions pass it on to the runtime.
//
//===----------------------------------------------------------------------===//

#include "compiler/Codegen/Codegen.h"
#include "compiler/Codegen/EntryPoints.h"
#include "compiler/Codegen/Records.h"
#include "compiler/Kernels/Compile.h"
#include "compiler/Kernels/Interface.h"
#include "ir/Optimizers.h"

#include "bnc/model_abi.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"

#include <functional>
#include <set>

using namespace mlir;
using namespace bnc;

GraphOp bnc::graphOf(ModuleOp module, GraphKind kind) {
  for (GraphOp graph : module.getOps<GraphOp>())
    if (graph.getKind() == kind)
      return graph;
  return nullptr;
}

unsigned bnc::outputGradientsOf(GraphOp graph) {
  unsigned count = 0;
  for (unsigned i = 0; i < graph.getNumArguments(); ++i)
    count += graph.getArgAttr(i, "bnc.output_gradient") != nullptr;
  return count;
}

unsigned bnc::inputsOf(GraphOp graph) {
  unsigned extra = graph.getKind() != GraphKind::Training ? 0 : std::max(1u, outputGradientsOf(graph));
  return graph.getNumArguments() - extra;
}

GraphOp bnc::graphWithOutputs(GraphOp training, GraphOp inference) {
  return inference ? inference : training && outputGradientsOf(training) ? training : GraphOp();
}

namespace {
/// A constant of the descriptor: a number, or the address of a symbol ("" is null).
struct Constant {
  enum Kind { Int32, Int64, Double, Address } kind;
  int64_t number = 0;
  double real = 0;
  std::string symbol = {};
};
Constant i32(int64_t value) { return {Constant::Int32, value}; }
Constant i64(int64_t value) { return {Constant::Int64, value}; }
Constant f64(double value) { return {Constant::Double, 0, value}; }
Constant address(StringRef symbol) { return {Constant::Address, 0, 0, symbol.str()}; }
Constant null() { return address(""); }

class Emitter {
public:
  Emitter(ModuleOp module, const CodegenOptions &options, const Target &target)
      : module(module), options(options), target(target), builder(module.getBodyRegion()), pointer(LLVM::LLVMPointerType::get(module.getContext())) {
    builder.setInsertionPointToEnd(module.getBody());
  }

  LogicalResult run() {
    training = graphOf(module, GraphKind::Training);
    inference = graphOf(module, GraphKind::Inference);
    if (training && (failed(emitProgram(training, 0, "train_forward")) || failed(emitProgram(training, 1, "train_backward")) ||
                     failed(emitProgram(training, 2, "train_commit")) || failed(emitProgram(training, 3, "train_update"))))
      return failure();
    if (inference && (failed(emitProgram(inference, 0, "infer_fold")) || failed(emitProgram(inference, 1, "infer_run"))))
      return failure();
    emitDescriptor();
    for (const EntryPoint &entry : entryPoints())
      if (isPresent(entry, training, inference))
        emitEntryPoint(entry);
    module->setAttr(kPhaseAttr, builder.getStringAttr("llvm"));
    return success();
  }

private:
  std::string local(const llvm::Twine &name) { return (options.name + "." + name).str(); }
  Location loc() { return module.getLoc(); }

  //===-- Constants ---------------------------------------------------------------===//

  LLVM::GlobalOp internalGlobal(Type type, StringRef name, Attribute value) {
    return LLVM::GlobalOp::create(builder, loc(), type, /*isConstant=*/true, LLVM::Linkage::Internal, name, value, /*alignment=*/16);
  }

  /// Symbol of a record's words.
  std::string words(ArrayRef<int64_t> values) {
    std::string name = local("record" + llvm::Twine(counter++));
    auto type = LLVM::LLVMArrayType::get(builder.getI64Type(), values.size());
    auto tensor = RankedTensorType::get({int64_t(values.size())}, builder.getI64Type());
    internalGlobal(type, name, DenseElementsAttr::get(tensor, values));
    return name;
  }

  std::string text(StringRef value) {
    auto [found, inserted] = texts.try_emplace(value.str(), "");
    if (!inserted)
      return found->second;
    std::string bytes = value.str() + '\0';
    std::string name = found->second = local("text" + llvm::Twine(counter++));
    internalGlobal(LLVM::LLVMArrayType::get(builder.getI8Type(), bytes.size()), name, builder.getStringAttr(bytes));
    return name;
  }

  Type typeOf(const Constant &constant) {
    switch (constant.kind) {
    case Constant::Int32:
      return builder.getI32Type();
    case Constant::Int64:
      return builder.getI64Type();
    case Constant::Double:
      return builder.getF64Type();
    case Constant::Address:
      return pointer;
    }
    llvm_unreachable("every kind has a case");
  }

  Value materialize(const Constant &constant) {
    switch (constant.kind) {
    case Constant::Int32:
      return LLVM::ConstantOp::create(builder, loc(), builder.getI32Type(), builder.getI32IntegerAttr(constant.number));
    case Constant::Int64:
      return LLVM::ConstantOp::create(builder, loc(), builder.getI64Type(), builder.getI64IntegerAttr(constant.number));
    case Constant::Double:
      return LLVM::ConstantOp::create(builder, loc(), builder.getF64Type(), builder.getF64FloatAttr(constant.real));
    case Constant::Address:
      if (constant.symbol.empty())
        return LLVM::ZeroOp::create(builder, loc(), pointer);
      return LLVM::AddressOfOp::create(builder, loc(), pointer, constant.symbol);
    }
    llvm_unreachable("every kind has a case");
  }

  /// Symbol of an array of structs (C layout); null for no rows.
  Constant table(const llvm::Twine &name, ArrayRef<std::vector<Constant>> rows, bool isPublicStruct = false) {
    if (rows.empty())
      return null();
    SmallVector<Type> fields;
    for (const Constant &field : rows.front())
      fields.push_back(typeOf(field));
    Type row = fields.size() == 1 && !isPublicStruct ? fields.front() : LLVM::LLVMStructType::getLiteral(module.getContext(), fields);
    Type type = isPublicStruct ? row : LLVM::LLVMArrayType::get(row, rows.size());
    std::string symbol = isPublicStruct ? name.str() : local(name);
    auto global = LLVM::GlobalOp::create(builder, loc(), type, /*isConstant=*/true, isPublicStruct ? LLVM::Linkage::External : LLVM::Linkage::Internal,
                                         symbol, Attribute(), /*alignment=*/16);
    OpBuilder::InsertionGuard guard(builder);
    builder.createBlock(&global.getInitializerRegion());
    Value value = LLVM::UndefOp::create(builder, loc(), type);
    for (auto [i, fieldsOfRow] : llvm::enumerate(rows))
      for (auto [j, field] : llvm::enumerate(fieldsOfRow)) {
        SmallVector<int64_t> position;
        if (!isPublicStruct)
          position.push_back(i);
        if (fields.size() > 1 || isPublicStruct)
          position.push_back(j);
        Value constant = materialize(field);
        value = LLVM::InsertValueOp::create(builder, loc(), value, constant, position);
      }
    LLVM::ReturnOp::create(builder, loc(), value);
    return address(symbol);
  }

  Constant integers(const llvm::Twine &name, ArrayRef<int64_t> values) {
    std::vector<std::vector<Constant>> rows;
    for (int64_t value : values)
      rows.push_back({i64(value)});
    return table(name, rows);
  }

  Constant strings(const llvm::Twine &name, ArrayRef<const char *> values, bool terminated = false) {
    std::vector<std::vector<Constant>> rows;
    for (const char *value : values)
      rows.push_back({address(text(value))});
    if (terminated)
      rows.push_back({null()});
    return table(name, rows);
  }

  //===-- Programs -------------------------------------------------------------------===//

  LLVM::LLVMFuncOp declare(StringRef name, Type result, ArrayRef<Type> parameters) {
    if (auto found = module.lookupSymbol<LLVM::LLVMFuncOp>(name))
      return found;
    OpBuilder::InsertionGuard guard(builder);
    builder.setInsertionPointToEnd(module.getBody());
    return LLVM::LLVMFuncOp::create(builder, loc(), name, LLVM::LLVMFunctionType::get(result, parameters));
  }

  Type voidType() { return LLVM::LLVMVoidType::get(module.getContext()); }

  LogicalResult emitProgram(GraphOp graph, int64_t program, StringRef name) {
    FailureOr<std::vector<std::pair<Operation *, Step>>> calls = callsOf(graph, program, target);
    if (failed(calls))
      return failure();
    std::vector<std::string> records;
    for (auto &[op, step] : *calls)
      records.push_back(words(step.words));
    auto function = LLVM::LLVMFuncOp::create(builder, graph.getLoc(), local(name), LLVM::LLVMFunctionType::get(voidType(), {pointer}),
                                             LLVM::Linkage::Internal);
    OpBuilder::InsertionGuard guard(builder);
    Block *entry = function.addEntryBlock(builder);
    builder.setInsertionPointToStart(entry);
    for (auto [index, call] : llvm::enumerate(*calls)) {
      auto &[op, step] = call;
      Location where = op->getLoc();
      SmallVector<Value> arguments{entry->getArgument(0)};
      SmallVector<Type> types{pointer};
      if (!step.kernel.empty()) {
        std::string kernel = step.kernel + "_argv";
        declare(kernel, builder.getI32Type(), {pointer});
        arguments.push_back(LLVM::AddressOfOp::create(builder, where, pointer, kernel));
        types.push_back(pointer);
      }
      arguments.push_back(LLVM::AddressOfOp::create(builder, where, pointer, records[index]));
      types.push_back(pointer);
      LLVM::LLVMFuncOp callee = declare(step.function, voidType(), types);
      LLVM::CallOp::create(builder, where, callee, arguments);
    }
    LLVM::ReturnOp::create(builder, graph.getLoc(), ValueRange{});
    return success();
  }

  //===-- The descriptor ---------------------------------------------------------------===//

  std::vector<Constant> tensorFields(const llvm::Twine &name, StringRef label, RankedTensorType type, bool channelsLast = false) {
    SmallVector<int64_t> shape;
    int64_t count = 1;
    for (auto [dim, size] : llvm::enumerate(type.getShape())) {
      shape.push_back(ShapedType::isDynamic(size) ? -1 : size);
      count *= dim == 0 || ShapedType::isDynamic(size) ? 1 : size;
    }
    int64_t element = type.getElementType().isInteger(32) ? 1 : type.getElementType().isInteger(8) ? 2 : 0;
    return {address(text(label)), i64(type.getRank()), integers(name + ".shape", shape), i64(count), i32(element), i32(channelsLast)};
  }

  /// How fresh values are made: weights of layers by their fans, scales and variances are 1, the rest 0.
  void findInitialization(VariableOp variable, int64_t &kind, int64_t &fanIn, int64_t &fanOut) {
    kind = BNC_INIT_ZEROS;
    SmallVector<Value> values;
    for (GraphOp graph : module.getOps<GraphOp>())
      for (ReadOp read : graph.getBody().getOps<ReadOp>())
        if (read.getVariable() == variable.getSymName())
          values.push_back(read);
    while (!values.empty()) {
      Value value = values.pop_back_val();
      for (OpOperand &use : value.getUses()) {
        Operation *user = use.getOwner();
        if (auto pack = dyn_cast<PackOp>(user)) {
          if (pack.getShape().empty() || (kind == BNC_INIT_WEIGHT && (pack.getBackward() || pack.getUnflatten())))
            continue;
          ArrayRef<int64_t> shape = pack.getShape();
          kind = BNC_INIT_WEIGHT;
          bool swapped = pack.getUnflatten().has_value();
          fanIn = (swapped ? shape[0] : shape[1]) * shape[2] * shape[3];
          fanOut = (swapped ? shape[1] : shape[0]) * shape[2] * shape[3];
        } else if (auto fold = dyn_cast<FoldScaleOp>(user)) {
          if (fold.getValue() == value)
            values.push_back(fold.getResult());
        } else if (isa<CastOp, ReshapeOp, TransposeOp>(user)) {
          values.push_back(user->getResult(0));
        } else if (auto coefficients = dyn_cast<NormalizeCoefficientsOp>(user)) {
          if (value == coefficients.getScale() || value == coefficients.getVariance())
            kind = BNC_INIT_ONES;
        } else if (auto coefficients = dyn_cast<FoldCoefficientsOp>(user)) {
          if (value == coefficients.getScale() || value == coefficients.getVariance())
            kind = BNC_INIT_ONES;
        } else if (auto move = dyn_cast<MoveRunningOp>(user)) {
          if (value == move.getVariance())
            kind = BNC_INIT_ONES;
        }
      }
    }
  }

  Constant variables(int64_t &count) {
    SmallVector<VariableOp> ordered;
    for (VariableOp variable : module.getOps<VariableOp>())
      if (variable.getCollection() != Collection::Optimizer)
        ordered.push_back(variable);
    auto offsetOf = [](VariableOp variable) { return variable->getAttrOfType<IntegerAttr>("bnc.offset").getInt(); };
    // In the file's order; offsets put trainable ones first.
    std::vector<std::vector<Constant>> rows;
    for (auto [index, variable] : llvm::enumerate(ordered)) {
      variableIndex[variable.getSymName()] = index;
      auto type = cast<RankedTensorType>(variable.getType());
      bool params = variable.getCollection() == Collection::Params;
      int64_t kind, fanIn = 0, fanOut = 0;
      findInitialization(variable, kind, fanIn, fanOut);
      bool moves = params && variable.getTrainable() && offsetOf(variable) < intAttr(module, "bnc.trainable_floats");
      rows.push_back({address(text(variable.getSymName())), i32(params ? BNC_COLLECTION_PARAMS : BNC_COLLECTION_BATCH_STATS), i32(moves),
                      i64(type.getRank()), integers("variable" + llvm::Twine(index) + ".shape", type.getShape()), i64(offsetOf(variable)),
                      i64(type.getNumElements()), i32(kind), i64(fanIn), i64(fanOut)});
    }
    count = rows.size();
    return table("variables", rows);
  }

  Constant running(int64_t &count) {
    std::vector<std::vector<Constant>> rows;
    auto location = [&](Value value, std::vector<Constant> &row) {
      StorageAttr storage = storageOf(value);
      row.push_back(i64(static_cast<int64_t>(storage.getSpace())));
      row.push_back(i64(storage.getOffset()));
    };
    auto indexOf = [&](Value value) -> int64_t {
      auto read = value.getDefiningOp<ReadOp>();
      return read ? variableIndex.lookup(read.getVariable()) : -1;
    };
    for (MoveRunningOp move : training.getBody().getOps<MoveRunningOp>()) {
      // A second use of one BatchNorm continues from the first: its statistics count once, with the first.
      int64_t mean = indexOf(move.getMean()), variance = indexOf(move.getVariance());
      if (mean < 0 || variance < 0)
        continue;
      std::vector<Constant> row{i64(mean), i64(variance), i64(cast<RankedTensorType>(move.getMean().getType()).getDimSize(0)),
                                i64(move.getRunningVariance() == RunningVariance::Sample)};
      location(move.getBatchMean(), row);
      location(move.getBatchVariance(), row);
      location(move.getCount(), row);
      rows.push_back(row);
    }
    count = rows.size();
    return table("running", rows);
  }

  std::vector<Constant> graphFields(GraphOp graph) {
    if (!graph)
      return {i64(0), i64(0), i64(0), i64(0), null()};
    int64_t scratch = 0;
    for (Operation &op : graph.getBody().front())
      scratch = std::max(scratch, scratchOf(&op, target));
    std::vector<std::vector<Constant>> rooms;
    if (auto pairs = graph->getAttrOfType<DenseI64ArrayAttr>("bnc.gradient_rooms"))
      for (int64_t i = 0; i < pairs.size(); i += 2)
        rooms.push_back({i64(pairs[i]), i64(pairs[i + 1])});
    return {i64(intAttr(graph, "bnc.scaled_bytes")), i64(intAttr(graph, "bnc.fixed_bytes")), i64(scratch), i64(rooms.size()),
            table("rooms", rooms)};
  }

  static int64_t intAttr(Operation *op, StringRef name) {
    auto attribute = op->getAttrOfType<IntegerAttr>(name);
    return attribute ? attribute.getInt() : 0;
  }

  /// Address of data that an object of its own holds.
  Constant dataAddress(StringRef symbol) {
    auto global = LLVM::GlobalOp::create(builder, loc(), builder.getI8Type(), /*isConstant=*/true, LLVM::Linkage::External, symbol, Attribute());
    global.setVisibility_(LLVM::Visibility::Hidden);
    return address(symbol);
  }

  int64_t fixedBatch() {
    GraphOp graph = inference ? inference : training;
    auto type = cast<RankedTensorType>(graph.getArgumentTypes().front());
    return type.isDynamicDim(0) ? 0 : type.getDimSize(0);
  }

  void emitDescriptor() {
    std::vector<Constant> fields;
    auto add = [&](std::initializer_list<Constant> constants) { fields.insert(fields.end(), constants); };
    auto addAll = [&](const std::vector<Constant> &constants) { fields.insert(fields.end(), constants.begin(), constants.end()); };
    int64_t variableCount, runningCount = 0;
    Constant variableTable = variables(variableCount);

    GraphOp any = inference ? inference : training;
    unsigned inputCount = inputsOf(any);
    std::vector<std::vector<Constant>> inputs, outputs;
    for (unsigned i = 0; i < inputCount; ++i)
      inputs.push_back(tensorFields("input" + llvm::Twine(i), any.getInputName(i), cast<RankedTensorType>(any.getArgumentTypes()[i]),
                                    any.getArgAttr(i, kLayoutAttr) != nullptr));
    if (GraphOp whole = graphWithOutputs(training, inference))
      for (auto [i, type] : llvm::enumerate(whole.getResultTypes()))
        outputs.push_back(tensorFields("output" + llvm::Twine(i), whole.getOutputName(i), cast<RankedTensorType>(type)));

    add({i32(BNC_ABI_MAGIC), i32(BNC_ABI_VERSION), address(text(options.name)), address(text(target.name)),
         strings("features", target.requiredFeatures, /*terminated=*/true), i64(fixedBatch())});
    add({i64(variableCount), variableTable, i64(intAttr(module, "bnc.variables_floats")), i64(intAttr(module, "bnc.trainable_floats")),
         options.embedWeights && training ? dataAddress(valuesSymbol(options.name)) : null()});
    add({i64(inputs.size()), i64(outputs.size()), table("inputs", inputs), table("outputs", outputs)});

    addAll(graphFields(training));
    if (training) {
      add({address(local("train_forward")), address(local("train_backward")), address(local("train_commit")), address(local("train_update"))});
      addTrainingFields(fields, runningCount);
    } else {
      add({null(), null(), null(), null(), i32(BNC_LOSS_NONE), i32(BNC_OUTPUT_LOGITS), i64(0), f64(0)});
      add({null(), i64(0), null(), i64(0), i32(0), i32(0)});              // labels
      add({null(), i64(0), null(), null(), i64(0), null(), f64(0)});      // optimizer
      add({i64(0), null(), i64(1), null()});                     // running
    }
    addAll(graphFields(inference));
    add({i64(inference ? intAttr(inference, "bnc.folded_bytes") : 0), inference ? address(local("infer_fold")) : null(),
         inference ? address(local("infer_run")) : null(), options.embedWeights && inference ? dataAddress(foldedSymbol(options.name)) : null()});
    table(options.name + "_descriptor", {fields}, /*isPublicStruct=*/true);
  }

  /// Training strips a final softmax or sigmoid that the loss contains; the inference graph keeps it.
  int64_t outputKind(LossKind kind) {
    if (!inference)
      return BNC_OUTPUT_LOGITS;
    auto result = dyn_cast<OpResult>(inference.getBody().front().getTerminator()->getOperand(0));
    auto kernel = result ? dyn_cast<KernelOp>(result.getOwner()) : KernelOp();
    Value value = kernel ? kernel.getBody().front().getTerminator()->getOperand(result.getResultNumber()) : Value();
    while (value && isa_and_nonnull<ReshapeOp, StageOp>(value.getDefiningOp()))
      value = value.getDefiningOp()->getOperand(0);
    Operation *last = value ? value.getDefiningOp() : nullptr;
    if (kind == LossKind::SoftmaxCrossEntropy && isa_and_nonnull<SoftmaxOp>(last))
      return BNC_OUTPUT_SOFTMAX;
    return kind == LossKind::BceWithLogits && isa_and_nonnull<SigmoidOp>(last) ? BNC_OUTPUT_SIGMOID : BNC_OUTPUT_LOGITS;
  }

  void addTrainingFields(std::vector<Constant> &fields, int64_t &runningCount) {
    auto add = [&](std::initializer_list<Constant> constants) { fields.insert(fields.end(), constants); };
    LossOp loss;
    training.walk([&](LossOp op) { loss = op; });
    if (loss) {
      LossKind kind = loss.getKind();
      int64_t classes = kind == LossKind::SoftmaxCrossEntropy ? cast<RankedTensorType>(loss.getOutput().getType()).getDimSize(1) : 0;
      int32_t id = kind == LossKind::SoftmaxCrossEntropy ? BNC_LOSS_SOFTMAX_CROSS_ENTROPY : kind == LossKind::Mse ? BNC_LOSS_MSE : BNC_LOSS_BCE_WITH_LOGITS;
      unsigned labels = training.getArgumentTypes().size() - 1;
      add({i32(id), i32(outputKind(kind)), i64(classes), f64(loss.getLabelSmoothing().convertToDouble())});
      std::vector<Constant> labelFields = tensorFields("labels", training.getInputName(labels), cast<RankedTensorType>(training.getArgumentTypes()[labels]));
      fields.insert(fields.end(), labelFields.begin(), labelFields.end());
    } else {
      add({i32(BNC_LOSS_CUSTOM), i32(BNC_OUTPUT_LOGITS), i64(0), f64(0)});
      add({null(), i64(0), null(), i64(0), i32(0), i32(0)});
    }

    OptimizeOp optimize;
    training.walk([&](OptimizeOp op) { optimize = op; });
    if (!optimize) {
      add({address(text("none")), i64(0), null(), null(), i64(0), null(), f64(0)});
    } else {
      OptimizerKind kind = *OptimizerKind::parse(optimize.getOptimizer());
      SmallVector<const char *> names, slots;
      std::vector<std::vector<Constant>> defaults{{f64(kind.defaultLearningRate())}};
      for (const OptimizerNumber *number : kind.numbers()) {
        names.push_back(number->name.data());
        defaults.push_back({f64(kind.defaultOf(*number))});
      }
      for (auto [i, value] : llvm::enumerate(options.hyperDefaults))
        if (i < defaults.size())
          defaults[i] = {f64(value)};
      for (StringRef slot : kind.slots())
        slots.push_back(slot.data());
      add({address(text(optimize.getOptimizer())), i64(names.size()), strings("hyper_names", names), table("hyper_defaults", defaults),
           i64(slots.size()), strings("slot_names", slots), f64(kind.clipEpsilon())});
    }
    Constant runningTable = running(runningCount);
    auto node = training->getAttrOfType<StringAttr>("bnc.minimum_batch_node");
    add({i64(runningCount), runningTable, i64(std::max<int64_t>(1, intAttr(training, "bnc.minimum_batch"))),
         node ? address(text(node.getValue())) : null()});
  }

  //===-- Public functions ----------------------------------------------------------------===//

  Type parameterType(Parameter parameter) {
    switch (parameter) {
    case Parameter::Integer:
      return builder.getI64Type();
    case Parameter::Enumeration:
      return builder.getI32Type();
    case Parameter::Real:
      return builder.getF64Type();
    default:
      return pointer;
    }
  }

  static bool isPerOutput(Parameter parameter) { return parameter == Parameter::Outputs || parameter == Parameter::OutputGradients; }

  /// Passes its arguments on, with the model's tensors gathered into arrays of pointers.
  void emitEntryPoint(const EntryPoint &entry) {
    GraphOp any = inference ? inference : training;
    unsigned inputs = inputsOf(any);
    GraphOp whole = graphWithOutputs(training, inference);
    unsigned outputs = whole ? whole.getResultTypes().size() : 0;
    SmallVector<Type> outer, inner;
    for (Parameter parameter : entry.parameters) {
      unsigned count = parameter == Parameter::Inputs ? inputs : isPerOutput(parameter) ? outputs : parameter == Parameter::Model || parameter == Parameter::DefaultInit ? 0 : 1;
      outer.append(count, parameterType(parameter));
      inner.push_back(parameter == Parameter::DefaultInit ? builder.getI32Type() : parameterType(parameter));
    }
    Type result = entry.result == Result::Status ? Type(builder.getI32Type())
                  : entry.result == Result::Text ? Type(pointer)
                  : entry.result == Result::Integer ? Type(builder.getI64Type()) : voidType();
    LLVM::LLVMFuncOp callee = declare(entry.runtime, result, inner);
    auto function = LLVM::LLVMFuncOp::create(builder, loc(), options.name + "_" + entry.name, LLVM::LLVMFunctionType::get(result, outer));
    OpBuilder::InsertionGuard guard(builder);
    Block *block = function.addEntryBlock(builder);
    builder.setInsertionPointToStart(block);
    unsigned next = 0;
    SmallVector<Value> arguments;
    for (Parameter parameter : entry.parameters) {
      if (parameter == Parameter::Model) {
        arguments.push_back(LLVM::AddressOfOp::create(builder, loc(), pointer, options.name + "_descriptor"));
      } else if (parameter == Parameter::DefaultInit) {
        arguments.push_back(LLVM::ConstantOp::create(builder, loc(), builder.getI32Type(), builder.getI32IntegerAttr(0)));
      } else if (parameter == Parameter::Inputs || isPerOutput(parameter)) {
        unsigned count = parameter == Parameter::Inputs ? inputs : outputs;
        Value size = LLVM::ConstantOp::create(builder, loc(), builder.getI64Type(), builder.getI64IntegerAttr(count));
        Value array = LLVM::AllocaOp::create(builder, loc(), pointer, pointer, size);
        for (unsigned i = 0; i < count; ++i) {
          Value slot = LLVM::GEPOp::create(builder, loc(), pointer, pointer, array, ArrayRef<LLVM::GEPArg>{int32_t(i)});
          LLVM::StoreOp::create(builder, loc(), block->getArgument(next++), slot);
        }
        arguments.push_back(array);
      } else {
        arguments.push_back(block->getArgument(next++));
      }
    }
    auto call = LLVM::CallOp::create(builder, loc(), callee, arguments);
    LLVM::ReturnOp::create(builder, loc(), call.getResults());
  }

  ModuleOp module;
  const CodegenOptions &options;
  const Target &target;
  OpBuilder builder;
  LLVM::LLVMPointerType pointer;
  GraphOp training, inference;
  std::map<std::string, std::string> texts;
  llvm::StringMap<int64_t> variableIndex;
  unsigned counter = 0;
};
} // namespace

LogicalResult bnc::lowerToLLVM(ModuleOp module, const CodegenOptions &options) {
  std::optional<Target> target = lookupTarget(options.target);
  if (!target)
    return module.emitError("no target '") << options.target << "'";
  module.getContext()->loadDialect<LLVM::LLVMDialect>();
  nameKernels(module, *target);
  return Emitter(module, options, *target).run();
}
