//===- Convolution.cpp - convolutions, dense layers, and their gradients ------===//
//
// A convolution is a list of taps (x, w, y): y += x * w. Its gradients are the same list read the other ways:
// dx += dy * w, dw += dy * x. A transposed convolution is the first of them.
//
//===----------------------------------------------------------------------===//

#include "compiler/Reference/OpTable.h"
#include "compiler/Reference/Window.h"

using namespace mlir;
using namespace bnc;

namespace {
/// A convolution from x (N, C, spatial...) with w (K, C/groups, kernel...) to y (N, K, spatial...).
struct Convolution {
  ArrayRef<int64_t> x, w, y;
  ArrayRef<int64_t> strides, pads, dilations;
  int64_t groups;

  /// Calls visit(x, w, y), each a position in its tensor, for every product that the convolution sums.
  template <typename Visit> void forEachTap(Visit visit) const {
    Window window(x, y, w.drop_front(2), strides, pads, dilations);
    int64_t pixelsX = countElements(x.drop_front(2)), pixelsY = countElements(y.drop_front(2));
    int64_t taps = countElements(w.drop_front(2)), inputs = w[1], outputs = w[0] / groups;
    for (int64_t n = 0; n < x[0]; ++n)
      for (int64_t k = 0; k < w[0]; ++k)
        for (int64_t c = 0; c < inputs; ++c) {
          int64_t channel = k / outputs * inputs + c;
          int64_t startX = (n * x[1] + channel) * pixelsX, startY = (n * y[1] + k) * pixelsY;
          int64_t startW = (k * inputs + c) * taps;
          window.forEachTap([&](int64_t output, int64_t tap, int64_t input) {
            visit(startX + input, startW + tap, startY + output);
          });
        }
  }
};
} // namespace

/// `bias` along dimension 1, or zeros.
static Tensor startFromBias(RankedTensorType type, int64_t batch, const Tensor *bias) {
  SmallVector<int64_t> shape(type.getShape());
  shape[0] = batch;
  Tensor result(type.getElementType(), shape);
  if (bias)
    forEachIndex(shape, [&](ArrayRef<int64_t> index, int64_t linear) { result.reals[linear] = bias->reals[index[1]]; });
  return result;
}

static Tensor evaluateConv(ConvOp op, Frame &frame) {
  const Tensor &x = frame[op.getInput()], &w = frame[op.getWeight()];
  Tensor y = startFromBias(op.getType(), x.shape[0], frame.find(op.getBias()));
  Convolution conv{
      x.shape, w.shape, y.shape, op.getStrides(), op.getPads(), op.getDilations(), int64_t(op.getGroups())};
  conv.forEachTap([&](int64_t i, int64_t k, int64_t o) { y.reals[o] += x.reals[i] * w.reals[k]; });
  return y;
}

static Tensor evaluateConvTranspose(ConvTransposeOp op, Frame &frame) {
  const Tensor &y = frame[op.getInput()], &w = frame[op.getWeight()];
  Tensor x = startFromBias(op.getType(), y.shape[0], frame.find(op.getBias()));
  Convolution conv{
      x.shape, w.shape, y.shape, op.getStrides(), op.getPads(), op.getDilations(), int64_t(op.getGroups())};
  conv.forEachTap([&](int64_t i, int64_t k, int64_t o) { x.reals[i] += y.reals[o] * w.reals[k]; });
  return x;
}

static Tensor evaluateConvInputGradient(ConvInputGradientOp op, Frame &frame) {
  const Tensor &dy = frame[op.getGradient()], &w = frame[op.getWeight()];
  Tensor dx = startFromBias(op.getType(), dy.shape[0], nullptr);
  Convolution conv{
      dx.shape, w.shape, dy.shape, op.getStrides(), op.getPads(), op.getDilations(), int64_t(op.getGroups())};
  conv.forEachTap([&](int64_t i, int64_t k, int64_t o) { dx.reals[i] += dy.reals[o] * w.reals[k]; });
  return dx;
}

static Tensor evaluateConvWeightGradient(ConvWeightGradientOp op, Frame &frame) {
  const Tensor &dy = frame[op.getGradient()], &x = frame[op.getInput()];
  Tensor dw(op.getType().getElementType(), op.getType().getShape());
  Convolution conv{
      x.shape, dw.shape, dy.shape, op.getStrides(), op.getPads(), op.getDilations(), int64_t(op.getGroups())};
  conv.forEachTap([&](int64_t i, int64_t k, int64_t o) { dw.reals[k] += dy.reals[o] * x.reals[i]; });
  return dw;
}

//===----------------------------------------------------------------------===//
// Dense
//===----------------------------------------------------------------------===//

/// Calls visit(x, w, y) for every product that a dense layer of `rows` rows sums.
template <typename Visit>
static void forEachProduct(int64_t rows, int64_t inputs, int64_t outputs, bool transposed, Visit visit) {
  for (int64_t row = 0; row < rows; ++row)
    for (int64_t o = 0; o < outputs; ++o)
      for (int64_t i = 0; i < inputs; ++i)
        visit(row * inputs + i, transposed ? i * outputs + o : o * inputs + i, row * outputs + o);
}

static Tensor evaluateDense(DenseOp op, Frame &frame) {
  const Tensor &x = frame[op.getInput()], &w = frame[op.getWeight()];
  const Tensor *bias = frame.find(op.getBias());
  int64_t inputs = x.shape.back(), outputs = w.shape[op.getTransposed() ? 1 : 0];
  SmallVector<int64_t> shape(x.shape);
  shape.back() = outputs;
  Tensor y(x.elementType, shape);
  for (int64_t i = 0; bias && i < y.size(); ++i)
    y.reals[i] = bias->reals[i % outputs];
  forEachProduct(x.size() / inputs, inputs, outputs, op.getTransposed(),
                 [&](int64_t i, int64_t k, int64_t o) { y.reals[o] += x.reals[i] * w.reals[k]; });
  return y;
}

static Tensor evaluateDenseWeightGradient(DenseWeightGradientOp op, Frame &frame) {
  const Tensor &dy = frame[op.getGradient()], &x = frame[op.getInput()];
  int64_t inputs = x.shape.back(), outputs = dy.shape.back();
  Tensor dw(op.getType().getElementType(), op.getType().getShape());
  forEachProduct(x.size() / inputs, inputs, outputs, op.getTransposed(),
                 [&](int64_t i, int64_t k, int64_t o) { dw.reals[k] += dy.reals[o] * x.reals[i]; });
  return dw;
}

void bnc::addConvolution(OpTable &table) {
  table.add<ConvOp>(evaluateConv);
  table.add<ConvInputGradientOp>(evaluateConvInputGradient);
  table.add<ConvTransposeOp>(evaluateConvTranspose);
  table.add<ConvWeightGradientOp>(evaluateConvWeightGradient);
  table.add<DenseOp>(evaluateDense);
  table.add<DenseWeightGradientOp>(evaluateDenseWeightGradient);
}
