//===- MachineCode.cpp - LLVM IR to object files -------------------------------===//

#include "compiler/Support/MachineCode.h"

#include "llvm/IR/LegacyPassManager.h"
#include "llvm/MC/TargetRegistry.h"
#include "llvm/Support/TargetSelect.h"
#include "llvm/Target/TargetMachine.h"

using namespace bnc;

llvm::Expected<std::string> bnc::emitMachineCode(llvm::Module &module, const Target &target, const llvm::TargetOptions &options) {
  llvm::InitializeAllTargetInfos();
  llvm::InitializeAllTargets();
  llvm::InitializeAllTargetMCs();
  llvm::InitializeAllAsmPrinters();
  llvm::Triple triple(target.triple);
  std::string error;
  const llvm::Target *found = llvm::TargetRegistry::lookupTarget(triple, error);
  if (!found)
    return llvm::createStringError("LLVM has no code generator for %s: %s", target.triple.c_str(), error.c_str());
  std::unique_ptr<llvm::TargetMachine> machine(found->createTargetMachine(triple, target.cpu, "", options, llvm::Reloc::PIC_));
  module.setTargetTriple(triple);
  module.setDataLayout(machine->createDataLayout());
  llvm::SmallVector<char> bytes;
  llvm::raw_svector_ostream os(bytes);
  llvm::legacy::PassManager manager;
  if (machine->addPassesToEmitFile(manager, os, nullptr, llvm::CodeGenFileType::ObjectFile))
    return llvm::createStringError("LLVM cannot write objects for %s", target.triple.c_str());
  manager.run(module);
  return std::string(bytes.begin(), bytes.end());
}
