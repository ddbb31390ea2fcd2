//===- bnc-reduce.cpp - makes the input of a failing pass smaller ----------------===//

#include "compiler/Transforms/Passes.h"
#include "ir/BncOps.h"

#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/IR/MLIRContext.h"
#include "mlir/Tools/mlir-reduce/MlirReduceMain.h"

int main(int argc, char **argv) {
  mlir::DialectRegistry registry;
  registry.insert<bnc::BncDialect, mlir::LLVM::LLVMDialect>();
  bnc::registerBncPasses();
  mlir::MLIRContext context(registry);
  return mlir::failed(mlir::mlirReduceMain(argc, argv, context));
}
