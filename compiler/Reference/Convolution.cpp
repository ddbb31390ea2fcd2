//===- Convolution.cpp - convolutions, dense layers, and their gradients ------===//
//
// A convolution is a list of products (x, w, y): y += x * w. Its gradients are the same list read the other ways:
// dx += dy * w, dw += dy * x. A transposed convolution is the first of them.
//
//===----------------------------------------------------------------------===//

#include "compiler/Reference/OpTable.h"
#include "compiler/Reference/Window.h"

#include <atomic>
#include <thread>

using namespace mlir;
using namespace bnc;

namespace {
/// Products of one weight with a row of x into a row of y: y[i] pairs with x[i * stride], i < count.
struct Row {
  int64_t x, w, y, count, stride;
};

/// A convolution from x (N, C, spatial...) with w (K, C/groups, kernel...) to y (N, K, spatial...).
struct Convolution {
  ArrayRef<int64_t> x, w, y;
  Window window;
  int64_t groups, batch, inputs, outputs; // channels of x and y in one group

  Convolution(ArrayRef<int64_t> x, ArrayRef<int64_t> w, ArrayRef<int64_t> y, ArrayRef<int64_t> strides,
              ArrayRef<int64_t> pads, ArrayRef<int64_t> dilations, int64_t groups)
      : x(x), w(w), y(y), window(x, y, w.drop_front(2), strides, pads, dilations), groups(groups), batch(x[0]),
        inputs(w[1]), outputs(w[0] / groups) {}

  /// Calls visit(row) for all products of sample n, channel k of y, and channel c of k's group in x.
  template <typename Visit> void forEachRow(int64_t n, int64_t k, int64_t c, Visit visit) const {
    int64_t startX = (n * x[1] + k / outputs * inputs + c) * countElements(window.input);
    int64_t startY = (n * y[1] + k) * countElements(window.output);
    int64_t startW = (k * inputs + c) * countElements(window.kernel);
    window.forEachRow([&](int64_t output, int64_t tap, int64_t input, int64_t count) {
      visit(Row{startX + input, startW + tap, startY + output, count, window.strides[2]});
    });
  }

  /// The same in the three orders in which what is summed up is finished plane by plane (or weight by weight); the
  /// planes in parallel.
  template <typename Visit> void intoY(Visit visit) const {
    inParallel(batch * w[0], [&](int64_t plane) {
      for (int64_t c = 0; c < inputs; ++c)
        forEachRow(plane / w[0], plane % w[0], c, visit);
    });
  }
  template <typename Visit> void intoX(Visit visit) const {
    inParallel(batch * x[1], [&](int64_t plane) {
      int64_t channel = plane % x[1], first = channel / inputs * outputs;
      for (int64_t k = first; k < first + outputs; ++k)
        forEachRow(plane / x[1], k, channel % inputs, visit);
    });
  }
  template <typename Visit> void intoW(Visit visit) const {
    inParallel(w[0] * inputs, [&](int64_t plane) {
      for (int64_t n = 0; n < batch; ++n)
        forEachRow(n, plane / inputs, plane % inputs, visit);
    });
  }

private:
  /// Threads of its own, which are gone afterwards: whoever forks has no others. Small work needs none.
  template <typename Work> void inParallel(int64_t count, Work work) const {
    double products = double(batch) * w[0] * inputs * countElements(window.kernel) * countElements(window.output);
    int64_t threads = products < 1e7 ? 1 : std::max<int64_t>(1, std::thread::hardware_concurrency());
    std::atomic<int64_t> next = 0;
    auto run = [&] {
      for (int64_t i; (i = next++) < count;)
        work(i);
    };
    std::vector<std::thread> others;
    for (int64_t i = 1; i < std::min(threads, count); ++i)
      others.emplace_back(run);
    run();
    for (std::thread &thread : others)
      thread.join();
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
  conv.intoY([&](const Row &row) {
    for (int64_t i = 0; i < row.count; ++i)
      y.reals[row.y + i] += x.reals[row.x + i * row.stride] * w.reals[row.w];
  });
  return y;
}

static Tensor evaluateConvTranspose(ConvTransposeOp op, Frame &frame) {
  const Tensor &y = frame[op.getInput()], &w = frame[op.getWeight()];
  Tensor x = startFromBias(op.getType(), y.shape[0], frame.find(op.getBias()));
  Convolution conv{
      x.shape, w.shape, y.shape, op.getStrides(), op.getPads(), op.getDilations(), int64_t(op.getGroups())};
  conv.intoX([&](const Row &row) {
    for (int64_t i = 0; i < row.count; ++i)
      x.reals[row.x + i * row.stride] += y.reals[row.y + i] * w.reals[row.w];
  });
  return x;
}

static Tensor evaluateConvInputGradient(ConvInputGradientOp op, Frame &frame) {
  const Tensor &dy = frame[op.getGradient()], &w = frame[op.getWeight()];
  Tensor dx = startFromBias(op.getType(), dy.shape[0], nullptr);
  Convolution conv{
      dx.shape, w.shape, dy.shape, op.getStrides(), op.getPads(), op.getDilations(), int64_t(op.getGroups())};
  conv.intoX([&](const Row &row) {
    for (int64_t i = 0; i < row.count; ++i)
      dx.reals[row.x + i * row.stride] += dy.reals[row.y + i] * w.reals[row.w];
  });
  return dx;
}

static Tensor evaluateConvWeightGradient(ConvWeightGradientOp op, Frame &frame) {
  const Tensor &dy = frame[op.getGradient()], &x = frame[op.getInput()];
  Tensor dw(op.getType().getElementType(), op.getType().getShape());
  Convolution conv{
      x.shape, dw.shape, dy.shape, op.getStrides(), op.getPads(), op.getDilations(), int64_t(op.getGroups())};
  conv.intoW([&](const Row &row) {
    double sum = 0;
    for (int64_t i = 0; i < row.count; ++i)
      sum += dy.reals[row.y + i] * x.reals[row.x + i * row.stride];
    dw.reals[row.w] += sum;
  });
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
