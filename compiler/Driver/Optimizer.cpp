//===- Optimizer.cpp - the text of --optimizer ---------------------------------===//

#include "compiler/Kernels/Optimizer.h"
#include "compiler/Driver/Compile.h"
#include "compiler/Driver/Report.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/StringExtras.h"

#include <cmath>

using namespace llvm;
using namespace bnc;

/// Algorithms as users call them. AdamW is Adam with decoupled weight decay, which PyTorch sets to 0.01 by default.
static const StringLiteral kOptimizers[] = {"sgd", "adam", "adamw"};
constexpr double kAdamWWeightDecay = 0.01;

static const OptimizerNumbers &numbersOf(StringRef name) { return *optimizerNumbers(name == "adamw" ? "adam" : name); }

static std::vector<double> defaultsOf(StringRef name) {
  const OptimizerNumbers &row = numbersOf(name);
  std::vector<double> numbers{row.learningRate};
  numbers.insert(numbers.end(), row.defaults.begin(), row.defaults.end());
  if (name == "adamw")
    for (auto [index, key] : enumerate(row.names))
      if (StringRef(key) == "weight-decay")
        numbers[index + 1] = kAdamWWeightDecay;
  return numbers;
}

OptimizerSpec::OptimizerSpec() : numbers(defaultsOf("sgd")) {}

std::string OptimizerSpec::parse(StringRef text) {
  auto [algorithm, settings] = text.split(':');
  if (!is_contained(kOptimizers, algorithm))
    return "sgd, adam or adamw, then perhaps ':' and settings";
  OptimizerSpec spec;
  spec.name = algorithm.str();
  spec.numbers = defaultsOf(algorithm);
  std::vector<std::string> keys{"lr"};
  for (const char *key : numbersOf(algorithm).names)
    keys.push_back(key);
  std::string all = join(keys, ", ") + (algorithm == "sgd" ? ", nesterov" : "");
  if (text.contains(':') && settings.empty())
    return "settings after ':' (" + all + ")";
  for (StringRef setting : split(settings, ',')) {
    if (settings.empty())
      break;
    auto [key, value] = setting.trim().split('=');
    if (algorithm == "sgd" && setting.trim() == "nesterov") {
      spec.nesterov = true;
      continue;
    }
    auto found = find(keys, key.str());
    if (found == keys.end())
      return "settings of " + algorithm.str() + " (" + all + "), not '" + key.str() + "'";
    double number;
    if (value.getAsDouble(number) || !std::isfinite(number) || number < 0)
      return "a number of at least 0 for " + key.str();
    if (StringRef(key).starts_with("beta") && number >= 1)
      return "a number of at least 0 and less than 1 for " + key.str();
    spec.numbers[found - keys.begin()] = number;
  }
  if (spec.nesterov && !spec.hasMomentum())
    return "a momentum with nesterov (sgd:momentum=0.9,nesterov)";
  *this = std::move(spec);
  return "";
}

bool OptimizerSpec::hasMomentum() const { return name == "sgd" && numbers[1] != 0; }

Optimizer OptimizerSpec::algorithm() const {
  return name == "adamw" ? Optimizer::AdamW : name == "adam" ? Optimizer::Adam : Optimizer::Sgd;
}
