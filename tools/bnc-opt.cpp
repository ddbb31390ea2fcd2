//===- bnc-opt.cpp - run passes on .mlir files ------------------------------===//

#include "compiler/Transforms/Passes.h"
#include "compiler/Transforms/Pipelines.h"
#include "ir/BncOps.h"

#include "mlir/Tools/mlir-opt/MlirOptMain.h"
#include "mlir/Transforms/Passes.h"

int main(int argc, char **argv) {
  mlir::DialectRegistry registry;
  registry.insert<bnc::BncDialect>();
  bnc::registerBncPasses();
  bnc::registerBncPipelines();
  mlir::registerTransformsPasses();
  return mlir::asMainReturnCode(mlir::MlirOptMain(argc, argv, "bnc pass driver\n", registry));
}
