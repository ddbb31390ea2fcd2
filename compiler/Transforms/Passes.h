//===- Passes.h - passes on the bnc dialect -----------------------*- C++ -*-===//

#ifndef COMPILER_TRANSFORMS_PASSES_H
#define COMPILER_TRANSFORMS_PASSES_H

#include "compiler/Transforms/ConvolutionCost.h"
#include "ir/BncOps.h"

#include "mlir/Pass/Pass.h"

namespace bnc {

/// What inference does with batch normalizations. `Strict` fails where `On` gives one a kernel of its own; `Off` folds none.
enum class FoldMode { On, Off, Strict };

#define GEN_PASS_DECL
#include "compiler/Transforms/Passes.h.inc"

#define GEN_PASS_REGISTRATION
#include "compiler/Transforms/Passes.h.inc"

} // namespace bnc

#endif // COMPILER_TRANSFORMS_PASSES_H
