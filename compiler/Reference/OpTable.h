//===- OpTable.h - one function per op --------------------------*- C++ -*-===//
//
// Private to the evaluator. Each family of ops adds its rows: table.add<ConvOp>(evaluateConv).
//
//===----------------------------------------------------------------------===//

#ifndef COMPILER_REFERENCE_OPTABLE_H
#define COMPILER_REFERENCE_OPTABLE_H

#include "compiler/Reference/Evaluate.h"

#include <functional>

namespace bnc {

/// The values around an op that is being evaluated.
class Frame {
public:
  Frame(llvm::DenseMap<mlir::Value, Tensor> &values, const Evaluator &evaluator, Evaluation &evaluation)
      : evaluator(evaluator), evaluation(evaluation), values(values) {}

  /// The value of an operand. References stay valid only until set() is called.
  const Tensor &operator[](mlir::Value value) const { return values.find(value)->second; }
  /// The same for an operand that may be absent: null.
  const Tensor *find(mlir::Value value) const { return value ? &values.find(value)->second : nullptr; }
  /// Gives a result its value.
  void set(mlir::Value value, Tensor tensor) { values[value] = std::move(tensor); }

  const Evaluator &evaluator;
  Evaluation &evaluation;
  int64_t batch = 1; // what an unknown first dimension is

private:
  llvm::DenseMap<mlir::Value, Tensor> &values;
};

class OpTable {
public:
  using Function = std::function<llvm::LogicalResult(mlir::Operation *, Frame &)>;

  /// A function that sets all results of its op, or reports at the op why it has none.
  template <typename OpT> void add(llvm::LogicalResult (*function)(OpT, Frame &)) {
    rows[OpT::getOperationName()] = [function](mlir::Operation *op, Frame &frame) {
      return function(llvm::cast<OpT>(op), frame);
    };
  }
  /// A function of one result that is defined for all operands.
  template <typename OpT> void add(Tensor (*function)(OpT, Frame &)) {
    rows[OpT::getOperationName()] = [function](mlir::Operation *op, Frame &frame) {
      frame.set(op->getResult(0), function(llvm::cast<OpT>(op), frame));
      return llvm::success();
    };
  }

  /// The function of an op, or null.
  const Function *find(mlir::Operation *op) const {
    auto row = rows.find(op->getName().getStringRef());
    return row == rows.end() ? nullptr : &row->second;
  }

private:
  llvm::StringMap<Function> rows;
};

void addConvolution(OpTable &table);   // Convolution.cpp
void addElementwise(OpTable &table);   // Elementwise.cpp
void addFolding(OpTable &table);       // Folding.cpp
void addNormalization(OpTable &table); // Normalization.cpp
void addPooling(OpTable &table);       // Pooling.cpp
void addReductions(OpTable &table);    // Reductions.cpp
void addShape(OpTable &table);         // Shape.cpp
void addTraining(OpTable &table);      // Training.cpp

} // namespace bnc

#endif // COMPILER_REFERENCE_OPTABLE_H
