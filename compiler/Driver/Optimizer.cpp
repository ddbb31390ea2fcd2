//===- Optimizer.cpp - the texts of --optimizer and --loss -----------------------===//

#include "compiler/Driver/Compile.h"
#include "compiler/Driver/Report.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/StringExtras.h"

#include <cmath>

using namespace llvm;
using namespace bnc;

/// "a, b or c".
static std::string alternatives(ArrayRef<std::string> names) {
  return join(names.drop_back(), ", ") + (names.size() > 1 ? " or " : "") + names.back();
}

//===-- Optimizers -----------------------------------------------------------------===//

static std::vector<double> defaultsOf(const OptimizerKind &kind) {
  std::vector<double> numbers{kind.defaultLearningRate()};
  for (const OptimizerNumber *number : kind.numbers())
    numbers.push_back(kind.defaultOf(*number));
  return numbers;
}

OptimizerSpec::OptimizerSpec() : kind(optimizerDefinitions().front(), Flavor::PyTorch, {}), numbers(defaultsOf(kind)) {}

/// Takes "flavor=..." out of the settings. Returns what was expected instead, or "".
static std::string takeFlavor(SmallVectorImpl<StringRef> &settings, Flavor &flavor) {
  bool found = false;
  for (size_t i = 0; i < settings.size(); ++i) {
    if (!settings[i].starts_with("flavor="))
      continue;
    StringRef name = settings[i].drop_front(7);
    std::vector<std::string> names;
    bool known = false;
    for (unsigned f = 0; f < kFlavors; ++f) {
      names.push_back(flavorName(Flavor(f)).str());
      if (name == names.back()) {
        flavor = Flavor(f);
        known = true;
      }
    }
    if (!known)
      return "flavor=" + alternatives(names) + didYouMean(name, names);
    if (found)
      return "one flavor";
    found = true;
    settings.erase(settings.begin() + i--);
  }
  return "";
}

std::string OptimizerSpec::parse(StringRef text) {
  std::vector<std::string> names;
  for (const OptimizerDefinition &definition : optimizerDefinitions())
    names.push_back(definition.name.str());
  StringRef name = text.split(':').first;
  auto row = find(names, name.str());
  if (row == names.end())
    return alternatives(names) + ", then perhaps ':' and settings" + didYouMean(name, names);
  const OptimizerDefinition &definition = optimizerDefinitions()[row - names.begin()];
  SmallVector<StringRef> settings = settingsOf(text);
  Flavor flavor = Flavor::PyTorch;
  if (std::string expected = takeFlavor(settings, flavor); !expected.empty())
    return expected;

  // Everything the flavor has: numbers that belong to a feature too.
  OptimizerKind whole(definition, flavor, SmallVector<StringRef>(definition.features.begin(), definition.features.end()));
  std::vector<std::string> keys{"lr"}, flags;
  for (const OptimizerNumber *number : whole.numbers())
    keys.push_back(number->name.str());
  for (StringRef feature : definition.features)
    if (!is_contained(keys, feature)) // else the number switches it on
      flags.push_back(feature.str());
  std::string all = join(keys, ", ") + (flags.empty() ? "" : ", ") + join(flags, ", ") + ", flavor";
  std::string who = name.str() + (flavor == Flavor::PyTorch ? "" : ":flavor=" + flavorName(flavor).str());

  std::vector<double> given = defaultsOf(whole);
  SmallVector<StringRef> features, seen;
  for (StringRef setting : settings) {
    auto [key, value] = setting.split('=');
    if (is_contained(seen, key))
      return "each setting of " + who + " once, not '" + key.str() + "' twice";
    seen.push_back(key);
    if (is_contained(flags, setting)) {
      features.push_back(setting);
      continue;
    }
    auto found = find(keys, key.str());
    if (found == keys.end())
      return "settings of " + who + " (" + all + "), not '" + key.str() + "'";
    size_t index = found - keys.begin();
    double below = index ? whole.numbers()[index - 1]->below : 0, number;
    if (value.getAsDouble(number) || !std::isfinite(number) || number < 0 || (below && number >= below))
      return "a number of at least 0" + (below ? " and less than " + std::to_string(int(below)) : "") + " for " + key.str();
    given[index] = number;
    if (number != 0 && is_contained(definition.features, key))
      features.push_back(key);
  }
  OptimizerSpec spec;
  spec.kind = OptimizerKind(definition, flavor, features);
  spec.numbers = {given[0]};
  for (const OptimizerNumber *number : spec.kind.numbers())
    spec.numbers.push_back(given[find(keys, number->name.str()) - keys.begin()]);
  auto numberOf = [&](StringRef key) {
    auto found = find(keys, key.str());
    return found == keys.end() ? 0 : given[found - keys.begin()];
  };
  if (spec.kind.has("nesterov") && !spec.kind.has("momentum"))
    return "a momentum with nesterov (sgd:momentum=0.9,nesterov)";
  if (numberOf("dampening") != 0 && (!spec.kind.has("momentum") || spec.kind.has("nesterov")))
    return "dampening with a momentum, and without nesterov (sgd:momentum=0.9,dampening=0.1)";
  *this = std::move(spec);
  return "";
}

//===-- Losses ----------------------------------------------------------------------===//

std::vector<std::string> LossSpec::names() { return {"softmax-cross-entropy", "mse", "bce-with-logits", "custom"}; }

std::string LossSpec::parse(StringRef text) {
  constexpr std::optional<LossKind> kinds[] = {LossKind::SoftmaxCrossEntropy, LossKind::Mse, LossKind::BceWithLogits, std::nullopt};
  std::vector<std::string> known = names();
  StringRef name = text.split(':').first;
  auto row = find(known, name.str());
  if (row == known.end())
    return "one of " + join(known, ", ");
  LossSpec spec;
  spec.kind = kinds[row - known.begin()];
  for (StringRef setting : settingsOf(text)) {
    auto [key, value] = setting.split('=');
    if (spec.kind != LossKind::SoftmaxCrossEntropy)
      return name.str() + " without settings; label-smoothing and labels belong to softmax-cross-entropy";
    if (key == "label-smoothing") {
      if (value.getAsDouble(spec.labelSmoothing) || !(spec.labelSmoothing >= 0 && spec.labelSmoothing < 1))
        return "a number of at least 0 and less than 1 for label-smoothing";
    } else if (key == "labels") {
      if (value != "classes" && value != "probabilities")
        return "labels=classes or labels=probabilities";
      spec.probabilities = value == "probabilities";
    } else {
      return "settings of softmax-cross-entropy (label-smoothing, labels), not '" + key.str() + "'";
    }
  }
  *this = spec;
  return "";
}
