//===- Optimizers.h - the table of optimizers -------------------*- C++ -*-===//
//
// An optimizer is a row of the table in Optimizers.cpp and a formula in OptimizerFormulas.h; everything else (the option
// --optimizer, bnc.optimizer_update, the evaluator, the kernel, the numbers and state a model describes) follows.
//
//===----------------------------------------------------------------------===//

#ifndef IR_OPTIMIZERS_H
#define IR_OPTIMIZERS_H

#include "llvm/ADT/ArrayRef.h"
#include "llvm/ADT/SmallVector.h"
#include "llvm/ADT/StringRef.h"

#include <optional>
#include <string>

namespace bnc {

/// Whose formulas and default numbers.
enum class Flavor { PyTorch, Optax, Keras };
constexpr unsigned kFlavors = 3;
llvm::StringRef flavorName(Flavor flavor);

/// A number that may change from step to step. `defaults` are those of the flavors; not a number: a flavor without it.
struct OptimizerNumber {
  llvm::StringLiteral name;
  double defaults[kFlavors];
  double below = 0;                 // a value has to be less than this; 0: any
  llvm::StringLiteral feature = ""; // which the number is part of; "": always there
};

/// A tensor per parameter that outlives the step.
struct OptimizerSlot {
  llvm::StringLiteral name;
  llvm::StringLiteral feature = "";
};

struct OptimizerDefinition {
  llvm::StringLiteral name;
  double learningRate[kFlavors];
  llvm::ArrayRef<OptimizerNumber> numbers;
  llvm::ArrayRef<llvm::StringLiteral> features; // what can be compiled in besides
  llvm::ArrayRef<OptimizerSlot> slots;
};

llvm::ArrayRef<OptimizerDefinition> optimizerDefinitions();

/// What is compiled in: which optimizer, whose, with which features.
class OptimizerKind {
public:
  /// "adam", "sgd:momentum,nesterov", "rmsprop:flavor=keras,centered"; nothing if the text is not the spelling of one.
  static std::optional<OptimizerKind> parse(llvm::StringRef text);
  OptimizerKind(const OptimizerDefinition &definition, Flavor flavor, llvm::ArrayRef<llvm::StringRef> features);

  std::string spell() const;
  llvm::StringRef name() const { return row->name; }
  Flavor flavor() const { return whose; }
  bool has(llvm::StringRef feature) const;
  /// The numbers after the learning rate, in the order in which a model keeps them.
  llvm::SmallVector<const OptimizerNumber *> numbers() const;
  bool hasNumber(llvm::StringRef name) const;
  double defaultOf(const OptimizerNumber &number) const { return number.defaults[static_cast<unsigned>(whose)]; }
  double defaultLearningRate() const { return row->learningRate[static_cast<unsigned>(whose)]; }
  llvm::SmallVector<llvm::StringRef> slots() const;
  /// The weight decay shrinks the value, rather than adding to the gradient.
  bool decoupled() const { return whose == Flavor::Keras || row->name == "adamw"; }
  /// What is added to the norm before the clipping divides by it.
  double clipEpsilon() const { return whose == Flavor::PyTorch ? 1e-6 : 0; }

private:
  const OptimizerDefinition *row;
  Flavor whose;
  llvm::SmallVector<llvm::StringRef, 2> features; // in the row's order
};

} // namespace bnc

#endif // IR_OPTIMIZERS_H
