//===- ReverseSweep.cpp - reverse-mode differentiation of a block ------------===//

#include "compiler/Transforms/ReverseSweep.h"

#include "ir/BncOps.h"

#include "llvm/ADT/SetVector.h"

using namespace mlir;
using namespace bnc;

/// The values that a change of `wanted` can change, `wanted` included.
static llvm::DenseSet<Value> findDependents(ValueRange wanted) {
  llvm::DenseSet<Value> dependents(wanted.begin(), wanted.end());
  SmallVector<Value> worklist(dependents.begin(), dependents.end());
  while (!worklist.empty())
    for (Operation *user : worklist.pop_back_val().getUsers())
      for (Value result : user->getResults())
        if (dependents.insert(result).second)
          worklist.push_back(result);
  return dependents;
}

/// The ops on the ways from `active` values to `outputs`, the last one of the block first.
static SmallVector<Operation *> findOps(ValueRange outputs, const llvm::DenseSet<Value> &active) {
  llvm::SetVector<Operation *> ops;
  auto visit = [&](Value value) {
    if (Operation *op = value.getDefiningOp(); op && active.contains(value))
      ops.insert(op);
  };
  llvm::for_each(outputs, visit);
  for (size_t i = 0; i < ops.size(); ++i)
    llvm::for_each(ops[i]->getOperands(), visit);
  SmallVector<Operation *> sorted = ops.takeVector();
  llvm::sort(sorted, [](Operation *a, Operation *b) { return b->isBeforeInBlock(a); });
  return sorted;
}

FailureOr<SmallVector<Value>> bnc::differentiate(OpBuilder &builder, ValueRange outputs, ValueRange outputGradients,
                                                 ValueRange wanted) {
  assert(outputs.size() == outputGradients.size() && "one gradient per output");
  llvm::DenseSet<Value> active = findDependents(wanted);
  llvm::DenseMap<Value, Value> gradients;
  auto accumulate = [&](Value value, Value gradient) {
    if (!gradient || !active.contains(value))
      return;
    assert(gradient.getType() == value.getType() && "a gradient has the type of its value");
    Value &sum = gradients[value];
    sum = sum ? AddOp::create(builder, value.getLoc(), sum, gradient) : gradient;
  };
  for (auto [output, gradient] : llvm::zip(outputs, outputGradients))
    accumulate(output, gradient);

  for (Operation *op : findOps(outputs, active)) {
    auto resultGradients =
        llvm::map_to_vector(op->getResults(), [&](Value result) { return gradients.lookup(result); });
    llvm::BitVector wantedOperands(op->getNumOperands());
    for (OpOperand &operand : op->getOpOperands())
      if (active.contains(operand.get()))
        wantedOperands.set(operand.getOperandNumber());
    if (llvm::none_of(resultGradients, [](Value gradient) { return gradient; }) || wantedOperands.none())
      continue;
    auto differentiable = dyn_cast<DifferentiableOpInterface>(op);
    if (!differentiable)
      return op->emitOpError("has no rule of differentiation, but a gradient has to pass through it");
    SmallVector<Value> operandGradients(op->getNumOperands());
    if (failed(differentiable.buildGradients(builder, resultGradients, wantedOperands, operandGradients)))
      return failure();
    for (auto [operand, gradient] : llvm::zip(op->getOperands(), operandGradients))
      accumulate(operand, gradient);
  }
  return llvm::map_to_vector(wanted, [&](Value value) { return gradients.lookup(value); });
}
