//===- CheckGradients.h - gradients against finite differences --*- C++ -*-===//

#ifndef COMPILER_REFERENCE_CHECKGRADIENTS_H
#define COMPILER_REFERENCE_CHECKGRADIENTS_H

#include "compiler/Reference/Evaluate.h"

namespace bnc {

/// What a gradient is with respect to: an input of a graph, or a variable.
struct GradientOperand {
  std::string name;
  bool isVariable;
  unsigned input; // its index, if it is one
};

struct GradientError {
  std::string name;
  double error;   // relative, the largest over the directions
  unsigned kinks; // directions drawn again because the function is not smooth along them
};

/// Compares the gradients that `backward` computes with central differences of `forward`, in double.
///
/// The function is L = sum of P[i] * result[i] over the float results of `forward`, P drawn with `seed`. `backward`
/// takes the inputs of `forward`, then P, and returns the gradient of L with respect to each of `operands` (floats).
/// Each is compared along `directions` random directions: |difference - <gradient, direction>|, relative to the larger
/// of the two, but at least to 1e-4 * sum |P[i]| * max(|result[i]|, 1), below which differences are rounding errors. A
/// direction along which L has a kink nearby (the second difference does not shrink as the step does) is drawn again.
///
/// Fails, with a diagnostic, if a graph cannot be evaluated or no smooth direction is found.
llvm::FailureOr<llvm::SmallVector<GradientError>> checkGradients(const Evaluator &evaluator, GraphOp forward,
                                                                 GraphOp backward, llvm::ArrayRef<Tensor> inputs,
                                                                 llvm::ArrayRef<GradientOperand> operands,
                                                                 uint64_t seed, unsigned directions);

/// The derivative of a loss along one random direction of all its variables at once.
struct DirectionalDerivative {
  double product;    // <gradient, direction>
  double difference; // a central difference
  double scale;      // what the product is of the order of: the norm of its terms
  int64_t moved, skipped; // elements of variables

  double error() const; // 0 if nothing moves
};

/// Compares `gradients`, by variable, of the mean of the first result of `forward` with central differences in double.
/// Every variable moves by a normally distributed share of its own root mean square (of 1 where that is 0). `otherSide`
/// are the gradients beyond the kinks on which values lie exactly (a scale of 0 ties a whole channel): an element that
/// has two does not move. A network has kinks everywhere else, too; how many a step crosses falls with the step, which
/// shrinks until two differences agree.
llvm::FailureOr<DirectionalDerivative> differentiateAlongDirection(const Evaluator &evaluator, GraphOp forward,
                                                                   llvm::ArrayRef<Tensor> inputs,
                                                                   const std::map<std::string, Tensor> &gradients,
                                                                   const std::map<std::string, Tensor> &otherSide,
                                                                   uint64_t seed);

} // namespace bnc

#endif // COMPILER_REFERENCE_CHECKGRADIENTS_H
