//===- Optimizer.h - the numbers of the optimizers -----------------*- C++ -*-===//

#ifndef COMPILER_KERNELS_OPTIMIZER_H
#define COMPILER_KERNELS_OPTIMIZER_H

#include "llvm/ADT/SmallVector.h"
#include "llvm/ADT/StringRef.h"

namespace bnc {

/// Numbers of an optimizer in the order in which its kernel reads them after the learning rate, and names of its state.
struct OptimizerNumbers {
  llvm::StringRef algorithm;
  llvm::SmallVector<const char *, 4> names;
  llvm::SmallVector<double, 4> defaults;
  llvm::SmallVector<const char *, 2> slots;
  double learningRate;
};

/// Null for an unknown algorithm. "adam" serves adamw too.
const OptimizerNumbers *optimizerNumbers(llvm::StringRef algorithm);

} // namespace bnc

#endif // COMPILER_KERNELS_OPTIMIZER_H
