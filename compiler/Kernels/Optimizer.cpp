//===- Optimizer.cpp - one step on a flat range of parameters ----------------------===//
//
// Independent of shapes: parameters, gradients and optimizer state are flat and parallel to each other. The formulas are
// PyTorch's (torch.optim.SGD, Adam, AdamW). Numbers come in a buffer, see BNC_SCALAR_* and kHyper below.
//
//===----------------------------------------------------------------------===//

#include "compiler/Kernels/Optimizer.h"
#include "compiler/Kernels/Pipeline.h"

#include "bnc/model_abi.h"

using namespace mlir;
using namespace bnc;
using Halide::Expr;

namespace {
const OptimizerNumbers kNumbers[] = {
    {"sgd", {"momentum", "dampening", "weight-decay"}, {0, 0, 0}, {"momentum"}, 0.01},
    {"adam", {"beta1", "beta2", "eps", "weight-decay"}, {0.9, 0.999, 1e-8, 0}, {"first_moment", "second_moment"}, 0.001},
};

struct Step {
  Expr value, gradient, slots[2];
};

Step sgd(OptimizeOp op, Step s, std::function<Expr(int)> scalar) {
  Expr lr = scalar(BNC_SCALAR_LEARNING_RATE), momentum = scalar(BNC_SCALAR_HYPER), dampening = scalar(BNC_SCALAR_HYPER + 1),
       decay = scalar(BNC_SCALAR_HYPER + 2);
  Expr g = s.gradient + decay * s.value;
  Step next = s;
  if (op.getSlots() == 1) {
    // PyTorch's first step takes the gradient whole, whatever the dampening.
    Expr share = Halide::select(scalar(BNC_SCALAR_STEP) == 1.0f, 1.0f, 1.0f - dampening);
    next.slots[0] = momentum * s.slots[0] + share * g;
    g = op.getNesterov() ? g + momentum * next.slots[0] : next.slots[0];
  }
  next.value = s.value - lr * g;
  return next;
}

Step adam(OptimizeOp op, Step s, std::function<Expr(int)> scalar) {
  Expr lr = scalar(BNC_SCALAR_LEARNING_RATE), beta1 = scalar(BNC_SCALAR_HYPER), beta2 = scalar(BNC_SCALAR_HYPER + 1),
       epsilon = scalar(BNC_SCALAR_HYPER + 2), decay = scalar(BNC_SCALAR_HYPER + 3);
  Expr value = s.value, g = s.gradient;
  if (op.getDecoupled())
    value = value * (1.0f - lr * decay);
  else
    g = g + decay * value;
  Step next = s;
  next.slots[0] = beta1 * s.slots[0] + (1.0f - beta1) * g;
  next.slots[1] = beta2 * s.slots[1] + (1.0f - beta2) * g * g;
  Expr deviation = Halide::sqrt(next.slots[1]) / Halide::sqrt(scalar(BNC_SCALAR_BIAS2)) + epsilon;
  next.value = value - lr / scalar(BNC_SCALAR_BIAS1) * next.slots[0] / deviation;
  return next;
}
} // namespace

const OptimizerNumbers *bnc::optimizerNumbers(llvm::StringRef algorithm) {
  for (const OptimizerNumbers &numbers : kNumbers)
    if (numbers.algorithm == algorithm)
      return &numbers;
  return nullptr;
}

std::pair<Halide::Pipeline, std::vector<Halide::Argument>> bnc::buildOptimizer(OptimizeOp op, const Target &target) {
  Halide::Var i("i");
  std::vector<Halide::Argument> arguments;
  auto flat = [&](const std::string &name) {
    Halide::ImageParam param(Halide::Float(32), 1, name);
    arguments.push_back(param);
    return param;
  };
  Halide::ImageParam value = flat("value"), gradient = flat("gradient");
  Step step{value(i), gradient(i), {}};
  for (uint64_t slot = 0; slot < op.getSlots(); ++slot)
    step.slots[slot] = flat("slot" + std::to_string(slot))(i);
  Halide::ImageParam scalars = flat("scalars");
  auto scalar = [&](int index) { return Expr(scalars(index)); };
  Step next = op.getAlgorithm() == "sgd" ? sgd(op, step, scalar) : adam(op, step, scalar);

  // One Func with all results, so that each is formed from the old values even in place.
  std::vector<Expr> results{next.value};
  for (uint64_t slot = 0; slot < op.getSlots(); ++slot)
    results.push_back(next.slots[slot]);
  Halide::Func func("next");
  if (results.size() == 1)
    func(i) = results[0];
  else
    func(i) = Halide::Tuple(results);
  func.vectorize(i, int(target.lanes), Halide::TailStrategy::RoundUp); // blocks of parameters are padded
  return {Halide::Pipeline(func), arguments};
}
