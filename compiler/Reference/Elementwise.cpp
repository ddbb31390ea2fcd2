//===- Elementwise.cpp - activations and arithmetic ---------------------------===//

#include "compiler/Reference/Activations.h"
#include "compiler/Reference/OpTable.h"

#include <cmath>

using namespace mlir;
using namespace bnc;

//===----------------------------------------------------------------------===//
// Activations
//===----------------------------------------------------------------------===//

template <typename OpT> static Tensor evaluateActivation(OpT op, Frame &frame) {
  const Activation *activation = findActivation(op->getName().stripDialect());
  assert(activation && "every activation op has a row");
  auto attributes = dyn_cast_or_null<DictionaryAttr>(op->getPropertiesAsAttribute());
  ActivationParameters parameters = attributes ? ActivationParameters(attributes) : ActivationParameters();
  Tensor result = frame[op.getInput()];
  for (double &x : result.reals)
    x = activation->value(x, parameters);
  return result;
}

static LogicalResult evaluateActivationGradient(ActivationGradientOp op, Frame &frame) {
  const Activation *activation = findActivation(op.getActivation());
  if (!activation)
    return op.emitOpError("differentiates \"") << op.getActivation() << "\", which is no activation";
  ActivationParameters parameters(op.getParameters());
  Tensor result = frame[op.getInput()];
  double reach = frame.evaluator.kinkReach > 0 ? frame.evaluator.kinkReach * result.largest() : 0;
  for (auto [x, gradient] : llvm::zip_equal(result.reals, frame[op.getGradient()].reals)) {
    double slope = activation->derivative(x, parameters), farthest = slope;
    for (double other : {x - reach, x + reach})
      if (double there = reach > 0 ? activation->derivative(other, parameters) : slope;
          std::fabs(there - slope) > std::fabs(farthest - slope))
        farthest = there;
    x = gradient * farthest;
  }
  frame.set(op.getResult(), std::move(result));
  return success();
}

//===----------------------------------------------------------------------===//
// Arithmetic
//===----------------------------------------------------------------------===//

/// One binary op: on floats, and on integers as 64-bit words (what remains of a narrower type is its low bits).
struct Arithmetic {
  double (*onReals)(double a, double b);
  int64_t (*onSigned)(int64_t a, int64_t b);
  uint64_t (*onUnsigned)(uint64_t a, uint64_t b);
};

// Signed sums, differences and products go through unsigned words: there overflow wraps.
static const Arithmetic kAdd = {[](double a, double b) { return a + b; },
                                [](int64_t a, int64_t b) -> int64_t { return uint64_t(a) + uint64_t(b); },
                                [](uint64_t a, uint64_t b) { return a + b; }};
static const Arithmetic kDiv = {[](double a, double b) { return a / b; },
                                [](int64_t a, int64_t b) -> int64_t { return b == -1 ? -uint64_t(a) : a / b; },
                                [](uint64_t a, uint64_t b) { return a / b; }};
// On a tie lhs; a NaN stays.
static const Arithmetic kMax = {[](double a, double b) { return a >= b || std::isnan(a) ? a : b; },
                                [](int64_t a, int64_t b) { return std::max(a, b); },
                                [](uint64_t a, uint64_t b) { return std::max(a, b); }};
static const Arithmetic kMin = {[](double a, double b) { return a <= b || std::isnan(a) ? a : b; },
                                [](int64_t a, int64_t b) { return std::min(a, b); },
                                [](uint64_t a, uint64_t b) { return std::min(a, b); }};
static const Arithmetic kMul = {[](double a, double b) { return a * b; },
                                [](int64_t a, int64_t b) -> int64_t { return uint64_t(a) * uint64_t(b); },
                                [](uint64_t a, uint64_t b) { return a * b; }};
static const Arithmetic kSub = {[](double a, double b) { return a - b; },
                                [](int64_t a, int64_t b) -> int64_t { return uint64_t(a) - uint64_t(b); },
                                [](uint64_t a, uint64_t b) { return a - b; }};

static SmallVector<int64_t> broadcastShapes(ArrayRef<int64_t> a, ArrayRef<int64_t> b) {
  SmallVector<int64_t> result(std::max(a.size(), b.size()), 1);
  for (ArrayRef<int64_t> shape : {a, b})
    for (size_t i = 0; i < shape.size(); ++i)
      if (int64_t &size = result[result.size() - shape.size() + i]; size == 1)
        size = shape[i];
  return result;
}

template <typename OpT, const Arithmetic &arithmetic> static LogicalResult evaluateArithmetic(OpT op, Frame &frame) {
  const Tensor &lhs = frame[op.getLhs()], &rhs = frame[op.getRhs()];
  Tensor result(lhs.elementType, broadcastShapes(lhs.shape, rhs.shape));
  auto integer = dyn_cast<IntegerType>(lhs.elementType);
  if (integer && std::is_same_v<OpT, DivOp> && llvm::is_contained(rhs.integers, 0))
    return op.emitOpError("divides an integer by 0");
  forEachIndex(result.shape, [&](ArrayRef<int64_t> index, int64_t linear) {
    int64_t l = broadcastIndex(lhs.shape, index), r = broadcastIndex(rhs.shape, index);
    if (!integer)
      result.reals[linear] = arithmetic.onReals(lhs.reals[l], rhs.reals[r]);
    else if (integer.isUnsigned())
      result.integers[linear] = wrap(arithmetic.onUnsigned(lhs.integers[l], rhs.integers[r]), integer);
    else
      result.integers[linear] = wrap(arithmetic.onSigned(lhs.integers[l], rhs.integers[r]), integer);
  });
  frame.set(op.getResult(), std::move(result));
  return success();
}

void bnc::addElementwise(OpTable &table) {
  table.add<AbsOp>(evaluateActivation<AbsOp>);
  table.add<ClipOp>(evaluateActivation<ClipOp>);
  table.add<EluOp>(evaluateActivation<EluOp>);
  table.add<ErfOp>(evaluateActivation<ErfOp>);
  table.add<ExpOp>(evaluateActivation<ExpOp>);
  table.add<HardSigmoidOp>(evaluateActivation<HardSigmoidOp>);
  table.add<HardSwishOp>(evaluateActivation<HardSwishOp>);
  table.add<LeakyReluOp>(evaluateActivation<LeakyReluOp>);
  table.add<LogOp>(evaluateActivation<LogOp>);
  table.add<NegOp>(evaluateActivation<NegOp>);
  table.add<ReluOp>(evaluateActivation<ReluOp>);
  table.add<SigmoidOp>(evaluateActivation<SigmoidOp>);
  table.add<SoftplusOp>(evaluateActivation<SoftplusOp>);
  table.add<SqrtOp>(evaluateActivation<SqrtOp>);
  table.add<TanhOp>(evaluateActivation<TanhOp>);
  table.add<ActivationGradientOp>(evaluateActivationGradient);
  table.add<AddOp>(evaluateArithmetic<AddOp, kAdd>);
  table.add<DivOp>(evaluateArithmetic<DivOp, kDiv>);
  table.add<MaxOp>(evaluateArithmetic<MaxOp, kMax>);
  table.add<MinOp>(evaluateArithmetic<MinOp, kMin>);
  table.add<MulOp>(evaluateArithmetic<MulOp, kMul>);
  table.add<SubOp>(evaluateArithmetic<SubOp, kSub>);
}
