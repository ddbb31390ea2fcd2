//===- JitModel.h - a compiled model in this process ---------------------*- C++ -*-===//

#ifndef COMPILER_DRIVER_JITMODEL_H
#define COMPILER_DRIVER_JITMODEL_H

#include "compiler/Codegen/Codegen.h"

#include "bnc/model_abi.h"
#include "llvm/Support/LogicalResult.h"

#include "llvm/ExecutionEngine/Orc/Shared/ExecutorAddress.h"

#include <memory>
#include <utility>

namespace llvm::orc {
class LLJIT;
}

namespace bnc {

/// A function of the runtime that a model's objects call.
using RuntimeSymbol = std::pair<llvm::StringLiteral, llvm::orc::ExecutorAddr>;

/// Objects linked into this process against the runtime that is part of it. The descriptor lives as long as this.
class JitModel {
public:
  /// `name` is the prefix of the model's symbols; functions in `instead` take the place of the runtime's. Reports
  /// objects that this machine cannot run.
  static llvm::FailureOr<std::unique_ptr<JitModel>> load(const CompiledModel &model, llvm::StringRef name,
                                                         llvm::ArrayRef<RuntimeSymbol> instead = {});
  ~JitModel();

  const bnc_model_descriptor &descriptor() const { return *found; }

private:
  JitModel();
  std::unique_ptr<llvm::orc::LLJIT> jit;
  const bnc_model_descriptor *found = nullptr;
};

} // namespace bnc

#endif // COMPILER_DRIVER_JITMODEL_H
