//===- Col2Im.cpp - the image that columns add up to ---------------------------===//
//
// A few pixels of one block of the product are computed on the stack, in the convolution's register tiles, and added to
// the image at once, while they are in the first-level cache. A block's weights stay in the second-level one.
//
//===----------------------------------------------------------------------===//

#include "compiler/Kernels/Pipeline.h"

using namespace mlir;
using namespace bnc;
using Halide::Expr;
using Halide::Func;
using Halide::Var;

Func bnc::buildCol2Im(PipelineBuilder &builder, Col2ImOp op) {
  ImageShape product = ImageShape::of(op.getInput());
  int height = op.getKernel()[0], width = op.getKernel()[1], channels = op.getChannels(), block = op.getBlock();
  Var &c = builder.c, &x = builder.x, &y = builder.y, &n = builder.n;

  Func columns(builder.name("columns")), image(builder.name("image"));
  columns(c, x, y, n) = builder.element(op.getInput())(c, x, y, n);
  Halide::RDom r(0, width, 0, int(product.width), 0, height, 0, int(product.height), builder.name("tap")); // (kx, x, ky, y)
  image(c, x, y, n) = 0.0f;
  // A vector of the image reads past the channels of a tap that do not fill it.
  int span = channels % 8 == 0 ? channels : builder.target.storedChannels(channels);
  Expr column = columns(c / span * block + (r[2] * width + r[0]) * channels + c % span, r[1], r[3], n);
  image(c, r[0] * int(op.getDilations()[1]) + r[1] * int(op.getStrides()[1]),
        r[2] * int(op.getDilations()[0]) + r[3] * int(op.getStrides()[0]), n) +=
      (span == channels ? column : Halide::select(c < channels, column, 0.0f));

  int lanes = builder.target.vectorFor(span), pixels = op.getPixels();
  Var co("co"), ci("ci");
  Halide::RVar xo("xo"), xi("xi");
  image.vectorize(c, lanes);
  image.update()
      .split(c, co, ci, span)
      .split(r[1], xo, xi, pixels)
      .reorder({ci, r[0], xi, r[2], xo, r[3], co, n})
      .vectorize(ci, lanes)
      .unroll(r[0]);
  BufferLayout tile;
  tile.extents = {product.channels, pixels, 1, 1};
  tile.rowDimension = 2;
  scheduleConvolution(builder, columns, builder.pending, tile);
  columns.compute_at(image, xo);
  builder.pending.clear();
  return image;
}
