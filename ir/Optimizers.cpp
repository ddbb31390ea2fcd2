//===- Optimizers.cpp - the table of optimizers ----------------------------===//

#include "ir/Optimizers.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/StringExtras.h"

#include <cmath>
#include <limits>

using namespace bnc;
using llvm::StringLiteral;
using llvm::StringRef;

//===----------------------------------------------------------------------===//
// The table: numbers are those of {PyTorch, optax, Keras}
//===----------------------------------------------------------------------===//

static constexpr double kNone = std::numeric_limits<double>::quiet_NaN();

// optax leaves the learning rate to its callers; it is PyTorch's here.
static constexpr OptimizerNumber kClipNorm = {"clip-norm", {0, 0, 0}}; // 0: no clipping
static constexpr OptimizerNumber kWeightDecay = {"weight-decay", {0, kNone, 0}};

static constexpr OptimizerNumber kSgdNumbers[] = {
    {"momentum", {0, 0, 0}, 0, "momentum"}, {"dampening", {0, kNone, kNone}, 0, "momentum"}, kWeightDecay, kClipNorm};
static constexpr StringLiteral kSgdFeatures[] = {"momentum", "nesterov"};
static constexpr OptimizerSlot kSgdSlots[] = {{"momentum", "momentum"}};

static constexpr OptimizerNumber kBeta1 = {"beta1", {0.9, 0.9, 0.9}, 1}, kBeta2 = {"beta2", {0.999, 0.999, 0.999}, 1};
static constexpr OptimizerNumber kAdamEps = {"eps", {1e-8, 1e-8, 1e-7}}, kEpsRoot = {"eps-root", {kNone, 0, kNone}};
static constexpr OptimizerNumber kAdamNumbers[] = {kBeta1, kBeta2, kAdamEps, kEpsRoot, kWeightDecay, kClipNorm};
static constexpr OptimizerNumber kAdamWNumbers[] = {kBeta1, kBeta2, kAdamEps, kEpsRoot, {"weight-decay", {0.01, 1e-4, 0.004}}, kClipNorm};
static constexpr OptimizerSlot kAdamSlots[] = {{"first_moment"}, {"second_moment"}};

static constexpr OptimizerNumber kRmspropNumbers[] = {
    {"alpha", {0.99, 0.9, 0.9}, 1}, kAdamEps, {"momentum", {0, 0, 0}, 0, "momentum"}, kWeightDecay, kClipNorm};
static constexpr StringLiteral kRmspropFeatures[] = {"momentum", "centered"};
static constexpr OptimizerSlot kRmspropSlots[] = {{"second_moment"}, {"first_moment", "centered"}, {"momentum", "momentum"}};

static constexpr OptimizerNumber kAdagradNumbers[] = {{"lr-decay", {0, kNone, kNone}},
                                                      {"initial-accumulator", {0, 0.1, 0.1}},
                                                      {"eps", {1e-10, 1e-7, 1e-7}},
                                                      kWeightDecay,
                                                      kClipNorm};
static constexpr OptimizerSlot kAdagradSlots[] = {{"sum_of_squares"}}; // without the initial accumulator

llvm::ArrayRef<OptimizerDefinition> bnc::optimizerDefinitions() {
  static const OptimizerDefinition table[] = {
      {"sgd", {0.01, 0.01, 0.01}, kSgdNumbers, kSgdFeatures, kSgdSlots},
      {"adam", {0.001, 0.001, 0.001}, kAdamNumbers, {}, kAdamSlots},
      {"adamw", {0.001, 0.001, 0.001}, kAdamWNumbers, {}, kAdamSlots},
      {"rmsprop", {0.01, 0.01, 0.001}, kRmspropNumbers, kRmspropFeatures, kRmspropSlots},
      {"adagrad", {0.01, 0.01, 0.001}, kAdagradNumbers, {}, kAdagradSlots},
  };
  return table;
}

StringRef bnc::flavorName(Flavor flavor) {
  static constexpr StringLiteral names[kFlavors] = {"pytorch", "optax", "keras"};
  return names[static_cast<unsigned>(flavor)];
}

//===----------------------------------------------------------------------===//
// What is compiled in
//===----------------------------------------------------------------------===//

OptimizerKind::OptimizerKind(const OptimizerDefinition &definition, Flavor flavor, llvm::ArrayRef<StringRef> chosen)
    : row(&definition), whose(flavor) {
  for (StringRef feature : definition.features)
    if (llvm::is_contained(chosen, feature))
      features.push_back(feature);
}

std::optional<OptimizerKind> OptimizerKind::parse(StringRef text) {
  auto [name, rest] = text.split(':');
  for (const OptimizerDefinition &definition : optimizerDefinitions()) {
    if (definition.name != name)
      continue;
    llvm::SmallVector<StringRef> chosen;
    if (!rest.empty())
      rest.split(chosen, ',');
    Flavor flavor = Flavor::PyTorch;
    for (unsigned i = 0; i < kFlavors; ++i)
      if (!chosen.empty() && chosen.front().starts_with("flavor=") && chosen.front().drop_front(7) == flavorName(Flavor(i)))
        flavor = Flavor(i);
    OptimizerKind kind(definition, flavor, chosen);
    if (kind.spell() == text && (!kind.has("nesterov") || kind.has("momentum")))
      return kind;
  }
  return std::nullopt;
}

std::string OptimizerKind::spell() const {
  llvm::SmallVector<std::string> parts;
  if (whose != Flavor::PyTorch)
    parts.push_back(("flavor=" + flavorName(whose)).str());
  for (StringRef feature : features)
    parts.push_back(feature.str());
  return row->name.str() + (parts.empty() ? "" : ":") + llvm::join(parts, ",");
}

bool OptimizerKind::has(StringRef feature) const { return llvm::is_contained(features, feature); }

llvm::SmallVector<const OptimizerNumber *> OptimizerKind::numbers() const {
  llvm::SmallVector<const OptimizerNumber *> result;
  for (const OptimizerNumber &number : row->numbers)
    if (!std::isnan(defaultOf(number)) && (number.feature.empty() || has(number.feature)))
      result.push_back(&number);
  return result;
}

bool OptimizerKind::hasNumber(StringRef name) const {
  return llvm::any_of(numbers(), [&](const OptimizerNumber *number) { return number->name == name; });
}

llvm::SmallVector<StringRef> OptimizerKind::slots() const {
  llvm::SmallVector<StringRef> result;
  for (const OptimizerSlot &slot : row->slots)
    if (slot.feature.empty() || has(slot.feature))
      result.push_back(slot.name);
  return result;
}
