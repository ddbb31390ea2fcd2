//===- EmitHeader.cpp - the model's C header ---------------------------------------===//

#include "compiler/Codegen/Codegen.h"
#include "compiler/Codegen/EntryPoints.h"

#include "llvm/ADT/StringExtras.h"

#include <set>

using namespace mlir;
using namespace bnc;

namespace {
void replaceAll(std::string &text, StringRef from, StringRef to) {
  for (size_t at = text.find(from.str()); at != std::string::npos; at = text.find(from.str(), at + to.size()))
    text.replace(at, from.size(), to.str());
}

/// A C identifier for a tensor: its name in the model file with other characters as '_'.
std::string identifier(StringRef name, StringRef fallback, std::set<std::string> &taken) {
  static const std::set<std::string> reserved = {"batch", "labels", "metrics", "learning_rate", "train", "infer", "int", "float", "double", "void",
                                                 "const", "char", "for", "if", "while", "return", "register", "auto", "default", "in", "switch"};
  std::string result;
  for (char c : name)
    result += llvm::isAlnum(c) ? c : '_';
  if (result.empty() || llvm::isDigit(result[0]))
    result = (fallback + "_" + result).str();
  while (reserved.count(result) || !taken.insert(result).second)
    result += "_";
  return result;
}

std::string shapeText(RankedTensorType type) {
  std::string text;
  for (int64_t dim = 0; dim < type.getRank(); ++dim)
    text += (dim ? ", " : "") + (dim == 0 ? std::string("batch") : std::to_string(type.getDimSize(dim)));
  return "(" + text + ")";
}

StringRef elementText(RankedTensorType type) {
  return type.getElementType().isInteger(32) ? "int32_t" : type.getElementType().isInteger(8) ? "uint8_t" : "float";
}
} // namespace

std::string bnc::emitHeader(ModuleOp module, StringRef name) {
  GraphOp training = graphOf(module, GraphKind::Training), inference = graphOf(module, GraphKind::Inference), any = inference ? inference : training;
  std::set<std::string> taken;
  std::string inputs, outputs, gradients, labels = "int32_t", tensors;
  auto describe = [&](StringRef role, StringRef identifier, StringRef source, RankedTensorType type, bool channelsLast = false) {
    tensors += (" *   " + role + " " + identifier + (source == identifier ? "" : (" ('" + source + "')").str()) + ": " + elementText(type) + shapeText(type) +
                (channelsLast ? ", channels last" : "") + "\n").str();
  };
  unsigned inputCount = inputsOf(any);
  for (unsigned i = 0; i < inputCount; ++i) {
    auto type = cast<RankedTensorType>(any.getArgumentTypes()[i]);
    std::string id = identifier(any.getInputName(i), "input", taken);
    inputs += (i ? ", const " : "const ") + elementText(type).str() + " *" + id;
    describe("input ", id, any.getInputName(i), type, any.getArgAttr(i, kLayoutAttr) != nullptr);
  }
  if (training && !outputGradientsOf(training)) {
    auto type = cast<RankedTensorType>(training.getArgumentTypes().back());
    labels = elementText(type).str();
    describe("labels", "labels", "labels", type);
  }
  if (GraphOp whole = graphWithOutputs(training, inference))
    for (auto [i, resultType] : llvm::enumerate(whole.getResultTypes())) {
      auto type = cast<RankedTensorType>(resultType);
      std::string id = identifier(whole.getOutputName(i), "output", taken);
      outputs += (i ? ", float *" : "float *") + id;
      gradients += (i ? ", const float *" : "const float *") + id + "_gradient";
      describe("output", id, whole.getOutputName(i), type);
    }

  std::string upper = StringRef(name).upper(), header;
  llvm::raw_string_ostream os(header);
  os << "/* " << name << ".h: made by bnc. Link lib" << name << ".a, libbnc_runtime.a, libm and pthread.\n *\n"
     << " * Tensors are dense, in the layout of the model file unless said otherwise:\n" << tensors
     << " *\n * Every function is explained in bnc/runtime.h, under its name with bnc_ in the place of " << name << "_.\n */\n"
     << "#ifndef BNC_MODEL_" << upper << "_H\n#define BNC_MODEL_" << upper << "_H\n\n"
     << "#include <bnc/runtime.h>\n\n#ifdef __cplusplus\nextern \"C\" {\n#endif\n\n"
     << "/* The model as generic code sees it. */\nextern const struct bnc_model_descriptor " << name << "_descriptor;\n\n";
  if (training)
    os << "typedef struct " << name << "_train " << name << "_train;\n";
  if (inference)
    os << "typedef struct " << name << "_infer " << name << "_infer;\n";
  for (const EntryPoint &entry : entryPoints()) {
    if (!isPresent(entry, training, inference))
      continue;
    std::string declaration = entry.declaration, comment = entry.comment;
    for (std::string *text : {&declaration, &comment}) {
      replaceAll(*text, "$M", name);
      replaceAll(*text, "$I", inputs);
      replaceAll(*text, "$O", outputs);
      replaceAll(*text, "$G", gradients);
      replaceAll(*text, "$L", labels);
    }
    StringRef result = entry.result == Result::Status ? "bnc_status " : entry.result == Result::Text ? "const char *" : entry.result == Result::Integer ? "int64_t " : "void ";
    os << '\n';
    if (!comment.empty())
      os << "/* " << comment << " */\n";
    os << result << name << '_' << entry.name << '(' << declaration << ");\n";
  }
  os << "\n#ifdef __cplusplus\n}\n#endif\n#endif\n";
  return header;
}
