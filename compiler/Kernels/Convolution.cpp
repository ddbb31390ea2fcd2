//===- Convolution.cpp - packed convolution ------------------------------------===//
//
// A tile of output channels (whole vectors) times neighbouring pixels is held in registers while the window and the input
// channels run past: a vector of weights is loaded once per tile, an input element is broadcast. The pixels are neighbours
// in x, or, where the output is one pixel (a dense layer), images.
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

Element bnc::buildConvolution(PipelineBuilder &builder, PackedConvOp op) {
  // Dimensions of packed weights: (block, KH, KW, input channels of a group, channel in the block).
  int kernelHeight = weightDim(op, 1), kernelWidth = weightDim(op, 2), inputs = weightDim(op, 3), block = weightDim(op, 4);
  int strideX = op.getStrides()[1], strideY = op.getStrides()[0], dilationX = op.getDilations()[1], dilationY = op.getDilations()[0];
  int groups = op.getGroups();
  Element input = builder.element(op.getInput());
  Halide::ImageParam &weight = builder.input(op.getWeight());

  Func accumulator(builder.name("conv"));
  Halide::RDom window(0, inputs, 0, kernelWidth, 0, kernelHeight, builder.name("window"));
  Var &c = builder.c, &x = builder.x, &y = builder.y, &n = builder.n;
  Expr channel = window.x;
  if (groups > 1) {
    int outputsPerGroup = ImageShape::of(op.getResult()).channels / groups;
    // Padded output channels have zero weights and read some channel that exists.
    Expr group = Halide::min(outputsPerGroup == 1 ? Expr(c) : c / outputsPerGroup, groups - 1);
    channel = inputs == 1 ? group : group * inputs + window.x;
    if (outputsPerGroup == 1 && inputs == 1 && builder.target.storedChannels(groups) == groups)
      channel = c; // depthwise: a vector of channels is a plain load
  }
  accumulator(c, x, y, n) = 0.0f;
  accumulator(c, x, y, n) += weight(c % block, window.x, window.y, window.z, c / block) *
                             input(channel, x * strideX + window.y * dilationX, y * strideY + window.z * dilationY, n);
  builder.pending.push_back({op, accumulator, window});
  Value bias = op.getBias();
  PipelineBuilder *b = &builder;
  return [=](Expr c, Expr x, Expr y, Expr n) {
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
  int64_t inputs = weightDim(conv.op, 3);
  if (inputs == 1)
    accumulator.update().unroll(window.y);
  else if (inputs % 2 == 0)
    accumulator.update().unroll(window.x, 2);
}
