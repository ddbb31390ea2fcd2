//===- Output.h - what `bnc compile` leaves behind -----------------------*- C++ -*-===//

#ifndef COMPILER_DRIVER_OUTPUT_H
#define COMPILER_DRIVER_OUTPUT_H

#include "compiler/Codegen/Codegen.h"
#include "compiler/Support/Safetensors.h"

#include "llvm/Support/LogicalResult.h"

#include <optional>

namespace bnc {

/// An ar archive of the objects, with a symbol table; the same bytes for the same objects.
llvm::FailureOr<std::string> archive(const CompiledModel &model);

/// The contents of a .safetensors file.
llvm::FailureOr<std::string> weightsFile(const SafetensorsFile &weights);

/// Writes FOLDER/NAME.h, FOLDER/libNAME.a, FOLDER/NOTICE and, if there are values, FOLDER/NAME.safetensors: all of them
/// or none.
llvm::LogicalResult writeModel(llvm::StringRef folder, llvm::StringRef name, const CompiledModel &model,
                               const std::optional<SafetensorsFile> &weights);

} // namespace bnc

#endif // COMPILER_DRIVER_OUTPUT_H
