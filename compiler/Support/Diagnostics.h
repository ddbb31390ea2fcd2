//===- Diagnostics.h - how errors, warnings and remarks look ----*- C++ -*-===//
//
// One sentence each, with what a user knows: the file, the node, the op.
//   error: resnet18.onnx: node 'stage1/bn1' (batch_norm): has epsilon = -1; expected a finite number >= 0
//   error: resnet18.onnx: file is empty
//   model.mlir:3:5: error: ...
//
//===----------------------------------------------------------------------===//

#ifndef COMPILER_SUPPORT_DIAGNOSTICS_H
#define COMPILER_SUPPORT_DIAGNOSTICS_H

#include "mlir/IR/Diagnostics.h"
#include "llvm/Support/raw_ostream.h"

#include <string>

namespace bnc {

/// Renders one diagnostic as a line without its end. A message that starts as emitOpError's do, `'dialect.op' op `,
/// gives the op named behind the node. Attached notes are not part of it.
std::string formatDiagnostic(const mlir::Diagnostic &diagnostic);

/// Prints the diagnostics of a context while it lives, and counts errors. The op itself is never printed: it may hold
/// megabytes of constants.
class DiagnosticPrinter : public mlir::ScopedDiagnosticHandler {
public:
  /// Remarks are printed only with `remarks`. `os` must outlive the printer.
  explicit DiagnosticPrinter(mlir::MLIRContext &context, llvm::raw_ostream &os = llvm::errs(), bool remarks = false);

  unsigned getNumErrors() const { return numErrors; }

private:
  void print(const mlir::Diagnostic &diagnostic);

  llvm::raw_ostream &os;
  bool remarks;
  unsigned numErrors = 0;
};

} // namespace bnc

#endif // COMPILER_SUPPORT_DIAGNOSTICS_H
