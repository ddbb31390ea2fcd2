//===- Activations.h - the activations and their derivatives ----*- C++ -*-===//

#ifndef COMPILER_REFERENCE_ACTIVATIONS_H
#define COMPILER_REFERENCE_ACTIVATIONS_H

#include "mlir/IR/BuiltinAttributes.h"

namespace bnc {

/// The attributes of an activation op; those it lacks are 0.
struct ActivationParameters {
  double alpha = 0, beta = 0, min = 0, max = 0;

  ActivationParameters() = default;
  explicit ActivationParameters(mlir::DictionaryAttr attributes);
};

/// One activation op: f, and its derivative.
struct Activation {
  llvm::StringLiteral mnemonic;
  double (*value)(double x, const ActivationParameters &parameters);
  double (*derivative)(double x, const ActivationParameters &parameters);
};

/// The activation of that mnemonic, or null.
const Activation *findActivation(llvm::StringRef mnemonic);

} // namespace bnc

#endif // COMPILER_REFERENCE_ACTIVATIONS_H
