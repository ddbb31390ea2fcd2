//===- Optimizer.cpp - one step on a flat range of parameters ----------------------===//
//
// Independent of shapes: parameters, gradients and optimizer state are flat and parallel to each other. The formulas are
// those of ir/OptimizerFormulas.h, the numbers come in a buffer, see BNC_SCALAR_*.
//
//===----------------------------------------------------------------------===//

#include "compiler/Kernels/Pipeline.h"
#include "ir/OptimizerFormulas.h"

#include "bnc/model_abi.h"

using namespace mlir;
using namespace bnc;
using Halide::Expr;

std::pair<Halide::Pipeline, std::vector<Halide::Argument>> bnc::buildOptimizer(OptimizeOp op, const Target &target) {
  OptimizerKind kind = *OptimizerKind::parse(op.getOptimizer());
  Halide::Var i("i");
  std::vector<Halide::Argument> arguments;
  auto flat = [&](const std::string &name) {
    Halide::ImageParam param(Halide::Float(32), 1, name);
    arguments.push_back(param);
    return param;
  };
  Halide::ImageParam value = flat("value"), gradient = flat("gradient");
  OptimizerElement<Expr> element{value(i), {}};
  for (size_t slot = 0; slot < kind.slots().size(); ++slot)
    element.slots.push_back(flat("slot" + std::to_string(slot))(i));
  Halide::ImageParam buffer = flat("scalars");
  auto scalar = [&](llvm::StringRef name, int which) {
    SmallVector<const OptimizerNumber *> numbers = kind.numbers();
    int index = llvm::find_if(numbers, [&](const OptimizerNumber *number) { return number->name == name; }) - numbers.begin();
    return Expr(buffer(BNC_SCALAR_HYPER + BNC_SCALARS_PER_HYPER * index + which));
  };
  OptimizerScalars<Expr> scalars;
  scalars.learningRate = buffer(BNC_SCALAR_LEARNING_RATE);
  scalars.step = buffer(BNC_SCALAR_STEP);
  scalars.number = [&](llvm::StringRef name) { return scalar(name, 0); };
  scalars.complement = [&](llvm::StringRef name) { return scalar(name, 1); };
  scalars.accumulated = [&](llvm::StringRef name) { return scalar(name, 2); };
  Expr scaled = gradient(i) * buffer(BNC_SCALAR_GRADIENT_SCALE);
  stepOptimizer(kind, element, scaled, scalars, !op.getNoWeightDecay());

  // One Func with all results, so that each is formed from the old values even in place.
  std::vector<Expr> results{element.value};
  results.insert(results.end(), element.slots.begin(), element.slots.end());
  // As written: taking the two parts of a decayed move off the value one after the other would round the value twice.
  for (Expr &result : results)
    result = Halide::strict_float(result);
  Halide::Func func("next");
  if (results.size() == 1)
    func(i) = results[0];
  else
    func(i) = Halide::Tuple(results);
  func.vectorize(i, int(target.lanes), Halide::TailStrategy::RoundUp); // blocks of parameters are padded
  return {Halide::Pipeline(func), arguments};
}
