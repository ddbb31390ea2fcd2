//===- Passes.td - every pass on the bnc dialect -----------------------------===//
//
// Groups under banners, alphabetical inside a group. A pass, its file, its flag and its test share a name:
// FoldBatchNormPass, FoldBatchNorm.cpp, bnc-fold-batch-norm, fold-batch-norm.mlir.
//
//===----------------------------------------------------------------------===//

#ifndef BNC_TRANSFORMS_PASSES_TD
#define BNC_TRANSFORMS_PASSES_TD

include "mlir/Pass/PassBase.td"

#endif // BNC_TRANSFORMS_PASSES_TD
