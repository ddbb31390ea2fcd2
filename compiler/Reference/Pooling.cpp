//===- Pooling.cpp - pools and their gradients --------------------------------===//

#include "compiler/Reference/OpTable.h"
#include "compiler/Reference/Window.h"

using namespace mlir;
using namespace bnc;

/// The windows of bnc.avg_pool, bnc.max_pool or the gradient of one.
template <typename OpT> static Window windowOf(OpT op, ArrayRef<int64_t> input, ArrayRef<int64_t> output) {
  return Window(input, output, op.getKernel(), op.getStrides(), op.getPads(), op.getDilations());
}

/// Calls visit(input, output) for every channel of every sample: where its pixels start.
template <typename Visit> static void forEachImage(ArrayRef<int64_t> input, ArrayRef<int64_t> output, Visit visit) {
  int64_t images = input[0] * input[1];
  int64_t inputPixels = countElements(input) / images, outputPixels = countElements(output) / images;
  for (int64_t image = 0; image < images; ++image)
    visit(image * inputPixels, image * outputPixels);
}

static SmallVector<int64_t> withBatch(RankedTensorType type, int64_t batch) {
  SmallVector<int64_t> shape(type.getShape());
  shape[0] = batch;
  return shape;
}

/// Elements that the mean at each output position is over.
template <typename OpT> static std::vector<double> countWindows(OpT op, const Window &window) {
  std::vector<double> counts(countElements(window.output), 0);
  if (op.getCountIncludePad())
    counts.assign(counts.size(), countElements(window.kernel));
  else
    window.forEachTap([&](int64_t output, int64_t, int64_t) { ++counts[output]; });
  return counts;
}

static Tensor evaluateAvgPool(AvgPoolOp op, Frame &frame) {
  const Tensor &x = frame[op.getInput()];
  Tensor y(x.elementType, withBatch(op.getType(), x.shape[0]));
  Window window = windowOf(op, x.shape, y.shape);
  std::vector<double> counts = countWindows(op, window);
  forEachImage(x.shape, y.shape, [&](int64_t startX, int64_t startY) {
    window.forEachTap([&](int64_t o, int64_t, int64_t i) { y.reals[startY + o] += x.reals[startX + i]; });
    for (size_t o = 0; o < counts.size(); ++o)
      y.reals[startY + o] /= counts[o];
  });
  return y;
}

static Tensor evaluateAvgPoolGradient(AvgPoolGradientOp op, Frame &frame) {
  const Tensor &dy = frame[op.getGradient()];
  Tensor dx(dy.elementType, withBatch(op.getType(), dy.shape[0]));
  Window window = windowOf(op, dx.shape, dy.shape);
  std::vector<double> counts = countWindows(op, window);
  forEachImage(dx.shape, dy.shape, [&](int64_t startX, int64_t startY) {
    window.forEachTap([&](int64_t o, int64_t, int64_t i) { dx.reals[startX + i] += dy.reals[startY + o] / counts[o]; });
  });
  return dx;
}

/// The position of the first largest element of each window of the image that starts at `start`; with a reach, a later one
/// that is smaller by no more than that.
static std::vector<int64_t> findMaxima(const Window &window, const Tensor &x, int64_t start, double reach = 0) {
  std::vector<int64_t> maxima(countElements(window.output), -1);
  window.forEachTap([&](int64_t o, int64_t, int64_t i) {
    if (maxima[o] < 0 || x.reals[start + i] > x.reals[maxima[o]] - reach)
      maxima[o] = start + i;
  });
  return maxima;
}

static Tensor evaluateMaxPool(MaxPoolOp op, Frame &frame) {
  const Tensor &x = frame[op.getInput()];
  Tensor y(x.elementType, withBatch(op.getType(), x.shape[0]));
  Window window = windowOf(op, x.shape, y.shape);
  forEachImage(x.shape, y.shape, [&](int64_t startX, int64_t startY) {
    for (auto [o, i] : llvm::enumerate(findMaxima(window, x, startX)))
      y.reals[startY + o] = x.reals[i];
  });
  return y;
}

static Tensor evaluateMaxPoolGradient(MaxPoolGradientOp op, Frame &frame) {
  const Tensor &x = frame[op.getInput()], &dy = frame[op.getGradient()];
  Tensor dx(x.elementType, x.shape);
  Window window = windowOf(op, x.shape, dy.shape);
  double reach = frame.evaluator.kinkReach > 0 ? frame.evaluator.kinkReach * x.largest() : 0;
  forEachImage(x.shape, dy.shape, [&](int64_t startX, int64_t startY) {
    for (auto [o, i] : llvm::enumerate(findMaxima(window, x, startX, reach)))
      dx.reals[i] += dy.reals[startY + o];
  });
  return dx;
}

void bnc::addPooling(OpTable &table) {
  table.add<AvgPoolOp>(evaluateAvgPool);
  table.add<AvgPoolGradientOp>(evaluateAvgPoolGradient);
  table.add<MaxPoolOp>(evaluateMaxPool);
  table.add<MaxPoolGradientOp>(evaluateMaxPoolGradient);
}
