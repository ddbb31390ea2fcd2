//===- OptimizerFormulas.h - one step of every optimizer --------*- C++ -*-===//
//
// On one element of one parameter, over any type of number: doubles in the evaluator, expressions in the kernels. The
// formulas are the frameworks' own, down to where an epsilon is added. tests/goldens holds what the frameworks compute.
//
//===----------------------------------------------------------------------===//

#ifndef IR_OPTIMIZERFORMULAS_H
#define IR_OPTIMIZERFORMULAS_H

#include "ir/Optimizers.h"

#include <cmath>
#include <functional>

namespace bnc {

/// The numbers of a step. A number that the kind does not have is never asked for.
template <typename T> struct OptimizerScalars {
  T learningRate, step;                           // the first step is 1
  std::function<T(llvm::StringRef)> number;       // its value
  std::function<T(llvm::StringRef)> complement;   // 1 - value
  std::function<T(llvm::StringRef)> accumulated;  // 1 - value^step
};

/// What a step moves.
template <typename T> struct OptimizerElement {
  T value;
  llvm::SmallVector<T, 3> slots; // in the order of OptimizerKind::slots
};

namespace optimizer {
// Each moves the slots and returns what is to be subtracted from the value.
inline double select(bool condition, double yes, double no) { return condition ? yes : no; }
using std::sqrt;

template <typename T> T stepSgd(const OptimizerKind &kind, OptimizerElement<T> &e, T g, const OptimizerScalars<T> &s) {
  if (!kind.has("momentum"))
    return s.learningRate * g;
  T momentum = s.number("momentum"), &m = e.slots[0];
  if (kind.flavor() == Flavor::Keras) {
    m = momentum * m - s.learningRate * g;
    return kind.has("nesterov") ? s.learningRate * g - momentum * m : -m;
  }
  // PyTorch's first step takes the gradient whole, whatever the dampening.
  T share = kind.hasNumber("dampening") ? T(select(s.step == T(1.0f), T(1.0f), s.complement("dampening"))) : T(1.0f);
  m = momentum * m + share * g;
  return s.learningRate * (kind.has("nesterov") ? g + momentum * m : m);
}

/// Kingma and Ba 2015; decoupled weight decay: Loshchilov and Hutter 2019.
template <typename T> T stepAdam(const OptimizerKind &kind, OptimizerElement<T> &e, T g, const OptimizerScalars<T> &s) {
  T &first = e.slots[0], &second = e.slots[1];
  T bias1 = s.accumulated("beta1"), bias2 = s.accumulated("beta2"), eps = s.number("eps");
  first = s.number("beta1") * first + s.complement("beta1") * g;
  second = s.number("beta2") * second + s.complement("beta2") * g * g;
  if (kind.flavor() == Flavor::PyTorch)
    return s.learningRate / bias1 * first / (sqrt(second) / sqrt(bias2) + eps);
  if (kind.flavor() == Flavor::Optax)
    return s.learningRate * (first / bias1) / (sqrt(second / bias2 + s.number("eps-root")) + eps);
  return first * (s.learningRate * sqrt(bias2) / bias1) / (sqrt(second) + eps); // epsilon meets the uncorrected deviation
}

/// Hinton 2012; centered: Graves 2013.
template <typename T> T stepRmsprop(const OptimizerKind &kind, OptimizerElement<T> &e, T g, const OptimizerScalars<T> &s) {
  T alpha = s.number("alpha"), rest = s.complement("alpha"), eps = s.number("eps"), &second = e.slots[0];
  second = alpha * second + rest * g * g;
  T variance = second;
  if (kind.has("centered")) {
    T &first = e.slots[1];
    first = alpha * first + rest * g;
    variance = second - first * first;
    variance = select(variance < T(0.0f), T(0.0f), variance); // rounding
  }
  bool inside = kind.flavor() != Flavor::PyTorch; // the epsilon, under the root; and the learning rate, in the momentum
  T move = inside ? s.learningRate * g / sqrt(variance + eps) : g / (sqrt(variance) + eps);
  if (kind.has("momentum")) {
    T &m = e.slots.back();
    m = s.number("momentum") * m + move;
    move = m;
  }
  return inside ? move : s.learningRate * move;
}

/// Duchi, Hazan and Singer 2011.
template <typename T> T stepAdagrad(const OptimizerKind &kind, OptimizerElement<T> &e, T g, const OptimizerScalars<T> &s) {
  T &squares = e.slots[0];
  squares = squares + g * g;
  T sum = squares + s.number("initial-accumulator"), eps = s.number("eps");
  if (kind.flavor() == Flavor::PyTorch)
    return s.learningRate / (T(1.0f) + (s.step - T(1.0f)) * s.number("lr-decay")) * g / (sqrt(sum) + eps);
  return select(sum > T(0.0f), s.learningRate * g / sqrt(sum + eps), T(0.0f));
}
} // namespace optimizer

/// One step. `decays`: the parameter takes part in weight decay.
template <typename T>
void stepOptimizer(const OptimizerKind &kind, OptimizerElement<T> &e, T gradient, const OptimizerScalars<T> &s, bool decays) {
  bool weightDecay = decays && kind.hasNumber("weight-decay");
  T value = e.value, decay = weightDecay ? s.number("weight-decay") * value : T(0.0f);
  if (weightDecay && !kind.decoupled())
    gradient = gradient + decay;
  T move = kind.name() == "sgd"       ? optimizer::stepSgd(kind, e, gradient, s)
           : kind.name() == "rmsprop" ? optimizer::stepRmsprop(kind, e, gradient, s)
           : kind.name() == "adagrad" ? optimizer::stepAdagrad(kind, e, gradient, s)
                                      : optimizer::stepAdam(kind, e, gradient, s);
  // One subtraction, so that the value is rounded once.
  e.value = value - (weightDecay && kind.decoupled() ? s.learningRate * decay + move : move);
}

} // namespace bnc

#endif // IR_OPTIMIZERFORMULAS_H
