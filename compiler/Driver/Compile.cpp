//===- Compile.cpp - from a model file to any phase ----------------------------===//

#include "compiler/Driver/Compile.h"

#include "compiler/Driver/AtomicFile.h"
#include "compiler/Driver/EmbedWeights.h"
#include "compiler/Driver/ProgressBar.h"
#include "compiler/Driver/Report.h"
#include "compiler/Transforms/Passes.h"

#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Pass/PassManager.h"
#include "mlir/Support/Timing.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/SmallString.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/Path.h"
#include "llvm/Support/Process.h"

using namespace mlir;
using namespace bnc;

/// What later phases need to know of the options that made an earlier one, kept with the module so that its text can be
/// compiled further.
constexpr llvm::StringLiteral kModelNameAttr = "bnc.model_name"; // prefix of the C functions
constexpr llvm::StringLiteral kOptimizerAttr = "bnc.optimizer";  // as the user calls it
constexpr llvm::StringLiteral kNumbersAttr = "bnc.optimizer_numbers";
constexpr llvm::StringLiteral kTargetAttr = "bnc.target";

Compilation::Compilation(const CompileOptions &options) : options(options) {
  DialectRegistry registry;
  registry.insert<BncDialect, LLVM::LLVMDialect>();
  // Kernels are compiled in forked workers, and a fork takes only one thread along.
  context = std::make_unique<MLIRContext>(registry, MLIRContext::Threading::DISABLED);
  context->printOpOnDiagnostic(false); // an op may hold megabytes of constants
  context->loadDialect<BncDialect>();
  printer = std::make_unique<DiagnosticPrinter>(*context, *options.diagnostics, options.remarks);
}

LogicalResult Compilation::fail(const llvm::Twine &message) { return reportError(modelFile() + ": " + message); }

StringRef Compilation::modelFile() const { return llvm::sys::path::filename(options.model); }

//===-- Reading --------------------------------------------------------------------===//

LogicalResult Compilation::read() {
  // The importer says this too; here it is said the same way for every format.
  if (!llvm::sys::fs::exists(options.model))
    return reportError("no model file '" + options.model + "'");
  FailureOr<ImportedModel> model =
      readModel(*context, options.model, {options.name, options.runningVariance, options.batch});
  if (failed(model))
    return failure();
  imported = std::move(*model);
  ModuleOp module = *imported.module;
  auto attribute = module->getAttrOfType<StringAttr>(kPhaseAttr);
  std::optional<Phase> phase = attribute ? phaseByName(attribute.getValue()) : std::nullopt;
  if (!phase || *phase == Phase::Objects)
    return fail("module attribute '" + kPhaseAttr + "' is " +
                (attribute ? "'" + attribute.getValue().str() + "'" : std::string("missing")) +
                "; expected import, training, inference, kernels or llvm");
  current = *phase;

  if (auto recorded = module->getAttrOfType<StringAttr>(kModelNameAttr)) {
    modelName = recorded.str();
  } else {
    for (GraphOp graph : module.getOps<GraphOp>()) {
      StringRef symbol = graph.getSymName();
      if (graph.getKind() == GraphKind::Training)
        symbol.consume_back("_train");
      else if (graph.getKind() == GraphKind::Inference)
        symbol.consume_back("_infer");
      modelName = makeIdentifier(symbol);
    }
    if (modelName.empty())
      return fail("the module holds no bnc.graph");
  }
  if (auto recorded = module->getAttrOfType<StringAttr>(kTargetAttr); recorded && current >= Phase::Kernels)
    options.target = recorded.str();
  if (failed(checkOptions()) || failed(setBatchNorm()))
    return failure();
  return dump(module, current);
}

LogicalResult Compilation::setBatchNorm() {
  bool wanted = options.bnDecay >= 0 || options.bnEpsilon >= 0 || options.bnCumulative || options.runningVariance;
  if (!wanted || current != Phase::Import)
    return success();
  std::string variance;
  if (options.runningVariance)
    variance = stringifyRunningVariance(*options.runningVariance).str();
  if (failed(run(module(), [&](OpPassManager &manager) {
        manager.addPass(createSetBatchNormPass({options.bnDecay, options.bnEpsilon, options.bnCumulative, variance}));
      })))
    return failure();
  // Counters are new: no step has been counted.
  module().walk([&](BatchNormOp op) {
    if (Value count = op.getCount(); count && count.getDefiningOp<ReadOp>())
      imported.weights.add({count.getDefiningOp<ReadOp>().getVariable().str(), {}, {0.0f}});
  });
  return success();
}

LogicalResult Compilation::checkOptions() {
  // The last phase whose text an option still has an effect on.
  static const std::pair<StringLiteral, Phase> lastUse[] = {
      {"batch", Phase::Import},     {"running-variance", Phase::Import}, {"bn-decay", Phase::Import},
      {"bn-epsilon", Phase::Import}, {"loss", Phase::Import},           {"no-weight-decay", Phase::Import},
      {"trainable", Phase::Import}, {"freeze", Phase::Import},           {"fold", Phase::Import},
      {"phase", Phase::Import},     {"target", Phase::Inference},        {"math", Phase::Inference}, {"name", Phase::Import},
      {"input-layout", Phase::Import}, {"input-type", Phase::Import}, {"optimizer", Phase::Kernels}, {"embed-weights", Phase::Kernels}};
  for (auto [name, last] : lastUse)
    if (current > last && options.given.count(name.str()))
      return fail("is in phase '" + phaseName(current) + "', where --" + name +
                  " has no effect any more; compile the model file again with it");
  if (current > Phase::Import && !options.inputs.empty()) // without --input-layout and --input-type: see above
    return fail("is in phase '" + phaseName(current) + "', where --mean and --std have no effect any more; compile the "
                "model file again with them");
  // The optimizer is in the text, its numbers may still be chosen.
  if (auto recorded = module()->getAttrOfType<StringAttr>(kOptimizerAttr)) {
    std::optional<OptimizerKind> kind = OptimizerKind::parse(recorded.getValue());
    if (!kind)
      return fail("module attribute '" + kOptimizerAttr + "' is '" + recorded.getValue() + "', which is no optimizer");
    if (options.given.count("optimizer")) {
      if (recorded != options.optimizer.kind.spell())
        return fail("has the optimizer '" + recorded.getValue() + "' compiled in, found --optimizer=" +
                    options.optimizer.kind.spell() + "; compile the model file again with it");
    } else {
      options.optimizer.kind = *kind;
      options.optimizer.numbers = {kind->defaultLearningRate()};
      for (const OptimizerNumber *number : kind->numbers())
        options.optimizer.numbers.push_back(kind->defaultOf(*number));
      if (auto numbers = module()->getAttrOfType<DenseF64ArrayAttr>(kNumbersAttr))
        if (numbers.size() == static_cast<int64_t>(options.optimizer.numbers.size()))
          options.optimizer.numbers.assign(numbers.asArrayRef().begin(), numbers.asArrayRef().end());
    }
  }
  if (!lookupTarget(options.target))
    return reportError("no target '" + options.target + "' for this compiler and machine; choose one of " +
                       llvm::join(llvm::map_range(targetNames(), [](StringRef name) { return name.str(); }), ", "));
  return success();
}

LogicalResult Compilation::requireWeights() {
  if (imported.weightsError.empty())
    return success();
  return fail(imported.weightsError);
}

//===-- Phases ---------------------------------------------------------------------===//

LogicalResult Compilation::run(ModuleOp module, llvm::function_ref<void(OpPassManager &)> build) {
  PassManager manager(context.get(), ModuleOp::getOperationName());
  if (failed(applyPassManagerCLOptions(manager)))
    return failure();
  applyDefaultTimingPassManagerCLOptions(manager);
  build(manager);
  return manager.run(module);
}

void Compilation::recordOptions(ModuleOp module) {
  Builder builder(context.get());
  module->setAttr(kModelNameAttr, builder.getStringAttr(modelName));
  if (graphOf(module, GraphKind::Training)) {
    module->setAttr(kOptimizerAttr, builder.getStringAttr(options.optimizer.kind.spell()));
    module->setAttr(kNumbersAttr, builder.getDenseF64ArrayAttr(options.optimizer.numbers));
  }
}

LogicalResult Compilation::makeGraph(ModuleOp module, Phase phase) {
  if (phase == Phase::Training && imported.batchNormFolded)
    emitWarning(module.getLoc()) << "batch normalizations were folded into weights when this file was written, so this "
                                    "does not train the network that was designed; export it with them kept "
                                    "(PyTorch: model.train(); torch.onnx.export(model, (x,), \"model.onnx\", dynamo=True, "
                                    "optimize=False, dynamic_shapes=({0: \"N\"},), external_data=False))";
  LogicalResult result = run(module, [&](OpPassManager &manager) {
    if (phase == Phase::Training)
      buildTrainingPipeline(manager, {options.loss.kind, options.loss.labelSmoothing, options.loss.probabilities,
                                      options.optimizer.kind.spell(), options.noWeightDecay, options.trainable, options.freeze, options.inputs});
    else
      buildInferencePipeline(manager, {options.fold, options.inputs});
  });
  if (failed(result))
    return failure();
  recordOptions(module);
  return dump(module, phase);
}

LogicalResult Compilation::makeGraphs() {
  if (options.part != Part::Both)
    return makeGraph(module(), options.part == Part::Train ? Phase::Training : Phase::Inference);
  OwningOpRef<ModuleOp> inference(module().clone());
  if (failed(makeGraph(module(), Phase::Training)) || failed(makeGraph(*inference, Phase::Inference)))
    return failure();
  mergeModules(module(), *inference);
  return success();
}

void bnc::mergeModules(ModuleOp to, ModuleOp from) {
  SymbolTable symbols(to);
  for (Operation &op : llvm::make_early_inc_range(*from.getBody())) {
    auto symbol = cast<SymbolOpInterface>(&op);
    if (symbols.lookup(symbol.getName()))
      continue;
    op.remove();
    symbols.insert(&op, isa<VariableOp>(op) ? to.getBody()->begin() : to.getBody()->end());
  }
}

LogicalResult Compilation::advanceTo(Phase target) { return advanceTo(target, codegenOptions()); }

LogicalResult Compilation::advanceTo(Phase target, const CodegenOptions &codegen) {
  if (!canReach(current, target))
    return fail("is in phase '" + phaseName(current) + "', from where '" + phaseName(target) +
                "' cannot be reached; start from the model file");
  if (target == current)
    return success();
  if (target == Phase::Training || target == Phase::Inference) {
    if (failed(makeGraph(module(), target)))
      return failure();
    current = target;
    return success();
  }

  if (current == Phase::Import && failed(makeGraphs()))
    return failure();
  if (current < Phase::Kernels) {
    recordOptions(module());
    module()->setAttr(kTargetAttr, StringAttr::get(context.get(), codegen.target));
    if (failed(run(module(), [&](OpPassManager &manager) { buildKernelsPipeline(manager, codegen.target, options.directMath, options.threads); })))
      return failure();
    module()->setAttr(kPhaseAttr, StringAttr::get(context.get(), phaseName(Phase::Kernels)));
    current = Phase::Kernels;
    if (failed(dump(module(), current)))
      return failure();
  }
  if (target >= Phase::LLVM && current < Phase::LLVM) {
    recordOptions(module());
    if (failed(lowerToLLVM(module(), codegen)))
      return failure();
    current = Phase::LLVM;
    return dump(module(), current);
  }
  return success();
}

//===-- Results --------------------------------------------------------------------===//

CodegenOptions Compilation::codegenOptions() const {
  CodegenOptions codegen;
  codegen.name = modelName;
  codegen.target = lookupTarget(options.target)->name;
  codegen.jobs = static_cast<int>(options.jobs);
  if (std::string folder = cacheFolder(); options.useCache && !folder.empty())
    codegen.cacheDir = folder + "/kernels";
  codegen.hyperDefaults = options.optimizer.numbers;
  return codegen;
}

LogicalResult Compilation::emit(CompiledModel &model, const Weights *embedded) {
  CodegenOptions codegen = codegenOptions();
  codegen.embedWeights = embedded != nullptr;
  return emit(model, codegen, embedded);
}

LogicalResult Compilation::emitDescriptor(CompiledModel &model) {
  CodegenOptions codegen = codegenOptions();
  codegen.programs = false;
  codegen.cacheDir = "";
  return emit(model, codegen, nullptr);
}

LogicalResult Compilation::emit(CompiledModel &model, CodegenOptions codegen, const Weights *embedded) {
  if (failed(advanceTo(Phase::LLVM, codegen)))
    return failure();
  FailureOr<EmbeddedWeights> weights = EmbeddedWeights();
  if (embedded && failed(weights = embedWeights(module(), *embedded, *lookupTarget(codegen.target))))
    return failure();
  std::vector<DataSymbol> data;
  for (auto [symbol, bytes] : {std::pair(valuesSymbol(modelName), StringRef(weights->values)),
                               std::pair(foldedSymbol(modelName), StringRef(weights->folded))})
    if (!bytes.empty())
      data.push_back({symbol, bytes});
  if (!codegen.cacheDir.empty())
    (void)llvm::sys::fs::create_directories(codegen.cacheDir); // a cache that cannot be is no cache
  ProgressBar bar("compiling kernels", options.progress);
  codegen.progress = [&](size_t done, size_t all) { bar.show(done, all); };
  return emitObjects(module(), codegen, data, model);
}

std::string Compilation::print(StringRef weightsFile, bool locations) const {
  ModuleOp op = module();
  Attribute before = op->getAttr(kWeightsAttr);
  if (!weightsFile.empty() && before)
    op->setAttr(kWeightsAttr, StringAttr::get(context.get(), weightsFile));
  std::string text;
  llvm::raw_string_ostream os(text);
  OpPrintingFlags flags;
  if (locations)
    flags.enableDebugInfo();
  op->print(os, flags);
  os << "\n";
  if (before)
    op->setAttr(kWeightsAttr, before);
  return text;
}

LogicalResult Compilation::dump(ModuleOp module, Phase phase) {
  if (options.dumpDir.empty())
    return success();
  std::string text;
  llvm::raw_string_ostream os(text);
  module->print(os, OpPrintingFlags().enableDebugInfo());
  os << "\n";
  return writeFiles(options.dumpDir, NamedFile{modelName + "." + phaseName(phase).str() + ".mlir", text});
}

std::string bnc::cacheFolder() {
  if (std::optional<std::string> folder = llvm::sys::Process::GetEnv("XDG_CACHE_HOME"); folder && !folder->empty())
    return *folder + "/bnc";
  llvm::SmallString<128> home;
  if (!llvm::sys::path::home_directory(home))
    return "";
  llvm::sys::path::append(home, ".cache", "bnc");
  return home.str().str();
}
