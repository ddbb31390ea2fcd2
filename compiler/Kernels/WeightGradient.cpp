//===- WeightGradient.cpp - the gradient of a convolution's weights --------------===//
//
// A tile of (output channels, input channels, taps) is held in registers while a block of rows runs past, and then added
// to the chain's slice (its first task sets it), which stays in cache from task to task. All tiles go over one block of
// rows before the next, so that the rows stay in the first-level cache.
//
//===----------------------------------------------------------------------===//

#include "compiler/Kernels/Pipeline.h"
#include "compiler/Kernels/Schedule.h"

using namespace mlir;
using namespace bnc;
using Halide::Expr;
using Halide::Func;
using Halide::Var;

Func bnc::buildWeightGradient(PipelineBuilder &builder, WeightGradientOp op) {
  ArrayRef<int64_t> shape = op.getType().getShape(); // (chains, blocks, KH, KW, input channels, block)
  int blocks = shape[1], kernelHeight = shape[2], kernelWidth = shape[3], block = shape[5];
  int inputs = builder.argumentOf(op.getResult())->layout.extents[1]; // all, or those of the task's block of channels
  int strideX = op.getStrides()[1], strideY = op.getStrides()[0], dilationX = op.getDilations()[1], dilationY = op.getDilations()[0];
  int padX = op.getGradientPads()[1], padY = op.getGradientPads()[0], stepX = op.getGradientDilations()[1], stepY = op.getGradientDilations()[0];
  int outputWidth = op.getOutputShape()[1], outputHeight = op.getOutputShape()[0], groups = op.getGroups();
  Element gradient = builder.element(op.getGradient()), input = builder.element(op.getInput());

  int rows = weightGradientRows(outputWidth, outputHeight);
  // With whole images as blocks the images of a task are one sum.
  bool byRows = rows < outputHeight;
  int pixels = builder.pixelsPerVector(op.getInput(), block, strideX, outputWidth);
  Halide::RDom p(0, outputWidth / pixels, 0, rows, 0, byRows ? Expr(1) : builder.images(), builder.name("pixels"));
  Var k("k"), c("wc"), kx("kx"), ky("ky"), ko("ko"), later("later"), pixel("pixel");
  Expr output = ko * block + k, channel = c;
  if (groups > 1) {
    int outputsPerGroup = ImageShape::of(op.getGradient()).channels / groups;
    Expr group = Halide::min(output / outputsPerGroup, groups - 1);
    channel = group * inputs + c;
    if (outputsPerGroup == 1 && inputs == 1 && builder.target.storedChannels(groups) == groups)
      channel = output;
  }
  Var rowBlock("rowBlock"), image("image");
  Expr y = rowBlock * rows + p.y, z = byRows ? Expr(image) : Expr(p.z);
  Expr x = p.x * pixels + pixel;
  auto gradientAt = [&](Expr x, Expr y, Expr z) { return gradient(output, x * stepX + padX, y * stepY + padY, z); };
  Func slice(builder.name("slice"));
  slice(k, c, kx, ky, ko, later) = Halide::undef<float>();
  slice.bound(k, 0, block).bound(c, 0, inputs).bound(kx, 0, kernelWidth).bound(ky, 0, kernelHeight).bound(ko, 0, blocks);

  WeightGradientTile tile = weightGradientTile(builder.target, op, inputs);
  auto inRegisters = [&](Halide::Stage stage) {
    if (pixels > 1)
      stage.vectorize(pixel);
    stage.vectorize(k, tile.lanes).unroll(k).unroll(c).unroll(kx).unroll(ky);
  };
  Func sum(builder.name("wsum")), neighbours(builder.name("neighbours")); // of the gradient, pixel by pixel in every channel
  builder.anchors.insert(sum.name());
  Var xo("nx"), yo("ny"), zo("nz");
  if (pixels > 1)
    neighbours(pixel, k, ko, xo, yo, zo) = gradientAt(xo * pixels + pixel, yo, zo);
  sum(pixel, k, c, kx, ky, ko, rowBlock, image) = 0.0f;
  sum(pixel, k, c, kx, ky, ko, rowBlock, image) += (pixels > 1 ? Expr(neighbours(pixel, k, ko, p.x, y, z)) : gradientAt(x, y, z)) *
                                                 input(channel, x * strideX + kx * dilationX, y * strideY + ky * dilationY, z);
  // (input channel of a tile, tile, block of rows, image)
  int tiles = (inputs + tile.inputs - 1) / tile.inputs;
  Halide::RDom r(0, tile.inputs, 0, tiles, 0, outputHeight / rows, 0, byRows ? builder.images() : Expr(1), builder.name("rows"));
  // The last tile has as many channels as the others, some of them those of the tile before.
  Expr first = Halide::min(r.y * tile.inputs, inputs - tile.inputs), i = first + r.x;
  Expr total = sum(0, k, i, kx, ky, ko, r.z, r.w);
  for (int j = 1; j < pixels; ++j)
    total += sum(j, k, i, kx, ky, ko, r.z, r.w);
  if (inputs % tile.inputs != 0)
    total = Halide::select(i < r.y * tile.inputs, 0.0f, total);
  // What is there before a chain's first task counts for nothing.
  Expr isFirst = later == 0 && r.z == 0 && r.w == 0 && i >= r.y * tile.inputs;
  slice(k, i, kx, ky, ko, later) = Halide::select(isFirst, 0.0f, slice(k, i, kx, ky, ko, later)) + total;

  Var kb("kb"), ki("ki"), xb("xo"), xi("xi"), yb("yo"), yi("yi");
  slice.update()
      .split(k, kb, ki, tile.lanes * tile.vectors)
      .split(kx, xb, xi, tile.width)
      .split(ky, yb, yi, tile.height)
      .reorder({ki, r.x, xi, yi, r.y, xb, yb, kb, ko, r.z, r.w, later})
      .vectorize(ki, tile.lanes)
      .unroll(ki)
      .unroll(r.x)
      .unroll(xi)
      .unroll(yi);
  sum.bound(pixel, 0, pixels).compute_at(slice, r.y);
  inRegisters(sum);
  sum.update().reorder({pixel, k, c, kx, ky, p.x, p.y, p.z, ko});
  inRegisters(sum.update());
  if (pixels > 1)
    neighbours.bound(pixel, 0, pixels).compute_at(sum, p.x).vectorize(k, tile.lanes).unroll(pixel);
  return slice;
}
