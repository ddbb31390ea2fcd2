//===- Evaluate.h - plain evaluation of a graph -----------------*- C++ -*-===//
//
// The oracle: every op of ir/BncOps.td and ir/BncTrainingOps.td by straightforward loops, floats in double. What
// kernels, folding and gradients are compared with.
//
//===----------------------------------------------------------------------===//

#ifndef COMPILER_REFERENCE_EVALUATE_H
#define COMPILER_REFERENCE_EVALUATE_H

#include "compiler/Reference/Tensor.h"
#include "ir/BncOps.h"

#include "llvm/ADT/STLFunctionalExtras.h"

#include <map>

namespace bnc {

/// The run-time numbers of a training step.
struct TrainingNumbers {
  double learningRate = -1;                // negative: the optimizer's default
  std::map<std::string, double> optimizer; // by name; the others have their defaults
  int64_t step = 1;                        // 1 in the first step
  uint64_t seed = 0, passes = 0;           // of dropout
};

/// What one evaluation of a graph gives.
struct Evaluation {
  llvm::SmallVector<Tensor> results;
  std::map<std::string, Tensor> assigned; // values of bnc.assign by variable
};

/// How exact the values of f32 tensors are.
enum class Precision {
  Double, // not rounded to f32, not even by bnc.cast
  Stored  // every result of an op is rounded to f32, sums within the op are not: what f32 loses at the very least
};

/// Evaluates graphs over one set of variables. bnc.batch_norm and bnc.dropout do what they do in inference. Apart from
/// the rounding of f32 tensors every promise of an op's description holds.
class Evaluator {
public:
  explicit Evaluator(std::map<std::string, Tensor> variables, TrainingNumbers numbers = {},
                     Precision precision = Precision::Double)
      : variables(std::move(variables)), numbers(numbers), precision(precision) {}

  /// Sees every result of an op once it is computed. What no later op reads is then forgotten.
  using Visitor = llvm::function_ref<void(mlir::Value, const Tensor &)>;

  /// Runs a graph on inputs of concrete shapes. Fails, with a diagnostic at the op or the graph, on inputs or variables
  /// that do not fit, on values an op is not defined for (a class id out of range, an integer division by 0), and on
  /// ops of phase `kernels`. Assigned values are returned; the variables stay as they are.
  llvm::FailureOr<Evaluation> evaluate(GraphOp graph, llvm::ArrayRef<Tensor> inputs, Visitor visit = nullptr) const;

  std::map<std::string, Tensor> variables;
  TrainingNumbers numbers;
  Precision precision;
  /// Where an activation has a kink, or a window of a max pool a second element, within this share of the input's largest
  /// element, the gradient is that of the other side: what a value that is off by so much may do to it.
  double kinkReach = 0;
};

} // namespace bnc

#endif // COMPILER_REFERENCE_EVALUATE_H
