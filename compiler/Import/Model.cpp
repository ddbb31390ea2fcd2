//===- Model.cpp - a model file as a module and its weights ---------------===//

#include "compiler/Import/Model.h"

#include "compiler/Import/Onnx/Importer.h"
#include "compiler/Support/Locations.h"
#include "compiler/Support/Safetensors.h"

#include "mlir/Parser/Parser.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/MemoryBuffer.h"
#include "llvm/Support/Path.h"
#include "llvm/Support/SourceMgr.h"

using namespace mlir;
using namespace bnc;

std::string bnc::makeIdentifier(StringRef text) {
  std::string name;
  for (char c : text)
    name += llvm::isAlnum(c) || c == '_' ? c : '_';
  if (name.empty() || llvm::isDigit(name[0]))
    name.insert(name.begin(), '_');
  return name;
}

/// Reads the weights that a module refers to; the error is one sentence.
static llvm::Expected<Weights> readWeights(ModuleOp module, StringRef path, std::vector<std::string> &files) {
  auto fail = [](const Twine &message) { return llvm::createStringError(llvm::inconvertibleErrorCode(), message); };
  auto attribute = module->getAttrOfType<StringAttr>(kWeightsAttr);
  if (!attribute)
    return fail("module has no attribute " + kWeightsAttr + " that names a file with the values of its variables");
  SmallString<256> file(llvm::sys::path::parent_path(path));
  llvm::sys::path::append(file, attribute.getValue());
  SafetensorsFile contents;
  auto explain = [&](llvm::Error error) {
    return fail("weights file '" + attribute.getValue() + "': " + toString(std::move(error)));
  };
  if (file.ends_with(".onnx")) {
    llvm::Expected<Weights> read = readOnnxWeights(file, files);
    if (!read)
      return explain(read.takeError());
    contents.weights = std::move(*read);
  } else if (file.ends_with(".safetensors")) {
    llvm::Expected<SafetensorsFile> read = readSafetensors(file);
    if (!read)
      return explain(read.takeError());
    contents = std::move(*read);
    files.push_back(file.str().str());
  } else {
    return fail("weights file '" + attribute.getValue() + "' is neither .safetensors nor .onnx");
  }
  for (auto variable : module.getOps<VariableOp>()) {
    if (variable.getCollection() == Collection::Optimizer)
      continue;
    const NamedTensor *tensor = contents.findWeight(variable.getSymName());
    if (!tensor)
      return fail("weights file '" + attribute.getValue() + "' has no tensor '" + variable.getSymName() + "'");
    if (ArrayRef<int64_t>(tensor->shape) != cast<RankedTensorType>(variable.getType()).getShape())
      return fail("weights file '" + attribute.getValue() + "' has '" + variable.getSymName() +
                  "' in another shape than the module's variable");
  }
  return std::move(contents.weights);
}

/// Does to a parsed module what the options do while an ONNX file is imported.
static LogicalResult applyOptions(ModuleOp module, StringRef file, const ImportOptions &options) {
  auto error = [&] { return emitError(getFileLocation(module.getContext(), file)); };
  auto phase = module->getAttrOfType<StringAttr>(kPhaseAttr);
  bool isImported = !phase || phase.getValue() == "import";
  if ((!options.name.empty() || options.runningVariance || options.batch) && !isImported)
    return error() << "is in phase " << phase.getValue()
                   << "; name, batch and running variance are settled once phase import is left";
  for (auto graph : module.getOps<GraphOp>()) {
    if (!options.batch)
      break;
    for (Type type : graph.getArgumentTypes())
      if (auto tensor = cast<RankedTensorType>(type); tensor.getRank() > 0 && tensor.getDimSize(0) != *options.batch)
        return error() << "has inputs of another batch size; choose the batch when the model is imported, or edit the "
                          "types";
  }
  if (!options.name.empty())
    for (auto graph : module.getOps<GraphOp>())
      graph.setSymName(makeIdentifier(options.name));
  if (options.runningVariance)
    module.walk([&](BatchNormOp op) { op.setRunningVariance(*options.runningVariance); });
  return success();
}

static FailureOr<ImportedModel> readMlir(MLIRContext &context, StringRef path, const ImportOptions &options) {
  context.loadDialect<BncDialect>();
  auto buffer = llvm::MemoryBuffer::getFile(path, /*IsText=*/true);
  if (!buffer)
    return emitError(getFileLocation(&context, path)) << "cannot read the file: " << buffer.getError().message();
  llvm::SourceMgr sources;
  sources.AddNewSourceBuffer(std::move(*buffer), llvm::SMLoc());
  ImportedModel model;
  model.module = parseSourceFile<ModuleOp>(sources, ParserConfig(&context));
  if (!model.module || failed(applyOptions(*model.module, path, options)))
    return failure();
  model.batchNormFolded = (*model.module)->hasAttr(kBatchNormFoldedAttr);
  model.files.push_back(path.str());
  if (!model.module->getOps<VariableOp>().empty()) {
    if (llvm::Expected<Weights> weights = readWeights(*model.module, path, model.files))
      model.weights = std::move(*weights);
    else
      model.weightsError = toString(weights.takeError());
  }
  return model;
}

FailureOr<ImportedModel> bnc::readModel(MLIRContext &context, StringRef path, const ImportOptions &options) {
  StringRef extension = llvm::sys::path::extension(path);
  if (extension == ".onnx")
    return importOnnx(context, path, options);
  if (extension == ".mlir" || extension == ".mlirbc")
    return readMlir(context, path, options);
  return emitError(getFileLocation(&context, path)) << "expected a model whose name ends in .onnx or .mlir";
}
