//===- Activations.cpp - the activations and their derivatives ----------------===//
//
// At a kink the derivative is the one that is 0 or, failing that, the one from below: relu'(0) = 0, clip'(min) =
// clip'(max) = 0, leaky_relu'(0) = alpha, |x|' = 0 at 0. NaN stays NaN.
//
//===----------------------------------------------------------------------===//

#include "compiler/Reference/Activations.h"

#include "llvm/ADT/STLExtras.h"

#include <cmath>

using namespace bnc;

ActivationParameters::ActivationParameters(mlir::DictionaryAttr attributes) {
  auto get = [&](llvm::StringRef name) {
    auto value = attributes.getAs<mlir::FloatAttr>(name);
    return value ? value.getValueAsDouble() : 0;
  };
  alpha = get("alpha");
  beta = get("beta");
  min = get("min");
  max = get("max");
}

static double clip(double x, double min, double max) {
  double raised = x < min ? min : x;
  return raised > max ? max : raised;
}

static double sigmoid(double x) { return x >= 0 ? 1 / (1 + std::exp(-x)) : std::exp(x) / (1 + std::exp(x)); }

using P = const ActivationParameters &;

static const Activation kActivations[] = {
    {"abs", [](double x, P) { return std::fabs(x); }, [](double x, P) { return x > 0   ? 1.0
                                                                               : x < 0 ? -1.0
                                                                                       : 0.0; }},
    {"clip", [](double x, P p) { return clip(x, p.min, p.max); },
     [](double x, P p) { return x > p.min && x < p.max ? 1.0 : 0.0; }},
    {"elu", [](double x, P p) { return x > 0 ? x : p.alpha * std::expm1(x); },
     [](double x, P p) { return x > 0 ? 1 : p.alpha * std::exp(x); }},
    {"erf", [](double x, P) { return std::erf(x); },
     [](double x, P) { return 2 / std::sqrt(M_PI) * std::exp(-x * x); }},
    {"exp", [](double x, P) { return std::exp(x); }, [](double x, P) { return std::exp(x); }},
    {"hard_sigmoid", [](double x, P p) { return clip(p.alpha * x + p.beta, 0, 1); },
     [](double x, P p) { return p.alpha * x + p.beta > 0 && p.alpha * x + p.beta < 1 ? p.alpha : 0; }},
    {"hard_swish", [](double x, P) { return x * clip(x / 6 + 0.5, 0, 1); },
     [](double x, P) { return x <= -3 ? 0
                              : x < 3 ? x / 3 + 0.5
                                      : 1; }},
    {"leaky_relu", [](double x, P p) { return x > 0 ? x : p.alpha * x; },
     [](double x, P p) { return x > 0 ? 1 : p.alpha; }},
    {"log", [](double x, P) { return std::log(x); }, [](double x, P) { return 1 / x; }},
    {"neg", [](double x, P) { return -x; }, [](double, P) { return -1.0; }},
    {"relu", [](double x, P) { return x < 0 ? 0 : x; }, [](double x, P) { return x > 0 ? 1.0 : 0.0; }},
    {"sigmoid", [](double x, P) { return sigmoid(x); }, [](double x, P) { return sigmoid(x) * sigmoid(-x); }},
    {"softplus", [](double x, P) { return std::fmax(x, 0) + std::log1p(std::exp(-std::fabs(x))); },
     [](double x, P) { return sigmoid(x); }},
    {"sqrt", [](double x, P) { return std::sqrt(x); }, [](double x, P) { return 0.5 / std::sqrt(x); }},
    {"tanh", [](double x, P) { return std::tanh(x); }, [](double x, P) { return 1 - std::tanh(x) * std::tanh(x); }},
};

const Activation *bnc::findActivation(llvm::StringRef mnemonic) {
  const auto *row = llvm::find_if(kActivations, [&](const Activation &row) { return row.mnemonic == mnemonic; });
  return row == std::end(kActivations) ? nullptr : row;
}
