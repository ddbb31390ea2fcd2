//===- EmitObjects.cpp - phase `llvm` to object files ---------------------------------===//

#include "compiler/Codegen/Codegen.h"
#include "compiler/Kernels/Compile.h"

#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Target/LLVMIR/Dialect/Builtin/BuiltinToLLVMIRTranslation.h"
#include "mlir/Target/LLVMIR/Dialect/LLVMIR/LLVMToLLVMIRTranslation.h"
#include "mlir/Target/LLVMIR/Export.h"
#include "llvm/IR/LegacyPassManager.h"
#include "llvm/IR/Module.h"
#include "llvm/MC/TargetRegistry.h"
#include "llvm/Support/TargetSelect.h"
#include "llvm/Target/TargetMachine.h"

using namespace mlir;
using namespace bnc;

/// What is in LLVM dialect already, alone.
static OwningOpRef<ModuleOp> withoutGraphs(ModuleOp module) {
  OwningOpRef<ModuleOp> clone(module.clone());
  for (Operation &op : llvm::make_early_inc_range(*clone->getBody()))
    if (op.getName().getDialectNamespace() == BncDialect::getDialectNamespace())
      op.erase();
  for (NamedAttribute attribute : llvm::to_vector((*clone)->getDiscardableAttrs()))
    (*clone)->removeAttr(attribute.getName());
  return clone;
}

static FailureOr<std::string> emitModule(ModuleOp module, const Target &target) {
  registerBuiltinDialectTranslation(*module.getContext());
  registerLLVMDialectTranslation(*module.getContext());
  llvm::LLVMContext context;
  std::unique_ptr<llvm::Module> translated = translateModuleToLLVMIR(module, context, "model");
  if (!translated)
    return module.emitError("internal fault: the programs do not translate to LLVM IR");
  llvm::InitializeAllTargetInfos();
  llvm::InitializeAllTargets();
  llvm::InitializeAllTargetMCs();
  llvm::InitializeAllAsmPrinters();
  llvm::Triple triple(target.triple);
  std::string error;
  const llvm::Target *found = llvm::TargetRegistry::lookupTarget(triple, error);
  if (!found)
    return module.emitError("LLVM has no code generator for ") << target.triple << ": " << error;
  std::unique_ptr<llvm::TargetMachine> machine(found->createTargetMachine(triple, target.cpu, "", llvm::TargetOptions(), llvm::Reloc::PIC_));
  translated->setTargetTriple(triple);
  translated->setDataLayout(machine->createDataLayout());
  llvm::SmallVector<char> bytes;
  llvm::raw_svector_ostream os(bytes);
  llvm::legacy::PassManager manager;
  if (machine->addPassesToEmitFile(manager, os, nullptr, llvm::CodeGenFileType::ObjectFile))
    return module.emitError("LLVM cannot write objects for ") << target.triple;
  manager.run(*translated);
  return std::string(bytes.begin(), bytes.end());
}

LogicalResult bnc::emitObjects(ModuleOp module, const CodegenOptions &options, CompiledModel &model) {
  std::optional<Target> target = lookupTarget(options.target);
  if (!target)
    return module.emitError("no target '") << options.target << "'";
  FailureOr<std::vector<KernelObject>> kernels = compileKernels(module, *target, {options.jobs, options.cacheDir, options.progress});
  if (failed(kernels))
    return failure();
  OwningOpRef<ModuleOp> programs = withoutGraphs(module);
  FailureOr<std::string> object = emitModule(*programs, *target);
  if (failed(object))
    return failure();
  model.objects.clear();
  model.objects.push_back({options.name + ".o", *object});
  for (KernelObject &kernel : *kernels)
    model.objects.push_back({kernel.symbol + ".o", std::move(kernel.bytes)});
  model.header = emitHeader(module, options.name);
  return success();
}
