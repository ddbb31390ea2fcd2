//===- EmitObjects.cpp - phase `llvm` to object files ---------------------------------===//

#include "compiler/Codegen/Codegen.h"
#include "compiler/Kernels/Compile.h"
#include "compiler/Support/MachineCode.h"

#include "bnc/model_abi.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Target/LLVMIR/Dialect/Builtin/BuiltinToLLVMIRTranslation.h"
#include "mlir/Target/LLVMIR/Dialect/LLVMIR/LLVMToLLVMIRTranslation.h"
#include "mlir/Target/LLVMIR/Export.h"
#include "llvm/IR/Constants.h"
#include "llvm/IR/Module.h"

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

/// Programs that do nothing need no kernel.
static void emptyPrograms(ModuleOp module) {
  module.walk([](LLVM::CallOp call) {
    if (call.getCallee() && call.getCallee()->starts_with("bnc_rt_"))
      call.erase();
  });
}

static FailureOr<std::string> emitObject(llvm::Module &object, Location loc, const Target &target) {
  llvm::Expected<std::string> bytes = emitMachineCode(object, target);
  if (!bytes)
    return emitError(loc) << llvm::toString(bytes.takeError());
  return *bytes;
}

static FailureOr<std::string> emitPrograms(ModuleOp module, const Target &target) {
  registerBuiltinDialectTranslation(*module.getContext());
  registerLLVMDialectTranslation(*module.getContext());
  llvm::LLVMContext context;
  std::unique_ptr<llvm::Module> translated = translateModuleToLLVMIR(module, context, "model");
  if (!translated)
    return module.emitError("internal fault: the programs do not translate to LLVM IR");
  return emitObject(*translated, module.getLoc(), target);
}

/// Read-only data, not in any text: weights may be large.
static FailureOr<std::string> emitData(ArrayRef<DataSymbol> data, Location loc, const Target &target) {
  llvm::LLVMContext context;
  llvm::Module object("data", context);
  for (const DataSymbol &symbol : data) {
    llvm::Constant *bytes = llvm::ConstantDataArray::getString(context, symbol.bytes, /*AddNull=*/false);
    auto *global = new llvm::GlobalVariable(object, bytes->getType(), /*isConstant=*/true,
                                            llvm::GlobalValue::ExternalLinkage, bytes, symbol.name);
    global->setAlignment(llvm::Align(BNC_ALIGNMENT));
    global->setVisibility(llvm::GlobalValue::HiddenVisibility);
  }
  return emitObject(object, loc, target);
}

std::string bnc::valuesSymbol(StringRef model) { return (model + ".values").str(); }
std::string bnc::foldedSymbol(StringRef model) { return (model + ".folded").str(); }

LogicalResult bnc::emitObjects(ModuleOp module, const CodegenOptions &options, ArrayRef<DataSymbol> data, CompiledModel &model) {
  std::optional<Target> target = lookupTarget(options.target);
  if (!target)
    return module.emitError("no target '") << options.target << "'";
  FailureOr<std::vector<KernelObject>> kernels = std::vector<KernelObject>();
  if (options.programs)
    kernels = compileKernels(module, *target, {options.jobs, options.cacheDir, options.progress});
  if (failed(kernels))
    return failure();
  OwningOpRef<ModuleOp> programs = withoutGraphs(module);
  if (!options.programs)
    emptyPrograms(*programs);
  FailureOr<std::string> object = emitPrograms(*programs, *target);
  if (failed(object))
    return failure();
  model.objects.clear();
  model.objects.push_back({options.name + ".o", *object});
  if (!data.empty()) {
    FailureOr<std::string> weights = emitData(data, module.getLoc(), *target);
    if (failed(weights))
      return failure();
    model.objects.push_back({options.name + ".weights.o", *weights});
  }
  for (KernelObject &kernel : *kernels)
    model.objects.push_back({kernel.symbol + ".o", std::move(kernel.bytes)});
  model.header = emitHeader(module, options.name);
  return success();
}
