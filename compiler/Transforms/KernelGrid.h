//===- KernelGrid.h - what a task of a kernel covers --------------*- C++ -*-===//

#ifndef COMPILER_TRANSFORMS_KERNELGRID_H
#define COMPILER_TRANSFORMS_KERNELGRID_H

#include "compiler/Support/Target.h"
#include "ir/BncOps.h"

namespace bnc {

llvm::ArrayRef<int64_t> shapeOf(mlir::Value value);

/// Size `dim` of (N, C, H, W) of a tensor of rank 2 or more: H is the rows of all planes.
int64_t dimOf(mlir::Value value, int64_t dim);

/// Sets the grid, rows, blocks and chains of a kernel whose anchors are lowered, from shapes, target and the `threads`
/// that one image alone should keep busy. `chains`: slices of each weight gradient, if there are any; returns how many
/// there are after all. `outside`: what a block argument of the kernel is outside of it.
int64_t chooseGrid(KernelOp kernel, const Target &target, bool inference, int64_t threads, int64_t chains,
                   llvm::function_ref<mlir::Value(mlir::Value)> outside);

/// "14 rows a task, 2 blocks of channels, 8 tasks an image, 16 slices of the weight gradient": the grid of such a kernel.
std::string describeGrid(KernelOp kernel);

} // namespace bnc

#endif // COMPILER_TRANSFORMS_KERNELGRID_H
