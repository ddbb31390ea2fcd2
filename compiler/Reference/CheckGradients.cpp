//===- CheckGradients.cpp - gradients against finite differences ----------------===//

#include "compiler/Reference/CheckGradients.h"

#include "compiler/Reference/Random.h"

#include <cmath>
#include <limits>

using namespace mlir;
using namespace bnc;

namespace {
// Two central differences are extrapolated (Richardson), which leaves errors of about step^4 from the fifth derivative
// and 1e-15 / step from rounding.
constexpr double kStep = 1e-4;
constexpr unsigned kMaxKinks = 50;
constexpr double kDirectionStep = 1e-7;  // of all variables at once
constexpr double kTwoGradients = 1e-4;  // apart, as a share of the largest
constexpr double kAgreement = 1e-5;     // of two differences, as a share of the product's scale

class Checker {
public:
  Checker(const Evaluator &evaluator, GraphOp forward, ArrayRef<Tensor> inputs, ArrayRef<Tensor> projections)
      : evaluator(evaluator), forward(forward), inputs(inputs), projections(projections) {}

  /// L, and the magnitude of its terms: that of the projections where results are smaller than 1, since a small result
  /// may be a difference of values around 1.
  struct Loss {
    double value = 0, magnitude = 0;
  };
  /// L where `operand` is moved by `step` along `direction`.
  FailureOr<Loss> lossAt(const GradientOperand &operand, const Tensor &direction, double step);

  /// The derivative of L along a direction; nothing where L has a kink.
  FailureOr<std::optional<double>> differenceAlong(const GradientOperand &operand, const Tensor &direction, Loss here);

private:
  Evaluator evaluator;
  GraphOp forward;
  SmallVector<Tensor> inputs;
  ArrayRef<Tensor> projections;
};
} // namespace

FailureOr<Checker::Loss> Checker::lossAt(const GradientOperand &operand, const Tensor &direction, double step) {
  Tensor &moved = operand.isVariable ? evaluator.variables[operand.name] : inputs[operand.input];
  Tensor original = moved;
  for (auto [value, slope] : llvm::zip_equal(moved.reals, direction.reals))
    value += step * slope;
  FailureOr<Evaluation> evaluation = evaluator.evaluate(forward, inputs);
  moved = std::move(original);
  if (failed(evaluation))
    return failure();
  Loss loss;
  const Tensor *projection = projections.begin();
  for (const Tensor &result : evaluation->results) {
    if (!result.isReal())
      continue;
    for (auto [value, weight] : llvm::zip_equal(result.reals, (projection++)->reals)) {
      loss.value += value * weight;
      loss.magnitude += std::fabs(weight) * std::fmax(std::fabs(value), 1);
    }
  }
  return loss;
}

FailureOr<std::optional<double>> Checker::differenceAlong(const GradientOperand &operand, const Tensor &direction,
                                                          Loss here) {
  // The one-sided differences differ by step * L'' where L is smooth, and by the kink's jump where it is not.
  double central[3], gaps[3];
  for (int i : {0, 1, 2}) {
    double step = std::ldexp(kStep, -i);
    FailureOr<Loss> ahead = lossAt(operand, direction, step), behind = lossAt(operand, direction, -step);
    if (failed(ahead) || failed(behind))
      return failure();
    central[i] = (ahead->value - behind->value) / (2 * step);
    gaps[i] = (ahead->value - 2 * here.value + behind->value) / step;
  }
  double noise = 1e-15 * here.magnitude / kStep;
  for (int i : {1, 2})
    if (std::fabs(gaps[i] - std::ldexp(gaps[0], -i)) > 0.01 * std::fabs(gaps[0]) + 8 * noise)
      return std::optional<double>();
  return std::optional<double>((4 * central[1] - central[0]) / 3);
}

FailureOr<SmallVector<GradientError>> bnc::checkGradients(const Evaluator &evaluator, GraphOp forward, GraphOp backward,
                                                          ArrayRef<Tensor> inputs, ArrayRef<GradientOperand> operands,
                                                          uint64_t seed, unsigned directions) {
  std::mt19937_64 generator(seed);
  FailureOr<Evaluation> results = evaluator.evaluate(forward, inputs);
  if (failed(results))
    return failure();
  SmallVector<Tensor> arguments(inputs), projections;
  for (const Tensor &result : results->results)
    if (result.isReal())
      projections.push_back(randomTensor(result.elementType, result.shape, generator, -1, 1));
  arguments.append(projections);
  FailureOr<Evaluation> gradients = evaluator.evaluate(backward, arguments);
  if (failed(gradients))
    return failure();

  Checker checker(evaluator, forward, inputs, projections);
  SmallVector<GradientError> errors;
  for (auto [operand, gradient] : llvm::zip_equal(operands, gradients->results)) {
    GradientError error{operand.name, 0, 0};
    for (unsigned i = 0; i < directions;) {
      Tensor direction = randomTensor(gradient.elementType, gradient.shape, generator, -1, 1);
      FailureOr<Checker::Loss> here = checker.lossAt(operand, direction, 0);
      if (failed(here))
        return failure();
      FailureOr<std::optional<double>> difference = checker.differenceAlong(operand, direction, *here);
      if (failed(difference))
        return failure();
      if (!*difference) {
        if (++error.kinks > kMaxKinks)
          return forward.emitOpError("is not smooth around the given values along any of ")
                 << kMaxKinks << " directions of '" << operand.name << "'; other values are needed";
        continue;
      }
      double product = 0;
      for (auto [g, d] : llvm::zip_equal(gradient.reals, direction.reals))
        product += g * d;
      double scale = std::max({std::fabs(**difference), std::fabs(product), 1e-4 * here->magnitude});
      double relative = std::fabs(**difference - product) / scale;
      // A NaN is the largest error of all, and stays.
      if (scale != 0 && !std::isnan(error.error) && !(relative <= error.error))
        error.error = relative;
      ++i;
    }
    errors.push_back(std::move(error));
  }
  return errors;
}

//===-- One direction for all variables ------------------------------------------===//

double DirectionalDerivative::error() const { return scale == 0 ? 0 : std::fabs(difference - product) / scale; }

static double rootMeanSquare(const Tensor &tensor) {
  double sum = 0;
  for (double value : tensor.reals)
    sum += value * value;
  return std::sqrt(sum / std::max<size_t>(1, tensor.reals.size()));
}

FailureOr<DirectionalDerivative> bnc::differentiateAlongDirection(const Evaluator &evaluator, GraphOp forward,
                                                                  ArrayRef<Tensor> inputs,
                                                                  const std::map<std::string, Tensor> &gradients,
                                                                  const std::map<std::string, Tensor> &otherSide,
                                                                  uint64_t seed) {
  std::mt19937_64 generator(seed);
  std::normal_distribution<double> normal;
  std::map<std::string, std::vector<double>> directions;
  DirectionalDerivative result{0, 0, 0, 0, 0};
  for (const auto &[name, gradient] : gradients) {
    double size = rootMeanSquare(evaluator.variables.at(name)), near = kTwoGradients * gradient.largest();
    std::vector<double> &direction = directions[name];
    for (auto [slope, beyond] : llvm::zip_equal(gradient.reals, otherSide.at(name).reals)) {
      double share = normal(generator) * (size > 0 ? size : 1);
      bool moves = std::fabs(slope - beyond) <= near;
      ++(moves ? result.moved : result.skipped);
      if (!moves)
        share = 0;
      direction.push_back(share);
      result.product += slope * share;
      result.scale += slope * share * slope * share;
    }
  }
  result.scale = std::sqrt(result.scale);

  auto lossAt = [&](double step) -> FailureOr<double> {
    Evaluator moved = evaluator;
    for (const auto &[name, direction] : directions)
      for (auto [value, share] : llvm::zip_equal(moved.variables[name].reals, direction))
        value += step * share;
    FailureOr<Evaluation> evaluation = moved.evaluate(forward, inputs);
    if (failed(evaluation))
      return failure();
    double sum = 0;
    for (double loss : evaluation->results.front().reals)
      sum += loss;
    return sum / evaluation->results.front().size();
  };
  double before = std::numeric_limits<double>::quiet_NaN();
  for (double step = kDirectionStep; step > kDirectionStep / 100; step /= 4) {
    FailureOr<double> ahead = lossAt(step), behind = lossAt(-step);
    if (failed(ahead) || failed(behind))
      return failure();
    result.difference = (*ahead - *behind) / (2 * step);
    if (std::fabs(result.difference - before) <= kAgreement * result.scale)
      break;
    before = result.difference;
  }
  return result;
}
