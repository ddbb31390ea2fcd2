//===- JitModel.cpp - a compiled model in this process ---------------------------===//

#include "compiler/Driver/JitModel.h"

#include "compiler/Driver/Report.h"

#include "bnc/runtime.h"
#include "llvm/ExecutionEngine/Orc/AbsoluteSymbols.h"
#include "llvm/ExecutionEngine/Orc/ExecutionUtils.h"
#include "llvm/ExecutionEngine/Orc/LLJIT.h"
#include "llvm/Support/MemoryBuffer.h"
#include "llvm/Support/TargetSelect.h"

using namespace llvm;
using namespace bnc;

#define BNC_SYMBOL(name)                                                                                               \
  { #name, orc::ExecutorAddr::fromPtr(&name) }

/// What a model's objects call: the steps of its programs, and the functions that its public ones pass on to.
static const RuntimeSymbol kRuntimeSymbols[] = {
    BNC_SYMBOL(bnc_rt_launch),
    BNC_SYMBOL(bnc_rt_task_count),
    BNC_SYMBOL(bnc_rt_chain_count),
    BNC_SYMBOL(bnc_rt_merge_moments),
    BNC_SYMBOL(bnc_rt_normalize_coefficients),
    BNC_SYMBOL(bnc_rt_update_running),
    BNC_SYMBOL(bnc_rt_merge_sums),
    BNC_SYMBOL(bnc_rt_gradient_coefficients),
    BNC_SYMBOL(bnc_rt_channel_gradient),
    BNC_SYMBOL(bnc_rt_merge_slices),
    BNC_SYMBOL(bnc_rt_pack),
    BNC_SYMBOL(bnc_rt_winograd_weights),
    BNC_SYMBOL(bnc_rt_copy),
    BNC_SYMBOL(bnc_rt_fill),
    BNC_SYMBOL(bnc_rt_constant),
    BNC_SYMBOL(bnc_rt_add),
    BNC_SYMBOL(bnc_rt_loss),
    BNC_SYMBOL(bnc_rt_dropout_keys),
    BNC_SYMBOL(bnc_rt_fold_coefficients),
    BNC_SYMBOL(bnc_rt_fold_axis),
    BNC_SYMBOL(bnc_rt_fold_shift),
    BNC_SYMBOL(bnc_train_create),
    BNC_SYMBOL(bnc_train_destroy),
    BNC_SYMBOL(bnc_train_error),
    BNC_SYMBOL(bnc_train_init),
    BNC_SYMBOL(bnc_train_step),
    BNC_SYMBOL(bnc_train_accumulate),
    BNC_SYMBOL(bnc_train_forward),
    BNC_SYMBOL(bnc_train_backward),
    BNC_SYMBOL(bnc_train_update),
    BNC_SYMBOL(bnc_train_discard),
    BNC_SYMBOL(bnc_train_eval_step),
    BNC_SYMBOL(bnc_train_predict),
    BNC_SYMBOL(bnc_train_calibrate_begin),
    BNC_SYMBOL(bnc_train_calibrate_add),
    BNC_SYMBOL(bnc_train_calibrate_end),
    BNC_SYMBOL(bnc_train_set_hyper),
    BNC_SYMBOL(bnc_train_get_hyper),
    BNC_SYMBOL(bnc_train_steps),
    BNC_SYMBOL(bnc_train_save),
    BNC_SYMBOL(bnc_train_load),
    BNC_SYMBOL(bnc_train_load_variables),
    BNC_SYMBOL(bnc_train_save_memory),
    BNC_SYMBOL(bnc_train_load_memory),
    BNC_SYMBOL(bnc_train_get_variable),
    BNC_SYMBOL(bnc_train_set_variable),
    BNC_SYMBOL(bnc_variables),
    BNC_SYMBOL(bnc_infer_create),
    BNC_SYMBOL(bnc_infer_destroy),
    BNC_SYMBOL(bnc_infer_error),
    BNC_SYMBOL(bnc_infer_load),
    BNC_SYMBOL(bnc_infer_load_memory),
    BNC_SYMBOL(bnc_infer_run),
    BNC_SYMBOL(bnc_fold),
};

JitModel::JitModel() = default;
JitModel::~JitModel() = default;

FailureOr<std::unique_ptr<JitModel>> JitModel::load(const CompiledModel &model, StringRef name,
                                                   ArrayRef<RuntimeSymbol> instead) {
  auto fail = [](Error error) -> LogicalResult {
    return reportError("cannot load the compiled model into this process: " + toString(std::move(error)));
  };
  InitializeNativeTarget();
  InitializeNativeTargetAsmPrinter();
  // Nothing but objects is added: no initializers, no IR to compile.
  auto jit = orc::LLJITBuilder().setPlatformSetUp(orc::setUpInactivePlatform).create();
  if (!jit)
    return fail(jit.takeError());
  std::unique_ptr<JitModel> loaded(new JitModel());
  loaded->jit = std::move(*jit);
  orc::JITDylib &library = loaded->jit->getMainJITDylib();

  orc::SymbolMap symbols;
  for (ArrayRef<RuntimeSymbol> table : {ArrayRef(kRuntimeSymbols), instead})
    for (const auto &[symbol, address] : table)
      symbols[loaded->jit->mangleAndIntern(symbol)] = {address, JITSymbolFlags::Exported | JITSymbolFlags::Callable};
  if (Error error = library.define(orc::absoluteSymbols(std::move(symbols))))
    return fail(std::move(error));
  // libc and libm: what a linked program has too.
  auto process =
      orc::DynamicLibrarySearchGenerator::GetForCurrentProcess(loaded->jit->getDataLayout().getGlobalPrefix());
  if (!process)
    return fail(process.takeError());
  library.addGenerator(std::move(*process));
  for (const CompiledObject &object : model.objects)
    if (Error error = loaded->jit->addObjectFile(MemoryBuffer::getMemBufferCopy(object.bytes, object.name)))
      return fail(std::move(error));
  auto address = loaded->jit->lookup((name + "_descriptor").str());
  if (!address)
    return fail(address.takeError());
  loaded->found = address->toPtr<const bnc_model_descriptor *>();
  return loaded;
}
