//===- CompileVerb.cpp - bnc compile ------------------------------------------------===//

#include "compiler/Driver/AtomicFile.h"
#include "compiler/Driver/Output.h"
#include "compiler/Driver/Report.h"
#include "compiler/Driver/Verbs.h"

#include "llvm/Support/raw_ostream.h"

using namespace llvm;
using namespace bnc;

/// Values for the weights file: those of --weights, which must fit, or the model's own; none if there are none.
static FailureOr<std::optional<SafetensorsFile>> chooseWeights(const CompileCommand &command,
                                                               const Compilation &compilation) {
  if (command.weights.empty()) {
    if (compilation.weights().empty())
      return std::optional<SafetensorsFile>();
    SafetensorsFile own;
    own.weights = compilation.weights();
    return std::optional<SafetensorsFile>(std::move(own));
  }
  Expected<SafetensorsFile> file = readSafetensors(command.weights);
  if (!file)
    return reportError("'" + command.weights + "': " + toString(file.takeError()));
  for (VariableOp variable : compilation.module().getOps<VariableOp>()) {
    if (variable.getCollection() == Collection::Optimizer)
      continue;
    const NamedTensor *tensor = file->findWeight(variable.getSymName());
    if (!tensor)
      return reportError("'" + command.weights + "' has no tensor '" + variable.getSymName() +
                         "', which the model needs; give a file that was saved from this model");
    ArrayRef<int64_t> expected = cast<mlir::RankedTensorType>(variable.getType()).getShape();
    if (ArrayRef<int64_t>(tensor->shape) != expected)
      return reportError("'" + command.weights + "': tensor '" + variable.getSymName() + "' has shape " +
                         formatShape(tensor->shape) + ", but the model expects " + formatShape(expected) +
                         "; give a file that was saved from this model");
  }
  return std::optional<SafetensorsFile>(std::move(*file));
}

/// "out/libNAME.a: MODEL FILE...", spelled as make reads it.
static std::string dependencyRule(StringRef library, ArrayRef<std::string> files) {
  auto escaped = [](StringRef path) {
    std::string text;
    for (char c : path) {
      if (c == '$')
        text += '$';
      else if (c == ' ' || c == '#')
        text += '\\';
      text += c;
    }
    return text;
  };
  std::string rule = escaped(library) + ":";
  for (const std::string &file : files)
    rule += " \\\n  " + escaped(file);
  return rule + "\n";
}

LogicalResult bnc::runCompile(const CompileCommand &command) {
  bool text = command.compileTo != Phase::Objects;
  std::string output = !command.output.empty() ? command.output : text ? "-" : ".";
  if (output == "-" && !text)
    return reportError("objects cannot go to stdout; choose a folder with -o, or a phase with --compile-to");
  for (auto [option, given] :
       {std::pair("--depfile", !command.depfile.empty()), std::pair("--embed-weights", command.embedWeights)})
    if (given && text)
      return reportError("option '" + Twine(option) + "' is for the library; leave --compile-to out");
  if (!command.depfile.empty() && failed(checkWritable(command.depfile)))
    return failure();
  Compilation compilation(command.compile);
  if (failed(compilation.read()))
    return failure();
  FailureOr<std::optional<SafetensorsFile>> weights = chooseWeights(command, compilation);
  if (failed(weights))
    return failure();

  if (command.embedWeights && !*weights)
    return failed(compilation.requireWeights()) ? failure() : reportError("the model has no values to embed");
  if (output != "-" && !*weights && !compilation.weightsError().empty())
    reportWarning("no weights file is written: " + compilation.weightsError());

  if (!text) {
    CompiledModel model;
    if (failed(compilation.emit(model, command.embedWeights ? &(*weights)->weights : nullptr)))
      return failure();
    if (command.embedWeights)
      weights = std::optional<SafetensorsFile>();
    if (failed(writeModel(output, compilation.name(), model, *weights)))
      return failure();
    if (command.depfile.empty())
      return success();
    std::vector<std::string> files(compilation.files());
    if (!command.weights.empty())
      files.push_back(command.weights);
    return writeFile(command.depfile, dependencyRule(output + "/lib" + compilation.name() + ".a", files));
  }

  if (failed(compilation.advanceTo(command.compileTo)))
    return failure();
  if (output == "-") {
    outs() << compilation.print("", /*locations=*/false);
    return success();
  }
  std::string weightsName = compilation.name() + ".safetensors", values;
  std::string printed = compilation.print(*weights ? weightsName : "", /*locations=*/true);
  std::vector<NamedFile> files{{compilation.name() + "." + phaseName(command.compileTo).str() + ".mlir", printed}};
  if (*weights) {
    FailureOr<std::string> bytes = weightsFile(**weights);
    if (failed(bytes))
      return failure();
    values = std::move(*bytes);
    files.push_back({weightsName, values});
  }
  return writeFiles(output, files);
}
