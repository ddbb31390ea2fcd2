//===- MachineCode.h - LLVM IR to object files ---------------------*- C++ -*-===//

#ifndef COMPILER_SUPPORT_MACHINECODE_H
#define COMPILER_SUPPORT_MACHINECODE_H

#include "compiler/Support/Target.h"

#include "llvm/IR/Module.h"
#include "llvm/Support/Error.h"
#include "llvm/Target/TargetOptions.h"

namespace bnc {

/// The bytes of the object file that `module` becomes for `target`: position-independent code. Gives the module the
/// target's triple and data layout. Fails if LLVM has no code generator for it.
llvm::Expected<std::string> emitMachineCode(llvm::Module &module, const Target &target, const llvm::TargetOptions &options = {});

} // namespace bnc

#endif // COMPILER_SUPPORT_MACHINECODE_H
