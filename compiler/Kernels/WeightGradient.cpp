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
  int outputWidth = op.getOutputShape()[1], groups = op.getGroups();
  auto [firstRow, outputHeight] = builder.ownRows(op);
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
  Expr y = firstRow + rowBlock * rows + p.y, z = byRows ? Expr(image) : Expr(p.z);
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
  // Tiles lie side by side; the last one of a dimension ends with it and shares what lies before it.
  struct Tiles {
    int size, whole; // of a tile, and what they cover
    Halide::RVar inside, which;
    Expr begin() const { return which * size; }
    Expr at() const { return Halide::min(begin(), whole - size) + inside; }
    bool areShared() const { return whole % size != 0; }
  };
  auto count = [](int size, int whole) { return (whole + size - 1) / size; };
  Halide::RDom r({{0, tile.inputs}, {0, tile.width}, {0, tile.height},
                  {0, count(tile.inputs, inputs)}, {0, count(tile.width, kernelWidth)}, {0, count(tile.height, kernelHeight)},
                  {0, outputHeight / rows}, {0, byRows ? builder.images() : Expr(1)}}, builder.name("tiles"));
  Tiles channels{tile.inputs, inputs, r[0], r[3]}, columns{tile.width, kernelWidth, r[1], r[4]}, lines{tile.height, kernelHeight, r[2], r[5]};
  Halide::RVar blockOfRows = r[6], ofImages = r[7];
  Expr total = sum(0, k, channels.at(), columns.at(), lines.at(), ko, blockOfRows, ofImages);
  for (int i = 1; i < pixels; ++i)
    total += sum(i, k, channels.at(), columns.at(), lines.at(), ko, blockOfRows, ofImages);
  // What is there before a chain's first task counts for nothing.
  Expr isFirst = later == 0 && blockOfRows == 0 && ofImages == 0;
  for (const Tiles &tiles : {channels, columns, lines})
    if (tiles.areShared()) {
      Expr isOwn = tiles.at() >= tiles.begin();
      total = Halide::select(isOwn, total, 0.0f);
      isFirst = isFirst && isOwn;
    }
  Expr before = slice(k, channels.at(), columns.at(), lines.at(), ko, later);
  slice(k, channels.at(), columns.at(), lines.at(), ko, later) = Halide::select(isFirst, 0.0f, before) + total;

  Var kb("kb"), ki("ki");
  slice.update()
      .split(k, kb, ki, tile.lanes * tile.vectors)
      .reorder({ki, r[0], r[1], r[2], r[3], r[4], r[5], kb, ko, r[6], r[7], later})
      .vectorize(ki, tile.lanes)
      .unroll(ki)
      .unroll(r[0])
      .unroll(r[1])
      .unroll(r[2]);
  // Its size follows from what is read; with a bound on it Halide 21 takes the first tile for all of them.
  sum.bound(pixel, 0, pixels).compute_at(slice, r[3]);
  inRegisters(sum);
  sum.update().reorder({pixel, k, c, kx, ky, p.x, p.y, p.z, ko});
  inRegisters(sum.update());
  if (pixels > 1)
    neighbours.bound(pixel, 0, pixels).compute_at(sum, p.x).vectorize(k, tile.lanes).unroll(pixel);
  return slice;
}
