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

/// Evaluates graphs over one set of variables. bnc.batch_norm and bnc.dropout do what they do in inference. f32 tensors
/// are not rounded to f32, not even by bnc.cast; every other promise of an op's description holds.
class Evaluator {
public:
  explicit Evaluator(std::map<std::string, Tensor> variables, TrainingNumbers numbers = {})
      : variables(std::move(variables)), numbers(numbers) {}

  /// Runs a graph on inputs of concrete shapes. Fails, with a diagnostic at the op or the graph, on inputs or variables
  /// that do not fit, on values an op is not defined for (a class id out of range, an integer division by 0), and on
  /// ops of phase `kernels`. Assigned values are returned; the variables stay as they are.
  llvm::FailureOr<Evaluation> evaluate(GraphOp graph, llvm::ArrayRef<Tensor> inputs) const;

  std::map<std::string, Tensor> variables;
  TrainingNumbers numbers;
};

} // namespace bnc

#endif // COMPILER_REFERENCE_EVALUATE_H
