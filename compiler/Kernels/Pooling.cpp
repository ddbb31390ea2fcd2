//===- Pooling.cpp - pools, their gradients, reductions over pixels -------------===//
//
// Windows are small and known: they are written out tap by tap. A pool's gradient gathers: an input pixel sums over the
// few windows that cover it. Max pooling finds its winner again instead of having stored it; where windows overlap, once
// for each window, before.
//
//===----------------------------------------------------------------------===//

#include "compiler/Kernels/Pipeline.h"

#include "llvm/Support/MathExtras.h"

#include <limits>

using namespace mlir;
using namespace bnc;
using Halide::Expr;

namespace {
struct Axis {
  int kernel, stride, pad, dilation, input, output;
  /// Some window reaches past the input.
  bool padded() const { return pad > 0 || (output - 1) * stride - pad + (kernel - 1) * dilation >= input; }
};

struct Window {
  Axis x, y;
};

Window windowOf(Operation *op, Value input, Value output) {
  auto values = [&](StringRef name) { return op->getAttrOfType<DenseI64ArrayAttr>(name).asArrayRef(); };
  ImageShape in = ImageShape::of(input), out = ImageShape::of(output);
  size_t spatial = values("kernel").size();
  auto axis = [&](int64_t dim, int64_t inSize, int64_t outSize) -> Axis {
    if (dim < 0)
      return {1, 1, 0, 1, int(inSize), int(outSize)};
    return {int(values("kernel")[dim]), int(values("strides")[dim]), int(values("pads")[dim]), int(values("dilations")[dim]), int(inSize), int(outSize)};
  };
  return {axis(int64_t(spatial) - 1, in.width, out.width), axis(int64_t(spatial) - 2, in.height, out.height)};
}

/// Input position of a tap, whether it is inside, and the position to read from if it is not.
struct Position {
  Expr index, inside;
};
Position at(const Axis &axis, Expr window, int tap) {
  Expr raw = window * axis.stride + (tap * axis.dilation - axis.pad);
  if (!axis.padded())
    return {raw, Expr()};
  return {Halide::clamp(raw, 0, axis.input - 1), raw >= 0 && raw < axis.input};
}

Expr both(Expr a, Expr b) { return !a.defined() ? b : !b.defined() ? a : a && b; }

/// Elements of the window that count for an average.
Expr countOf(const Axis &axis, Expr window) {
  if (!axis.padded())
    return Expr(float(axis.kernel));
  Expr count = 0.0f;
  for (int tap = 0; tap < axis.kernel; ++tap)
    count += Halide::select(at(axis, window, tap).inside, 1.0f, 0.0f);
  return count;
}

Expr divisor(const Window &window, Expr x, Expr y, bool includePads) {
  if (includePads)
    return Expr(float(window.x.kernel * window.y.kernel));
  return countOf(window.x, x) * countOf(window.y, y);
}

template <typename Combine> Expr overWindow(const Window &window, Element input, Expr c, Expr x, Expr y, Expr n, float outside, Combine combine) {
  Expr result;
  for (int ky = 0; ky < window.y.kernel; ++ky)
    for (int kx = 0; kx < window.x.kernel; ++kx) {
      Position px = at(window.x, x, kx), py = at(window.y, y, ky);
      Expr value = input(c, px.index, py.index, n);
      if (Expr inside = both(px.inside, py.inside); inside.defined())
        value = Halide::select(inside, value, outside);
      result = result.defined() ? combine(result, value) : value;
    }
  return result;
}

/// The windows that cover an input position: output index per step, and whether it exists.
Position covering(const Axis &axis, Expr position, int step) {
  // Window o covers p with tap t if o * stride - pad + t * dilation = p.
  Expr numerator = position + (axis.pad - step * axis.dilation);
  Expr index = axis.stride == 1 ? numerator : numerator / axis.stride;
  Expr inside = numerator >= 0 && index < axis.output;
  if (axis.stride > 1)
    inside = inside && numerator % axis.stride == 0;
  return {Halide::clamp(index, 0, axis.output - 1), inside};
}

/// Windows that tile the input one after the other: each position has one, no search.
bool tiles(const Axis &axis) { return axis.kernel == axis.stride && axis.pad == 0 && axis.dilation == 1; }

/// Sums term(window x, window y, tap x, tap y) over the windows that cover (x, y).
template <typename Term> Expr overCovering(const Window &window, Expr x, Expr y, Term term) {
  if (tiles(window.x) && tiles(window.y)) {
    Expr ox = x / window.x.stride, oy = y / window.y.stride;
    Expr value = term(Halide::min(ox, window.x.output - 1), Halide::min(oy, window.y.output - 1), x % window.x.stride, y % window.y.stride);
    bool whole = window.x.output * window.x.stride == window.x.input && window.y.output * window.y.stride == window.y.input;
    return whole ? value : Halide::select(ox < window.x.output && oy < window.y.output, value, 0.0f);
  }
  Expr sum = 0.0f;
  for (int ky = 0; ky < window.y.kernel; ++ky)
    for (int kx = 0; kx < window.x.kernel; ++kx) {
      Position px = covering(window.x, x, kx), py = covering(window.y, y, ky);
      sum += Halide::select(px.inside && py.inside, term(px.index, py.index, Expr(kx), Expr(ky)), 0.0f);
    }
  return sum;
}

constexpr float kLowest = -std::numeric_limits<float>::infinity();

/// The first tap inside the input whose element no other one exceeds.
Expr winningTap(const Window &window, Element input, Expr c, Expr x, Expr y, Expr n) {
  Expr best, tap;
  for (int ky = 0; ky < window.y.kernel; ++ky)
    for (int kx = 0; kx < window.x.kernel; ++kx) {
      Position px = at(window.x, x, kx), py = at(window.y, y, ky);
      Expr value = input(c, px.index, py.index, n), index = Expr(float(ky * window.x.kernel + kx));
      Expr inside = both(px.inside, py.inside);
      if (!best.defined()) {
        tap = inside.defined() ? Halide::select(inside, index, -1.0f) : index;
        best = value;
        continue;
      }
      Expr better = value > best || tap < 0.0f;
      if (inside.defined())
        better = better && inside;
      tap = Halide::select(better, index, tap);
      best = Halide::select(better, value, best);
    }
  return tap;
}
} // namespace

static Element buildReduce(PipelineBuilder &builder, Operation *op) {
  Element input = builder.element(op->getOperand(0));
  auto axes = op->getAttrOfType<DenseI64ArrayAttr>("axes").asArrayRef();
  int64_t rank = cast<RankedTensorType>(op->getOperand(0).getType()).getRank();
  ImageShape shape = ImageShape::of(op->getOperand(0));
  bool overChannels = llvm::is_contained(axes, 1), overX = rank > 2 && llvm::is_contained(axes, rank - 1), overY = rank > 3 && llvm::is_contained(axes, 2);
  PipelineBuilder *b = &builder;
  return [=](Expr c, Expr x, Expr y, Expr n) {
    int channels = overChannels ? shape.channels : 1, width = overX ? shape.width : 1, height = overY ? shape.height : 1;
    Halide::RDom r(0, channels, 0, width, 0, height, b->name("r"));
    Expr value = input(overChannels ? Expr(r.x) : c, overX ? Expr(r.y) : x, overY ? Expr(r.z) : y, n);
    if (isa<ReduceMaxOp>(op))
      return Halide::maximum(r, value, b->name("maximum"));
    Expr sum = Halide::sum(r, value, b->name("sum"));
    return isa<ReduceMeanOp>(op) ? sum * (1.0f / (float(channels) * width * height)) : sum;
  };
}

static Element buildSoftmax(PipelineBuilder &builder, Operation *op) {
  Element input = builder.element(op->getOperand(0));
  int channels = ImageShape::of(op->getOperand(0)).channels;
  PipelineBuilder *b = &builder;
  bool logarithm = isa<LogSoftmaxOp>(op);
  bool onePixel = ImageShape::of(op->getOperand(0)).width * ImageShape::of(op->getOperand(0)).height == 1;
  return [=](Expr c, Expr x, Expr y, Expr n) {
    auto largestOf = [&](Expr n) {
      Halide::RDom r(0, channels, b->name("r"));
      return Halide::maximum(r, input(r.x, x, y, n), b->name("maximum"));
    };
    auto totalOf = [&](Expr n, Expr largest) {
      Halide::RDom s(0, channels, b->name("s"));
      return Halide::sum(s, Halide::exp(input(s.x, x, y, n) - largest), b->name("sum"));
    };
    Expr largest, total;
    if (onePixel) { // found once for all channels
      x = y = 0;
      Halide::Func largestFunc(b->name("largest")), totalFunc(b->name("total"));
      largestFunc(b->n) = largestOf(b->n);
      totalFunc(b->n) = totalOf(b->n, largestFunc(b->n));
      b->perImage.insert(b->perImage.end(), {largestFunc, totalFunc});
      largest = largestFunc(n);
      total = totalFunc(n);
    } else {
      largest = largestOf(n);
      total = totalOf(n, largest);
    }
    Expr shifted = input(c, x, y, n) - largest;
    return logarithm ? shifted - Halide::log(total) : Halide::exp(shifted) / total;
  };
}

Element bnc::buildPooling(PipelineBuilder &builder, Operation *op) {
  if (isa<ReduceMaxOp, ReduceMeanOp, ReduceSumOp>(op))
    return buildReduce(builder, op);
  if (isa<LogSoftmaxOp, SoftmaxOp>(op))
    return buildSoftmax(builder, op);
  if (isa<AvgPoolOp, MaxPoolOp>(op)) {
    Element input = builder.element(op->getOperand(0));
    Window window = windowOf(op, op->getOperand(0), op->getResult(0));
    if (isa<MaxPoolOp>(op))
      return [=](Expr c, Expr x, Expr y, Expr n) {
        return overWindow(window, input, c, x, y, n, kLowest, [](Expr a, Expr b) { return Halide::max(a, b); });
      };
    bool includePads = cast<AvgPoolOp>(op).getCountIncludePad();
    return [=](Expr c, Expr x, Expr y, Expr n) {
      return overWindow(window, input, c, x, y, n, 0.0f, [](Expr a, Expr b) { return a + b; }) / divisor(window, x, y, includePads);
    };
  }
  if (isa<MaxPoolTapOp>(op)) {
    Element input = builder.element(op->getOperand(0));
    Window window = windowOf(op, op->getOperand(0), op->getResult(0));
    return [=](Expr c, Expr x, Expr y, Expr n) { return winningTap(window, input, c, x, y, n); };
  }
  Element gradient = builder.element(op->getOperand(0));
  Window window = windowOf(op, op->getResult(0), op->getOperand(0));
  if (isa<RouteToTapOp>(op)) {
    Element tap = builder.element(op->getOperand(1));
    return [=](Expr c, Expr x, Expr y, Expr n) {
      return overCovering(window, x, y, [&](Expr ox, Expr oy, Expr tapX, Expr tapY) {
        Expr mine = Halide::cast<float>(tapY * window.x.kernel + tapX);
        return Halide::select(tap(c, ox, oy, n) == mine, gradient(c, ox, oy, n), 0.0f);
      });
    };
  }
  if (auto average = dyn_cast<AvgPoolGradientOp>(op)) {
    bool includePads = average.getCountIncludePad();
    return [=](Expr c, Expr x, Expr y, Expr n) {
      return overCovering(window, x, y, [&](Expr ox, Expr oy, Expr, Expr) { return gradient(c, ox, oy, n) / divisor(window, ox, oy, includePads); });
    };
  }
  Element input = builder.element(op->getOperand(1));
  return [=](Expr c, Expr x, Expr y, Expr n) {
    return overCovering(window, x, y, [&](Expr ox, Expr oy, Expr tapX, Expr tapY) {
      // (x, y) wins its window if it beats every element before it and no later one beats it.
      Expr mine = input(c, x, y, n), wins;
      for (int ky = 0; ky < window.y.kernel; ++ky)
        for (int kx = 0; kx < window.x.kernel; ++kx) {
          Position px = at(window.x, ox, kx), py = at(window.y, oy, ky);
          Expr other = input(c, px.index, py.index, n);
          Expr before = ky < tapY || (ky == tapY && kx < tapX);
          Expr beaten = Halide::select(before, mine > other, mine >= other) || (ky == tapY && kx == tapX);
          if (Expr inside = both(px.inside, py.inside); inside.defined())
            beaten = beaten || !inside;
          wins = wins.defined() ? wins && beaten : beaten;
        }
      return Halide::select(wins, gradient(c, ox, oy, n), 0.0f);
    });
  };
}
