//===- MlirFlags.h - --mlir-* on the command line --------------------------*- C++ -*-===//

#ifndef COMPILER_DRIVER_MLIRFLAGS_H
#define COMPILER_DRIVER_MLIRFLAGS_H

#include "llvm/ADT/ArrayRef.h"
#include "llvm/Support/LogicalResult.h"

#include <string>

namespace bnc {

/// Hands --mlir-* to MLIR. Its parser prints more than a sentence, so that is kept and its first line reported.
llvm::LogicalResult parseMlirFlags(llvm::ArrayRef<std::string> flags);

} // namespace bnc

#endif // COMPILER_DRIVER_MLIRFLAGS_H
