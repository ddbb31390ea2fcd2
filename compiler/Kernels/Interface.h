//===- Interface.h - the arguments of a kernel --------------------*- C++ -*-===//
//
// What a kernel's function takes, in order, and how the runtime finds each argument for a task. Derived from the
// bnc.kernel op alone, so that the function (made by Halide) and its launch record (made by Codegen) cannot disagree.
//
//===----------------------------------------------------------------------===//

#ifndef COMPILER_KERNELS_INTERFACE_H
#define COMPILER_KERNELS_INTERFACE_H

#include "compiler/Support/Target.h"
#include "ir/BncOps.h"

#include <vector>

namespace bnc {

/// {first, one past the last} row.
struct RowRange {
  int64_t begin = 0, end = 0;
  int64_t size() const { return end - begin; }
};

/// How a tensor lies in memory as a kernel sees it: extents and strides in elements, innermost dimension first.
/// Activations have the dimensions (channel, x, y, image).
struct BufferLayout {
  llvm::SmallVector<int64_t, 5> extents, strides;
  int64_t rowDimension = -1;   // its range differs from strip to strip
  int64_t rows = 0;            // of every strip, 0 where they have different numbers
  int64_t imageDimension = -1; // its extent is the number of images of a task
  int64_t chainDimension = 0;  // its one index says whether a chain's first task writes (0) or a later one (1); 0: none
  int64_t raggedExtent = 0; // > 0: dimension 0's extent over all blocks of channels, which leave less for the last one
  int64_t typeCode = 2, typeBits = 32; // of an element; Halide's codes: 0 int, 1 uint, 2 float
};

struct KernelArgument {
  enum Role { Input, Scalars, Scratch, Result } role;
  mlir::Value value;    // block argument, staged value or yielded value, inside the kernel
  unsigned index = 0;   // of the kernel's operand or result
  int64_t term = 0;     // partials: which row of the record
  BufferLayout layout;
  int64_t imageMultiple = 1;     // scratch: images are rounded up to a multiple, for whole register tiles
  int64_t scratchOffset = 0;     // in bytes
  int64_t blockStride = 0;       // in bytes, from one block of channels to the next
  llvm::SmallVector<RowRange> rows = {}; // per strip, if layout.rowDimension >= 0
};

struct KernelInterface {
  std::vector<KernelArgument> arguments;
  int64_t strips = 1;       // tasks per image in grid `rows`
  int64_t scratchBytes = 0; // per worker
  /// Pixels of one image that a task of a strip owns of `value` (a stored activation).
  llvm::SmallVector<int64_t> pixelsOfStrip(mlir::Value value) const;
  llvm::DenseMap<mlir::Value, llvm::SmallVector<RowRange>> ranges; // of every activation inside the kernel
  llvm::DenseMap<mlir::Value, StageOp> images; // results -> the image in Winograd's algorithm that is stored only as them
};

/// (N, C, H, W) of an activation of rank 2 to 4.
struct ImageShape {
  int64_t channels, height, width;
  static ImageShape of(mlir::Value value);
};

/// True for values with one entry per sample and nothing else: labels, losses.
bool isPerSample(mlir::Value valueInKernel);

/// True for a value staged as the flat result of a dense layer, channel dimension (H, W, C) as one.
bool isFlat(StageOp stage);

/// True for a stage that is not stored: what it reads lies in memory as it is, and only the transform of Winograd's
/// algorithm reads it, which puts the border there itself.
bool isReadInPlace(StageOp stage, const KernelInterface &interface);

/// Channels that a stage keeps: few channels are read one at a time and need no padding.
int64_t stagedChannels(const Target &target, StageOp stage);

/// The arguments of a kernel. Needs the storage of the kernel's operands and results, that is, bnc-plan-memory.
KernelInterface describeKernel(KernelOp kernel, const Target &target);

/// Where a value outside kernels lives: the storage of the op that makes it, or an input of the graph, or a variable.
StorageAttr storageOf(mlir::Value value);

} // namespace bnc

#endif // COMPILER_KERNELS_INTERFACE_H
