//===- Diagnostics.cpp - how errors, warnings and remarks look ------------===//

#include "compiler/Support/Diagnostics.h"

#include "compiler/Support/Locations.h"

#include "mlir/IR/MLIRContext.h"

using namespace mlir;

static StringRef getSeverityName(DiagnosticSeverity severity) {
  switch (severity) {
  case DiagnosticSeverity::Note:
    return "note";
  case DiagnosticSeverity::Warning:
    return "warning";
  case DiagnosticSeverity::Error:
    return "error";
  case DiagnosticSeverity::Remark:
    return "remark";
  }
  llvm_unreachable("no such severity");
}

/// Takes the prefix that emitOpError writes off `message`; returns the op's name without its dialect.
static StringRef takeOpName(StringRef &message) {
  constexpr StringLiteral kAfterName = "' op ";
  size_t end = message.find(kAfterName);
  if (!message.starts_with("'") || end == StringRef::npos)
    return {};
  StringRef name = message.slice(1, end);
  size_t dot = name.find('.');
  if (dot == StringRef::npos || name.contains('\'') || name.contains(' '))
    return {};
  message = message.drop_front(end + kAfterName.size());
  return name.drop_front(dot + 1);
}

std::string bnc::formatDiagnostic(const Diagnostic &diagnostic) {
  std::string text = diagnostic.str();
  StringRef message = text, op = takeOpName(message), severity = getSeverityName(diagnostic.getSeverity());
  SmallVector<StringRef> nodes = getNodeNames(diagnostic.getLocation());
  FilePosition position = getFilePosition(diagnostic.getLocation());

  std::string line;
  llvm::raw_string_ostream os(line);
  if (position.line > 0) {
    // Text: as editors and build tools expect it.
    os << position.file << ':' << position.line << ':' << position.column << ": " << severity << ": ";
  } else {
    os << severity << ": ";
    if (!position.file.empty())
      os << position.file << ": ";
  }
  if (!nodes.empty()) {
    os << (nodes.size() == 1 ? "node " : "nodes ");
    llvm::interleaveComma(nodes, os, [&](StringRef name) { os << '\'' << name << '\''; });
    if (!op.empty())
      os << " (" << op << ')';
    os << ": ";
  } else if (!op.empty()) {
    os << op << ": ";
  }
  os << message;
  return line;
}

bnc::DiagnosticPrinter::DiagnosticPrinter(MLIRContext &context, raw_ostream &os, bool remarks)
    : ScopedDiagnosticHandler(&context), os(os), remarks(remarks) {
  context.printOpOnDiagnostic(false);
  setHandler([this](Diagnostic &diagnostic) {
    print(diagnostic);
    return success();
  });
}

void bnc::DiagnosticPrinter::print(const Diagnostic &diagnostic) {
  if (diagnostic.getSeverity() == DiagnosticSeverity::Remark && !remarks)
    return;
  if (diagnostic.getSeverity() == DiagnosticSeverity::Error) {
    // MLIR says this after the op itself has said what is wrong.
    if (numErrors > 0 && StringRef(diagnostic.str()).ends_with("' op failed to infer returned types"))
      return;
    ++numErrors;
  }
  os << formatDiagnostic(diagnostic) << '\n';
  for (const Diagnostic &note : const_cast<Diagnostic &>(diagnostic).getNotes())
    os << formatDiagnostic(note) << '\n';
  os.flush();
}
