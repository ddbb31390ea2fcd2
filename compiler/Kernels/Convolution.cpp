//===- Convolution.cpp - packed convolution ------------------------------------===//
//
// A tile of output channels (whole vectors) times neighbouring pixels is held in registers while the window and the input
// channels run past: a vector of weights is loaded once per tile, an input element is broadcast. The pixels are neighbours
// in x, or, where the output is one pixel (a dense layer), images.
//
// Long sums are taken in two steps, some input channels of one tap at a time (of a row of taps where channels are few):
// rounding errors grow with the length of a sum, and a layer of 512 channels adds up 4608 products. A partial sum is a
// register tile of its own.
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

static PartialSum partialSumOf(PackedConvOp op) { return partialSum(op, weightDim(op, 3), weightDim(op, 2), weightDim(op, 1)); }

Element bnc::buildConvolution(PipelineBuilder &builder, PackedConvOp op) {
  // Dimensions of packed weights: (block, KH, KW, input channels of a group, channel in the block).
  int kernelHeight = weightDim(op, 1), kernelWidth = weightDim(op, 2), inputs = weightDim(op, 3), block = weightDim(op, 4);
  int strideX = op.getStrides()[1], strideY = op.getStrides()[0], dilationX = op.getDilations()[1], dilationY = op.getDilations()[0];
  int groups = op.getGroups();
  Element input = builder.element(op.getInput());
  if (isa<BlockArgument>(op.getInput()) && builder.kernelOp().getGrid() == Grid::Images) {
    // Images past the task's last one fill up a register tile; what is staged has such images.
    Expr last = builder.images() - 1;
    input = [last, whole = input](Expr c, Expr x, Expr y, Expr n) { return whole(c, x, y, Halide::min(n, last)); };
  }
  Halide::ImageParam &weight = builder.input(op.getWeight());
  Var &c = builder.c, &x = builder.x, &y = builder.y, &n = builder.n;

  PendingConvolution conv{op, Func(builder.name("conv")), builder.pixelsPerVector(op.getInput(), block, strideX, ImageShape::of(op.getResult()).width)};
  Var &pixel = builder.pixel;
  if (conv.pixels > 1) {
    conv.spread = Func(builder.name("spread"));
    Var kx("kx"), ky("ky");
    conv.spread(pixel, c, kx, ky) = weight(c % block, 0, kx, ky, c / block);
  }
  auto product = [&](Expr i, Expr kx, Expr ky) -> Expr {
    Expr channel = i;
    if (groups > 1) {
      int outputsPerGroup = ImageShape::of(op.getResult()).channels / groups;
      // Padded output channels have zero weights and read some channel that exists.
      Expr group = Halide::min(outputsPerGroup == 1 ? Expr(c) : c / outputsPerGroup, groups - 1);
      channel = inputs == 1 ? group : group * inputs + i;
      if (outputsPerGroup == 1 && inputs == 1 && builder.target.storedChannels(groups) == groups)
        channel = c; // depthwise: a vector of channels is a plain load
    }
    Expr factor = conv.pixels > 1 ? Expr(conv.spread(pixel, c, kx, ky)) : weight(c % block, i, kx, ky, c / block);
    return factor * input(channel, (x * conv.pixels + pixel) * strideX + kx * dilationX, y * strideY + ky * dilationY, n);
  };

  conv.accumulator(pixel, c, x, y, n) = 0.0f;
  PartialSum part = partialSumOf(op);
  if (int terms = part.inputs, taps = part.taps; terms * taps < inputs * kernelWidth * kernelHeight) {
    conv.window = Halide::RDom(0, inputs / terms, 0, kernelWidth / taps, 0, kernelHeight, builder.name("window"));
    conv.terms = Halide::RDom(0, terms, 0, taps, builder.name("terms"));
    conv.partial = Func(builder.name("partial"));
    Var part("part"), kx("kx"), ky("ky");
    conv.partial(pixel, c, x, y, n, part, kx, ky) = 0.0f;
    conv.partial(pixel, c, x, y, n, part, kx, ky) += product(part * terms + conv.terms.x, kx * taps + conv.terms.y, ky);
    conv.accumulator(pixel, c, x, y, n) += conv.partial(pixel, c, x, y, n, conv.window.x, conv.window.y, conv.window.z);
  } else {
    conv.window = Halide::RDom(0, inputs, 0, kernelWidth, 0, kernelHeight, builder.name("window"));
    conv.accumulator(pixel, c, x, y, n) += product(conv.window.x, conv.window.y, conv.window.z);
  }
  builder.anchors.insert(conv.accumulator.name());
  if (conv.partial.defined())
    builder.anchors.insert(conv.partial.name());
  builder.pending.push_back(conv);
  Value bias = op.getBias();
  PipelineBuilder *b = &builder;
  return [=, accumulator = conv.accumulator, pixels = conv.pixels](Expr c, Expr x, Expr y, Expr n) {
    Expr value = accumulator(x % pixels, c, x / pixels, y, n);
    return bias ? value + b->channel(bias, c) : value;
  };
}

/// The accumulators of a register tile, computed where `at` begins. `tapsFirst`: partial sums are added up as panels add
/// them, so that a result does not depend on the rows of a task.
static void scheduleAccumulators(PipelineBuilder &builder, PendingConvolution conv, Halide::LoopLevel at, ConvolutionTile tile, const Var &column,
                                 bool tapsFirst) {
  Var &c = builder.c, &pixel = builder.pixel;
  auto &window = conv.window;
  auto inRegisters = [&](Halide::Stage stage) {
    if (conv.pixels > 1)
      stage.vectorize(pixel);
    stage.vectorize(c, tile.lanes).unroll(c).unroll(column);
  };
  // Pixels that share a vector are broadcast together: their taps have none in common.
  bool isTapByTap = weightDim(conv.op, 3) == 1 && conv.pixels == 1;
  conv.accumulator.bound(pixel, 0, conv.pixels).compute_at(at);
  inRegisters(conv.accumulator);
  if (tapsFirst)
    conv.accumulator.update().reorder({pixel, c, column, window.y, window.z, window.x});
  else
    conv.accumulator.update().reorder({pixel, c, column, window.x, window.y, window.z});
  inRegisters(conv.accumulator.update());
  if (conv.pixels > 1)
    conv.spread.bound(pixel, 0, conv.pixels).compute_root().vectorize(c, tile.lanes).unroll(pixel);
  if (conv.partial.defined()) {
    conv.partial.bound(pixel, 0, conv.pixels).compute_at(conv.accumulator, tapsFirst ? window.y : window.x);
    inRegisters(conv.partial);
    conv.partial.update().reorder({pixel, c, column, conv.terms.x, conv.terms.y});
    inRegisters(conv.partial.update());
    if (isTapByTap)
      conv.partial.update().unroll(conv.terms.y);
    else if (conv.pixels == 1)
      conv.partial.update().unroll(conv.terms.x, tile.termsAtOnce(builder.target, partialSumOf(conv.op).inputs));
    return;
  }
  if (isTapByTap)
    conv.accumulator.update().unroll(window.y);
  else if (conv.pixels == 1)
    conv.accumulator.update().unroll(window.x, tile.termsAtOnce(builder.target, weightDim(conv.op, 3)));
}

/// A panel of weights, some input channels of one tap, stays in the first-level cache while the pixels of a few rows run
/// past; their sums wait beside it.
static void schedulePanels(PipelineBuilder &builder, Func func, ArrayRef<PendingConvolution> convs, PanelTile tile) {
  Var &c = builder.c, &x = builder.x, &y = builder.y, &n = builder.n;
  Var co("co"), ci("ci"), cb("cb"), cv("cv"), xo("xo"), xi("xi"), yo("yo"), yi("yi");
  func.split(c, co, ci, int(weightDim(convs.front().op, 4)), TailStrategy::RoundUp).split(y, yo, yi, tile.rows, TailStrategy::RoundUp);
  func.reorder(ci, x, yi, yo, n, co).vectorize(ci, tile.lanes).unroll(ci);
  auto inRegisters = [&](Halide::Stage stage) { stage.vectorize(c, tile.lanes).unroll(c).unroll(x); };
  for (PendingConvolution conv : convs) {
    auto &window = conv.window;
    conv.accumulator.compute_at(func, yo).vectorize(c, tile.lanes).unroll(c);
    // The pixels of some channels stay in the cache for all taps.
    conv.accumulator.update()
        .split(c, cb, cv, tile.lanes * tile.vectors)
        .split(x, xo, xi, tile.pixels)
        .reorder({cv, xi, xo, y, cb, window.y, window.z, window.x})
        .vectorize(cv, tile.lanes)
        .unroll(cv)
        .unroll(xi);
    conv.partial.compute_at(conv.accumulator, xo);
    inRegisters(conv.partial);
    conv.partial.update().reorder({c, x, conv.terms.x, conv.terms.y});
    inRegisters(conv.partial.update());
    conv.partial.update().unroll(conv.terms.x, tile.termsAtOnce(builder.target, partialSumOf(conv.op).inputs));
  }
}

/// A dense layer, whose pixels are images. The sums of an image are the same however many there are.
static void scheduleImages(PipelineBuilder &builder, Func func, ArrayRef<PendingConvolution> convs, const BufferLayout &layout) {
  Var &c = builder.c, &x = builder.x, &y = builder.y, &n = builder.n;
  Var co("co"), ci("ci"), po("po"), pi("pi");
  auto cut = [&](Halide::Stage stage, ConvolutionTile tile) {
    stage.split(c, co, ci, tile.lanes * tile.vectors, TailStrategy::RoundUp).split(n, po, pi, tile.pixels, TailStrategy::RoundUp);
    stage.reorder(ci, pi, x, y, po, co).vectorize(ci, tile.lanes).unroll(ci).unroll(pi);
  };
  PackedConvOp op = convs.front().op;
  ConvolutionTile tile = imagesTile(builder.target, op), one = oneImageTile(builder.target, op, layout.extents[0]);
  tile.pixels = imageMultiple(builder.kernelOp(), builder.target);
  if (tile.pixels > 1) {
    cut(func.specialize(builder.images() == 1), one);
    cut(func, tile);
  } else {
    cut(func, one);
  }
  // Fetched ahead is what one term reads: more at a time would wait for each other.
  for (const PendingConvolution &each : convs)
    scheduleAccumulators(builder, each, Halide::LoopLevel(func, x), one, n, /*tapsFirst=*/false);
}

void bnc::scheduleConvolution(PipelineBuilder &builder, Func func, ArrayRef<PendingConvolution> convs, const BufferLayout &layout) {
  Var &c = builder.c, &x = builder.x, &y = builder.y, &n = builder.n;
  PendingConvolution conv = convs.front();
  int64_t width = layout.extents[1], block = weightDim(conv.op, 4);
  bool imagesAsPixels = width == 1 && layout.rowDimension < 0;
  if (width == 1 && layout.rowDimension >= 0)
    imagesAsPixels = builder.kernelOp().getGrid() == Grid::Images && ImageShape::of(conv.op.getResult()).height == 1;
  auto terms = [](const PendingConvolution &conv) { return weightDim(conv.op, 1) * weightDim(conv.op, 2) * weightDim(conv.op, 3); };
  // Weights that a register tile would read from beyond the second-level cache again and again.
  auto overflows = [&](const PendingConvolution &conv) {
    return terms(conv) * block * 4 > builder.target.cacheBytes / 2;
  };
  bool inParts = llvm::all_of(convs, [](const PendingConvolution &conv) { return conv.partial.defined(); });
  bool inPanels = inParts && !imagesAsPixels && llvm::any_of(convs, overflows);
  if (inPanels)
    if (std::optional<PanelTile> tile = panelTile(builder.target, block, width, layout.rows))
      return schedulePanels(builder, func, convs, *tile);

  // Several convolutions may end in one value: the sum of two paths of a residual network.
  if (imagesAsPixels)
    return scheduleImages(builder, func, convs, layout);

  Var co("co"), ci("ci"), xo("xo"), xi("xi"), po("po"), pi("pi");
  ConvolutionTile tile = convolutionTile(builder.target, block, width / conv.pixels, terms(conv));
  func.split(c, co, ci, tile.lanes * tile.vectors, TailStrategy::RoundUp);
  if (conv.pixels > 1) {
    // A vector's pixels are taken apart in a loop of their own: together Halide 21 would load some of them unaligned.
    func.split(x, xo, xi, conv.pixels).split(xo, po, pi, tile.pixels, TailStrategy::ShiftInwards);
    func.reorder(ci, xi, pi, po, y, n, co).unroll(xi);
  } else {
    func.split(x, po, pi, tile.pixels, TailStrategy::ShiftInwards).reorder(ci, pi, po, y, n, co).unroll(pi);
  }
  // All channels of a row together read and write whole lines and pages, where all weights stay in the cache for that.
  int64_t weights = 0;
  for (const PendingConvolution &each : convs)
    weights += terms(each) * layout.extents[0] * 4;
  if (weights <= builder.target.cacheBytes / 2)
    func.reorder(co, y, n);
  func.vectorize(ci, tile.lanes).unroll(ci);
  for (const PendingConvolution &each : convs)
    scheduleAccumulators(builder, each, Halide::LoopLevel(func, po), tile, x, inPanels);
}
