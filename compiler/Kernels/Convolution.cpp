//===- Convolution.cpp - packed convolution ------------------------------------===//
//
// A tile of output channels (whole vectors) times neighbouring pixels is held in registers while the window and the input
// channels run past: a vector of weights is loaded once per tile, an input element is broadcast. The pixels are neighbours
// in x, or, where the output is one pixel (a dense layer), images.
//
// Long sums are taken in two steps, some input channels of one tap at a time: rounding errors grow with the length of a
// sum, and a layer of 512 channels adds up 4608 products. A partial sum is a register tile of its own.
//
//===----------------------------------------------------------------------===//

#include "compiler/Kernels/Pipeline.h"
#include "compiler/Kernels/Schedule.h"

using namespace mlir;
using namespace bnc;
using Halide::Expr;
using Halide::Func;
using Halide::TailStrategy;
using Halide::Var;

static int64_t weightDim(PackedConvOp op, int64_t dim) { return op.getWeight().getType().getDimSize(dim); }

/// Input channels that a partial sum takes of one tap; 0 where a single sum is short enough.
static int64_t termsOfPartialSum(PackedConvOp op) {
  int64_t inputs = weightDim(op, 3), window = weightDim(op, 1) * weightDim(op, 2), terms = partialSumTerms(inputs, window);
  return terms == inputs && (terms < 32 || window <= 2) ? 0 : terms;
}

Element bnc::buildConvolution(PipelineBuilder &builder, PackedConvOp op) {
  // Dimensions of packed weights: (block, KH, KW, input channels of a group, channel in the block).
  int kernelHeight = weightDim(op, 1), kernelWidth = weightDim(op, 2), inputs = weightDim(op, 3), block = weightDim(op, 4);
  int strideX = op.getStrides()[1], strideY = op.getStrides()[0], dilationX = op.getDilations()[1], dilationY = op.getDilations()[0];
  int groups = op.getGroups();
  Element input = builder.element(op.getInput());
  Halide::ImageParam &weight = builder.input(op.getWeight());
  Var &c = builder.c, &x = builder.x, &y = builder.y, &n = builder.n;

  auto product = [&](Expr i, Expr kx, Expr ky) {
    Expr channel = i;
    if (groups > 1) {
      int outputsPerGroup = ImageShape::of(op.getResult()).channels / groups;
      // Padded output channels have zero weights and read some channel that exists.
      Expr group = Halide::min(outputsPerGroup == 1 ? Expr(c) : c / outputsPerGroup, groups - 1);
      channel = inputs == 1 ? group : group * inputs + i;
      if (outputsPerGroup == 1 && inputs == 1 && builder.target.storedChannels(groups) == groups)
        channel = c; // depthwise: a vector of channels is a plain load
    }
    return weight(c % block, i, kx, ky, c / block) * input(channel, x * strideX + kx * dilationX, y * strideY + ky * dilationY, n);
  };

  PendingConvolution conv{op, Func(builder.name("conv"))};
  conv.accumulator(c, x, y, n) = 0.0f;
  if (int terms = termsOfPartialSum(op)) {
    conv.window = Halide::RDom(0, inputs / terms, 0, kernelWidth, 0, kernelHeight, builder.name("window"));
    conv.terms = Halide::RDom(0, terms, builder.name("terms"));
    conv.partial = Func(builder.name("partial"));
    Var part("part"), kx("kx"), ky("ky");
    conv.partial(c, x, y, n, part, kx, ky) = 0.0f;
    conv.partial(c, x, y, n, part, kx, ky) += product(part * terms + conv.terms.x, kx, ky);
    conv.accumulator(c, x, y, n) += conv.partial(c, x, y, n, conv.window.x, conv.window.y, conv.window.z);
  } else {
    conv.window = Halide::RDom(0, inputs, 0, kernelWidth, 0, kernelHeight, builder.name("window"));
    conv.accumulator(c, x, y, n) += product(conv.window.x, conv.window.y, conv.window.z);
  }
  builder.pending.push_back(conv);
  Value bias = op.getBias();
  PipelineBuilder *b = &builder;
  return [=, accumulator = conv.accumulator](Expr c, Expr x, Expr y, Expr n) {
    Expr value = accumulator(c, x, y, n);
    return bias ? value + b->channel(bias, c) : value;
  };
}

void bnc::scheduleConvolution(PipelineBuilder &builder, Func func, PendingConvolution conv, const BufferLayout &layout) {
  Var &c = builder.c, &x = builder.x, &y = builder.y, &n = builder.n;
  int64_t width = layout.extents[1];
  bool imagesAsPixels = width == 1 && layout.rowDimension < 0;
  if (width == 1 && layout.rowDimension >= 0)
    imagesAsPixels = builder.kernelOp().getGrid() == Grid::Images && ImageShape::of(conv.op.getResult()).height == 1;
  ConvolutionTile tile = convolutionTile(builder.target, weightDim(conv.op, 4), imagesAsPixels ? 8 : width);
  if (imagesAsPixels)
    tile.pixels = imageTile(builder.kernelOp(), builder.target);
  int channels = tile.lanes * tile.vectors;

  Var co("co"), ci("ci"), po("po"), pi("pi");
  Var &pixel = imagesAsPixels ? n : x;
  func.split(c, co, ci, channels, TailStrategy::RoundUp);
  func.split(pixel, po, pi, tile.pixels, imagesAsPixels ? TailStrategy::RoundUp : TailStrategy::ShiftInwards);
  if (imagesAsPixels)
    func.reorder(ci, pi, x, y, po, co);
  else
    func.reorder(ci, pi, po, y, n, co);
  func.vectorize(ci, tile.lanes).unroll(ci).unroll(pi);

  Func &accumulator = conv.accumulator;
  accumulator.compute_at(func, imagesAsPixels ? x : po).vectorize(c, tile.lanes).unroll(c).unroll(pixel);
  auto &window = conv.window;
  accumulator.update().reorder({c, pixel, window.x, window.y, window.z});
  accumulator.update().vectorize(c, tile.lanes).unroll(c).unroll(pixel);
  if (conv.partial.defined()) {
    conv.partial.compute_at(accumulator, window.x).vectorize(c, tile.lanes).unroll(c).unroll(pixel);
    conv.partial.update().reorder({c, pixel, conv.terms.x}).vectorize(c, tile.lanes).unroll(c).unroll(pixel);
    if (termsOfPartialSum(conv.op) % 2 == 0)
      conv.partial.update().unroll(conv.terms.x, 2);
    return;
  }
  int64_t inputs = weightDim(conv.op, 3);
  if (inputs == 1)
    accumulator.update().unroll(window.y);
  else if (inputs % 2 == 0)
    accumulator.update().unroll(window.x, 2);
}
